// SPDX-License-Identifier: Apache-2.0
#include "lb/control/state_keeper.h"

#include <algorithm>

#include "lb/control/affinity.h"

namespace sstplb::control {
namespace {

// Also without a change the time of live sessions goes on: so many times within the time to live.
constexpr int kWritesPerLife = 8;

std::uint64_t ChangesOf(const StateKeeper::Tables& tables) {
  std::uint64_t changes = 0;
  for (const auto& [pool, table] : tables) changes += table->changes();
  return changes;
}

}  // namespace

StateKeeper::~StateKeeper() { Release(); }

backend::State StateKeeper::Begin(const std::string& path) {
  thread_ = std::make_unique<LoopThread>("state");
  thread_->Start();
  path_ = path;
  keeping_ = !path.empty();
  if (!keeping_) return {};
  auto state = backend::LoadStateFile(path, WallClock::now());
  if (!state) {
    blocked_ = backend::IsThere(path);
    log_.Event(LogLevel::kError, "state file unusable",
               {{"error", state.error().message},
                {"written", blocked_ ? "not until it is moved" : "anew"}});
    return {};
  }
  std::size_t clients = 0;
  for (const auto& pool : state->affinity) clients += pool.clients.size();
  log_.Write(LogLevel::kInfo, "state file read",
             {{"path", path}, {"decisions", state->decisions.size()}, {"clients", clients}});
  state_ = *state;
  state_.affinity.clear();
  if (const auto text = backend::FormatAffinity(state->affinity)) affinity_ = *text;
  return std::move(*state);
}

void StateKeeper::Continue(const std::string& path, const backend::State& state) {
  thread_ = std::make_unique<LoopThread>("state");
  thread_->Start();
  written_changes_.reset();
  keeping_ = !path.empty();
  const std::lock_guard lock(mutex_);
  path_ = path;
  state_ = state;
}

void StateKeeper::Move(const std::string& path, const backend::State& state) {
  keeping_ = !path.empty();
  const std::lock_guard lock(mutex_);
  path_ = path;
  state_ = state;
  blocked_ = false;
  if (path.empty()) return;
  const auto kept = backend::KeepAside(path, WallClock::now());
  if (!kept) {
    blocked_ = true;
    log_.Event(LogLevel::kError, "state not kept", {{"error", kept.error().message}});
    return;
  }
  if (!kept->empty()) {
    log_.Event(LogLevel::kWarning, "state file moved away", {{"path", path}, {"kept", *kept}});
  }
  WriteLocked();
}

void StateKeeper::Save(const backend::State& state) {
  const std::lock_guard lock(mutex_);
  state_ = state;
  WriteLocked();
}

bool StateKeeper::Due(TimePoint now, const Tables& tables) const {
  if (!keeping_ || busy_) return false;
  if (!written_at_) return ChangesOf(tables) != written_changes_;
  if (now - *written_at_ < pace_) return false;
  if (ChangesOf(tables) != written_changes_) return true;
  return std::ranges::any_of(tables, [&](const auto& entry) {
    return now - *written_at_ >= entry.second->ttl() / kWritesPerLife && entry.second->Size() > 0;
  });
}

void StateKeeper::Tick(TimePoint now, Tables tables) {
  if (thread_ == nullptr || !Due(now, tables)) return;
  written_at_ = now;
  written_changes_ = ChangesOf(tables);
  busy_ = true;
  thread_->loop().Post([this, tables = std::move(tables)] {
    WriteAffinity(tables);
    busy_ = false;
  });
}

void StateKeeper::WriteAffinity(const Tables& tables) {
  std::vector<PoolSticks> sticks;
  for (const auto& [pool, table] : tables) sticks.push_back({pool, table->Export(Clock::now())});
  auto text = backend::FormatAffinity(ToAffinity(sticks, WallClock::now()));
  const std::lock_guard lock(mutex_);
  if (!text) {
    log_.Event(LogLevel::kError, "state not kept", {{"error", text.error().message}});
    return;
  }
  affinity_ = std::move(*text);
  WriteLocked();
}

void StateKeeper::WriteLocked() {
  if (path_.empty()) return;
  if (blocked_) {
    log_.Event(LogLevel::kError, "state not kept",
               {{"error", path_ + " cannot be used nor moved away; move it by hand and restart, or "
                                  "name another file and reload"}});
    return;
  }
  const auto text = backend::FormatState(state_, affinity_, WallClock::now());
  const Status saved = text ? backend::SaveStateText(path_, *text)
                            : Status(Error{"state file " + path_ + ": " + text.error().message});
  if (!saved) log_.Event(LogLevel::kError, "state not kept", {{"error", saved.error().message}});
}

void StateKeeper::Finish(const Tables& tables) {
  if (thread_ == nullptr) return;
  thread_->Join();
  thread_.reset();
  if (ChangesOf(tables) != written_changes_) WriteAffinity(tables);
  Release();
}

void StateKeeper::Release() {
  if (thread_ != nullptr) thread_->Join();
  thread_.reset();
  const std::lock_guard lock(mutex_);
  path_.clear();
}

}  // namespace sstplb::control
