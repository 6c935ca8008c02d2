// SPDX-License-Identifier: Apache-2.0
#include "probes/rise_fall.h"

#include <algorithm>
#include <bit>

namespace sstplb::probes {
namespace {

constexpr std::uint32_t kBits = 64;

}  // namespace

std::string_view ToString(Health health) {
  switch (health) {
    case Health::kUnknown:
      return "unknown";
    case Health::kUp:
      return "up";
    case Health::kDown:
      return "down";
  }
  return "?";
}

RiseFall::RiseFall(std::uint32_t rise, std::uint32_t fall) : rise_(0), fall_(0) {
  SetLimits(rise, fall);
}

RiseFall::Memory RiseFall::memory() const {
  return {
      .health = health_, .bits = bits_, .count = count_, .streak = streak_, .dead_run = dead_run_};
}

void RiseFall::Restore(const Memory& memory) {
  health_ = memory.health;
  bits_ = memory.bits;
  count_ = std::min(memory.count, kBits);
  streak_ = memory.streak;
  dead_run_ = memory.dead_run;
}

void RiseFall::SetLimits(std::uint32_t rise, std::uint32_t fall) {
  rise_ = std::max(rise, 1u);
  fall_ = std::max(fall, 1u);
}

Health RiseFall::Add(Verdict verdict) {
  if (verdict == Verdict::kNone) return health_;
  const bool good = verdict == Verdict::kGood;
  dead_run_ = verdict == Verdict::kDead ? dead_run_ + 1 : 0;
  bits_ = bits_ << 1 | (good ? 1 : 0);
  count_ = std::min(count_ + 1, kBits);
  const Health said = good ? Health::kUp : Health::kDown;
  if (said == health_) {
    streak_ = 0;
    return health_;
  }
  ++streak_;
  const std::uint32_t needed = health_ == Health::kUnknown ? 1 : good ? rise_ : fall_;
  if (streak_ >= needed) {
    health_ = said;
    streak_ = 0;
  }
  return health_;
}

std::uint32_t RiseFall::run() const {
  const auto same = (bits_ & 1) != 0 ? std::countr_one(bits_) : std::countr_zero(bits_);
  return std::min(static_cast<std::uint32_t>(same), count_);
}

std::string RiseFall::History() const {
  std::string text;
  for (std::uint32_t i = count_; i > 0; --i) text += (bits_ >> (i - 1) & 1) != 0 ? '1' : '0';
  return text;
}

}  // namespace sstplb::probes
