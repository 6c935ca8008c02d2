// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/service_watch.h"

#include <algorithm>

namespace sstplb::daemon {
namespace {

// How often the status is looked at, and a stop that is under way asks for more time.
constexpr Duration kTick = std::chrono::seconds(2);
// What it asks for: a few ticks, so that one which comes late does no harm.
constexpr Duration kExtension = std::chrono::seconds(10);
// Feeds within the time after which the manager loses patience: one may fail to come.
constexpr int kFeedsPerTimeout = 3;

}  // namespace

std::string ServiceStatus(const control::Summary& summary, std::optional<Duration> left) {
  const std::string sessions =
      std::to_string(summary.sessions) + (summary.sessions == 1 ? " session" : " sessions");
  if (left) {
    const auto whole = std::chrono::ceil<std::chrono::seconds>(std::max(*left, Duration{}));
    return "stopping: " + sessions + ", closed within " + ExactDuration(whole);
  }
  return sessions + ", " + std::to_string(summary.ready) + " of " +
         std::to_string(summary.backends) + " backends ready";
}

ServiceWatch::ServiceWatch(Loop& loop, Logger& log, control::Controller& controller,
                           ServiceManager& manager)
    : log_(log),
      controller_(controller),
      manager_(manager),
      roll_call_(loop, controller.workers()),
      tick_(loop.ev()),
      feed_(loop.ev()) {
  tick_.set<ServiceWatch, &ServiceWatch::OnTick>(this);
  feed_.set<ServiceWatch, &ServiceWatch::OnFeedTime>(this);
}

ServiceWatch::~ServiceWatch() {
  tick_.stop();
  feed_.stop();
}

void ServiceWatch::Start(std::function<void()> ready) {
  if (!manager_.present()) return ready();
  on_ready_ = std::move(ready);
  tick_.start(EvSeconds(kTick), EvSeconds(kTick));
  if (const auto timeout = manager_.watchdog()) {
    feed_.start(0.0, EvSeconds(*timeout / kFeedsPerTimeout));
  }
  CallRoll();
}

void ServiceWatch::CallRoll() {
  if (roll_call_.Begin([this] { AllHere(); })) return;
  if (stuck_ || !ready_) return;
  stuck_ = true;
  for (const std::size_t worker : roll_call_.Missing()) {
    log_.Event(LogLevel::kError, "worker stuck",
               {{"worker", worker}, {"watchdog", "not fed until it answers"}});
  }
}

void ServiceWatch::AllHere() {
  if (stuck_) log_.Event(LogLevel::kWarning, "workers answer again", {});
  stuck_ = false;
  if (!ready_) {
    ready_ = true;
    // A stop may have begun meanwhile: the manager is not to take that back.
    if (!stop_ends_) manager_.Ready(told_ = Line());
    if (on_ready_) std::exchange(on_ready_, nullptr)();
  }
  if (manager_.watchdog()) manager_.Feed();
}

void ServiceWatch::Tell() {
  if (stop_ends_) manager_.ExtendTimeout(kExtension);
  if (const std::string line = Line(); line != told_) manager_.Status(told_ = line);
}

void ServiceWatch::OnReload(bool under_way) {
  if (!ready_ || stop_ends_) return;
  if (under_way) return manager_.Reloading();
  manager_.Ready(told_ = Line());
}

void ServiceWatch::OnStop(Duration grace) {
  const bool first = !stop_ends_;
  stop_ends_ = Clock::now() + grace;
  if (first) manager_.Stopping(told_ = Line());
  Tell();
}

std::string ServiceWatch::Line() const {
  std::optional<Duration> left;
  if (stop_ends_) left = *stop_ends_ - Clock::now();
  return ServiceStatus(controller_.GetSummary(), left);
}

}  // namespace sstplb::daemon
