// What bodies of requests mean. Nothing here throws: the parser reports instead.
//
// SPDX-License-Identifier: Apache-2.0
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "lb/admin/json.h"
#include "lb/config/names.h"
#include "lb/config/schema.h"
#include "lb/config/words.h"

namespace sstplb::admin {
namespace {

using Json = nlohmann::json;

// One flat object, read key by key; the first thing that is wrong is kept.
class ObjectReader {
 public:
  ObjectReader(std::string_view body, std::initializer_list<std::string_view> known) {
    if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
    json_ = Json::parse(body, nullptr, false);
    if (!json_.is_object()) {
      Fail("", json_.is_discarded() ? "the body is not valid JSON" : "the body must be an object");
      return;
    }
    for (const auto& item : json_.items()) {
      if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
        Fail(item.key(), "unknown field (known: " + Join(known) + ")");
      }
    }
  }

  void Fail(std::string_view field, std::string message) {
    if (!failure_) failure_ = {control::FailureCode::kInvalid, std::move(message), Name(field)};
  }

  // Absent and null are the same.
  std::optional<std::string> Text(std::string_view field) {
    const Json* value = Find(field);
    if (value == nullptr) return std::nullopt;
    if (value->is_string()) return value->get<std::string>();
    Fail(field, "must be a string");
    return std::nullopt;
  }

  std::string RequiredText(std::string_view field) {
    std::optional<std::string> text = Text(field);
    if (!text || text->empty()) Fail(field, "is required and must be a string");
    return text.value_or("");
  }

  std::optional<std::uint32_t> Count(std::string_view field, std::uint32_t max) {
    const Json* value = Find(field);
    if (value == nullptr) return std::nullopt;
    if (value->is_number_unsigned() && value->get<std::uint64_t>() <= max) {
      return static_cast<std::uint32_t>(value->get<std::uint64_t>());
    }
    Fail(field, "must be a whole number from 0 to " + std::to_string(max));
    return std::nullopt;
  }

  std::optional<Duration> SecondsOf(std::string_view field) {
    constexpr double kMost = 366 * 86400.0;
    const Json* value = Find(field);
    if (value == nullptr) return std::nullopt;
    if (value->is_number() && value->get<double>() >= 0 && value->get<double>() <= kMost) {
      return std::chrono::duration_cast<Duration>(
          std::chrono::duration<double>(value->get<double>()));
    }
    Fail(field, "must be a number of seconds from 0 to a year");
    return std::nullopt;
  }

  std::optional<double> PaceOf(std::string_view field) {
    constexpr double kLeast = 1.0 / 3600;
    constexpr double kMost = 1e6;
    const Json* value = Find(field);
    if (value == nullptr) return std::nullopt;
    if (value->is_number() && value->get<double>() >= kLeast && value->get<double>() <= kMost) {
      return value->get<double>();
    }
    Fail(field, "must be a number per second, from one an hour to 1000000");
    return std::nullopt;
  }

  std::optional<double> PerHour(std::string_view field, double most) {
    const Json* value = Find(field);
    if (value == nullptr) return std::nullopt;
    if (value->is_number() && value->get<double>() >= 1 && value->get<double>() <= most) {
      return value->get<double>();
    }
    Fail(field, "must be a number from 1 to " + std::to_string(static_cast<int>(most)));
    return std::nullopt;
  }

  std::optional<bool> Flag(std::string_view field) {
    const Json* value = Find(field);
    if (value == nullptr) return std::nullopt;
    if (value->is_boolean()) return value->get<bool>();
    Fail(field, "must be true or false");
    return std::nullopt;
  }

  // At most a year ahead.
  std::optional<WallTime> Time(std::string_view field) {
    const std::optional<std::string> text = Text(field);
    if (!text) return std::nullopt;
    const std::optional<WallTime> time = ParseWallTime(*text);
    if (!time || *time > WallClock::now() + std::chrono::hours(366 * 24)) {
      Fail(field, "must be a time within a year, as \"2026-11-22T22:00:00Z\"");
      return std::nullopt;
    }
    return time;
  }

  std::optional<config::AdminState> Admin(std::string_view field) {
    const std::optional<std::string> text = Text(field);
    if (!text) return std::nullopt;
    const auto state = config::FromWord<config::AdminState>(*text);
    if (!state) Fail(field, "must be one of: active, draining, disabled");
    return state;
  }

  const std::optional<control::Failure>& failure() const { return failure_; }

 private:
  const Json* Find(std::string_view field) const {
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(field);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }

  // A key of the client's own, cut: it is only echoed to say which one is meant.
  static std::string Name(std::string_view field) { return std::string(field.substr(0, 64)); }

  static std::string Join(std::initializer_list<std::string_view> words) {
    std::string out;
    for (const std::string_view word : words) {
      out += (out.empty() ? "" : ", ") + std::string(word);
    }
    return out.empty() ? "none" : out;
  }

  Json json_;
  std::optional<control::Failure> failure_;
};

}  // namespace

control::Answer<NewBackend> ParseNewBackend(std::string_view body) {
  ObjectReader in(body, {"pool", "name", "address", "weight", "max_sessions", "admin"});
  NewBackend out;
  out.pool = in.RequiredText("pool");
  out.backend.name = in.RequiredText("name");
  const std::string address = in.RequiredText("address");
  if (const auto problem = config::NameProblem(out.backend.name)) in.Fail("name", *problem);
  const std::optional<HostPort> parsed = HostPort::Parse(address);
  if (!parsed)
    in.Fail("address", "must be HOST:PORT, as \"10.0.0.11:443\" or \"[2001:db8::1]:443\"");
  out.backend.address = parsed.value_or(HostPort{});
  config::Backend& b = out.backend;
  b.weight = in.Count("weight", config::kMaxWeight).value_or(b.weight);
  b.max_sessions = in.Count("max_sessions", config::kMaxSessions).value_or(b.max_sessions);
  b.admin = in.Admin("admin").value_or(b.admin);
  if (in.failure()) return *in.failure();
  return out;
}

control::Answer<control::BackendChange> ParseBackendChange(std::string_view body) {
  ObjectReader in(body, {"admin", "weight", "max_sessions"});
  control::BackendChange out;
  out.admin = in.Admin("admin");
  out.weight = in.Count("weight", config::kMaxWeight);
  out.max_sessions = in.Count("max_sessions", config::kMaxSessions);
  if (!out.admin && !out.weight && !out.max_sessions) {
    in.Fail("", "nothing to change: give admin, weight or max_sessions");
  }
  if (in.failure()) return *in.failure();
  return out;
}

control::Answer<control::DrainWish> ParseDrain(std::string_view body) {
  ObjectReader in(body, {"within_seconds", "pace_per_second", "idle_first", "at"});
  control::DrainWish out;
  out.within = in.SecondsOf("within_seconds");
  out.pace = in.PaceOf("pace_per_second");
  out.idle_first = in.Flag("idle_first").value_or(false);
  out.at = in.Time("at");
  if (in.failure()) return *in.failure();
  return out;
}

control::Answer<control::RebalanceWish> ParseRebalance(std::string_view body) {
  ObjectReader in(body, {"budget_per_hour", "within_seconds"});
  control::RebalanceWish out;
  if (const auto budget = in.PerHour("budget_per_hour", config::kFastestRebalance * 3600)) {
    out.per_second = *budget / 3600;
  }
  out.within = in.SecondsOf("within_seconds").value_or(out.within);
  if (in.failure()) return *in.failure();
  return out;
}

control::Answer<Done> ParseNothing(std::string_view body) {
  const ObjectReader in(body, {});
  if (in.failure()) return *in.failure();
  return Done{};
}

}  // namespace sstplb::admin
