// What an operator may have the controller do: decisions about backends.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/config/names.h"
#include "lb/config/read.h"
#include "lb/config/words.h"
#include "lb/config/write.h"
#include "lb/control/controller.h"

namespace sstplb::control {
namespace {

std::string Label(std::string_view pool, std::string_view name) {
  return std::string(pool) + "/" + std::string(name);
}

}  // namespace

// Logs and keeps a decision that the registry took, or says why it did not.
Answer<Done> Controller::Decided(const Status& status, std::string_view what, std::string_view pool,
                                 std::string_view name, const std::string& detail) {
  if (!status) return Failure{FailureCode::kNotFound, status.error().message, ""};
  log_.Event(LogLevel::kInfo, "operator",
             {{"decided", what}, {"backend", Label(pool, name)}, {"detail", detail}});
  SaveState();
  return Done{};
}

Answer<Done> Controller::Add(std::string_view pool, const config::Backend& backend) {
  if (registry_.snapshot()->Find(pool) == nullptr) {
    return Failure{FailureCode::kNotFound, "no pool \"" + std::string(pool) + "\"", "pool"};
  }
  // The same rules as in a file, by way of the file: a configuration with this backend must read.
  config::Config with = registry_.Effective(config_);
  for (config::Pool& p : with.pools) {
    if (p.name == pool) p.backends.push_back(backend);
  }
  if (const auto read = config::ReadText(config::WriteToml(with), "backend"); !read) {
    const auto& first = read.error().front();
    const bool twice = registry_.snapshot()->Find(pool)->Find(backend.name) != nullptr;
    return Failure{twice ? FailureCode::kConflict : FailureCode::kInvalid, first.message,
                   first.key};
  }
  return Decided(registry_.Add(pool, backend), "add", pool, backend.name,
                 backend.address.ToString());
}

// The backend as it is, when it is one that a decision can be about.
Answer<BackendStatus> Controller::Present(std::string_view pool, std::string_view name) const {
  auto status = GetBackend(pool, name);
  if (!status || !status->removed) return status;
  return Failure{FailureCode::kConflict,
                 Label(pool, name) + " is removed, with " +
                     std::to_string(status->sessions_active) +
                     " sessions left; add it again, or reset the decision, to have it back",
                 ""};
}

Answer<Done> Controller::Remove(std::string_view pool, std::string_view name, bool force) {
  const auto status = Present(pool, name);
  if (!status) return status.error();
  const WallTime now = WallClock::now();
  std::optional<backend::Drain> drain = DrainUnderWay(pool, name);
  if (force) drain = backend::Drain{.since = now, .begins = now};
  const auto removed = registry_.Remove(pool, name);
  if (removed && drain) departures_.SetDrain(pool, name, *drain);
  const std::string detail = status->sessions_active == 0
                                 ? ""
                                 : std::to_string(status->sessions_active) + " sessions left";
  return Decided(removed, "remove", pool, name, detail);
}

Answer<Done> Controller::Change(std::string_view pool, std::string_view name,
                                const BackendChange& change) {
  const auto status = Present(pool, name);
  if (!status) return status.error();
  if (change.weight && *change.weight > config::kMaxWeight) {
    return Failure{FailureCode::kInvalid, "weight is 0 to " + std::to_string(config::kMaxWeight),
                   "weight"};
  }
  std::string detail;
  const auto tell = [&detail](const std::string& text) {
    detail += (detail.empty() ? "" : " ") + text;
  };
  backend::Registry::Batch batch(registry_);
  if (change.admin) {
    (void)registry_.SetAdmin(pool, name, *change.admin);
    if (*change.admin == config::AdminState::kActive) Pardon(pool, name);
    tell("admin=" + std::string(config::ToWord(*change.admin)));
  }
  if (change.weight) {
    (void)registry_.SetWeight(pool, name, *change.weight);
    tell("weight=" + std::to_string(*change.weight));
  }
  if (change.max_sessions) {
    (void)registry_.SetMaxSessions(pool, name, *change.max_sessions);
    tell("max_sessions=" + std::to_string(*change.max_sessions));
  }
  return Decided(Done{}, "change", pool, name, detail);
}

Answer<Done> Controller::Reset(std::string_view pool, std::string_view name) {
  const Status status = registry_.Reset(pool, name);
  if (status) Pardon(pool, name);
  return Decided(status, "reset", pool, name, "");
}

}  // namespace sstplb::control
