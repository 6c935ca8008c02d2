// RiseFall: turns single answers into health, slowly enough that one lost answer changes nothing.
//
//   unknown --first answer--> up or down     a start is quick
//   up   --`fall` bad ones in a row--> down
//   down --`rise` good ones in a row--> up
//
// Down is no more than "no new sessions". Whether it is dead as well, so that the sessions it has
// are lost, takes `fall` answers in a row that say so.
//
// Pure. tests/probes/rise_fall_test.cc is its table.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "probes/outcome.h"

namespace sstplb::probes {

enum class Health : std::uint8_t { kUnknown, kUp, kDown };
std::string_view ToString(Health health);

class RiseFall {
 public:
  // 0 counts as 1.
  RiseFall(std::uint32_t rise, std::uint32_t fall);

  // Takes one more answer and returns the health after it. kNone is no answer.
  Health Add(Verdict verdict);

  // What it has learned, for another process.
  struct Memory {
    Health health = Health::kUnknown;
    std::uint64_t bits = 0;
    std::uint32_t count = 0;
    std::uint32_t streak = 0;
    std::uint32_t dead_run = 0;
  };
  Memory memory() const;
  void Restore(const Memory& memory);

  // New limits; answers and health stay. The next answer is judged by them.
  void SetLimits(std::uint32_t rise, std::uint32_t fall);

  Health health() const { return health_; }
  // Down, and at least the last `fall` answers were kDead.
  bool dead() const { return health_ == Health::kDown && dead_run_ >= fall_; }
  // Probe at fast_interval: the health is not known yet, or the last answer speaks against it.
  bool changing() const { return health_ == Health::kUnknown || streak_ > 0; }

  std::uint64_t bits() const { return bits_; }    // the last answers, newest in bit 0; 1: good
  std::uint32_t count() const { return count_; }  // how many bits count, up to 64
  // Answers in a row that speak against the present health; 0 right after a change.
  std::uint32_t streak() const { return streak_; }
  // How many of the last answers say the same as the newest, up to 64.
  std::uint32_t run() const;
  std::uint32_t rise() const { return rise_; }
  std::uint32_t fall() const { return fall_; }
  // "1111000": oldest first, newest last.
  std::string History() const;

 private:
  std::uint32_t rise_;
  std::uint32_t fall_;
  Health health_ = Health::kUnknown;
  std::uint64_t bits_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t streak_ = 0;
  std::uint32_t dead_run_ = 0;  // the last answers that were kDead
};

}  // namespace sstplb::probes
