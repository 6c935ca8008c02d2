// SPDX-License-Identifier: Apache-2.0
#include "lb/control/drain_planner.h"

#include <algorithm>
#include <cmath>

namespace sstplb::control {
namespace {

// Rounding must not cost a tick.
constexpr Duration kGrain = std::chrono::microseconds(1);

Duration Interval(double per_second) {
  return Duration(static_cast<Duration::rep>(std::llround(1e9 / per_second)));
}

// How many of `most` are due from `mark` on when one is due per `interval`; moves the mark.
std::uint32_t WalkAtPace(TimePoint& mark, TimePoint now, Duration interval, std::uint32_t most) {
  const auto due = (now - mark + kGrain) / interval;
  const auto count = static_cast<std::uint32_t>(std::clamp<std::int64_t>(due, 0, most));
  mark += count * interval;
  return count;
}

// The same when `remaining` are spread evenly from the mark to `deadline`.
std::uint32_t WalkSpread(TimePoint& mark, TimePoint now, TimePoint deadline,
                         std::uint32_t remaining, std::uint32_t most) {
  std::uint32_t count = 0;
  while (count < most) {
    const TimePoint next = mark + (deadline - mark) / (remaining - count);
    if (next > now + kGrain) break;
    mark = next;
    ++count;
  }
  return count;
}

void ForgetBacklog(TimePoint& mark, TimePoint now, Duration interval) {
  mark = std::max(mark, now - interval - DrainPlanner::kBacklog);
}

// Takes what it can from `budget`, one of each in turn beginning with `first`.
void Share(std::vector<std::uint32_t>& granted, const std::vector<std::uint32_t>& due,
           std::uint64_t budget, std::size_t first) {
  bool some = true;
  while (budget > 0 && some) {
    some = false;
    for (std::size_t i = 0; i < due.size() && budget > 0; ++i) {
      const std::size_t turn = (first + i) % due.size();
      if (granted[turn] >= due[turn]) continue;
      ++granted[turn];
      --budget;
      some = true;
    }
  }
}

}  // namespace

std::vector<std::uint32_t> DrainPlanner::Plan(TimePoint now, std::optional<double> budget,
                                              const std::vector<DrainCount>& drains) {
  std::map<std::string, TimePoint> marks;
  for (const DrainCount& drain : drains) {
    const auto known = marks_.find(drain.key);
    TimePoint& mark = marks[drain.key] = known == marks_.end() ? now : known->second;
    if (drain.pace) ForgetBacklog(mark, now, Interval(*drain.pace));
  }
  marks_ = std::move(marks);

  // How far a drain's own pace would go; with `most` it goes no further.
  const auto walk = [&](const DrainCount& drain, TimePoint& mark, std::uint32_t most) {
    most = std::min(most, drain.remaining);
    if (drain.pace) return WalkAtPace(mark, now, Interval(*drain.pace), most);
    if (drain.left) return WalkSpread(mark, now, now + *drain.left, drain.remaining, most);
    return 0u;
  };

  std::vector<std::uint32_t> granted(drains.size(), 0);
  std::vector<std::uint32_t> due(drains.size(), 0);
  for (std::size_t i = 0; i < drains.size(); ++i) {
    if (drains[i].left && *drains[i].left <= Duration::zero()) {
      granted[i] = due[i] = std::min(drains[i].remaining, kMostAtOnce);
    } else {
      TimePoint mark = marks_[drains[i].key];
      due[i] = walk(drains[i], mark, kMostAtOnce);
    }
  }

  const auto overdue = granted;
  if (!budget) {
    budget_mark_.reset();
    granted = due;
  } else {
    const Duration interval = Interval(*budget);
    if (!budget_mark_) budget_mark_ = now;
    ForgetBacklog(*budget_mark_, now, interval);
    TimePoint mark = *budget_mark_;
    const std::uint32_t allowed = WalkAtPace(mark, now, interval, UINT32_MAX);
    Share(granted, due, allowed, first_);
    for (std::size_t i = 0; i < drains.size(); ++i) {
      *budget_mark_ += (granted[i] - overdue[i]) * interval;
    }
    first_ = drains.empty() ? 0 : (first_ + 1) % drains.size();
  }

  for (std::size_t i = 0; i < drains.size(); ++i) {
    TimePoint& mark = marks_[drains[i].key];
    if (overdue[i] == 0) walk(drains[i], mark, granted[i]);
  }
  return granted;
}

std::optional<Duration> EstimateDrain(std::uint32_t remaining, std::optional<double> pace,
                                      std::optional<Duration> left) {
  if (remaining == 0) return Duration::zero();
  std::optional<Duration> end;
  if (left) end = std::max(*left, Duration::zero());
  if (pace) {
    const std::chrono::duration<double> by_pace(remaining / *pace);
    // An estimate beyond any deadline would not fit a Duration.
    constexpr std::chrono::duration<double> kMost = std::chrono::hours(24 * 365);
    const auto wanted = std::chrono::duration_cast<Duration>(std::min(by_pace, kMost));
    end = end ? std::min(*end, wanted) : wanted;
  }
  return end;
}

}  // namespace sstplb::control
