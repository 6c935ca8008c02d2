// Schedule: when one worker of several does its part of a row of events that are evenly apart.
// Pure: the time since the first event is a parameter.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "lb/base/time.h"

namespace sstplb::load {

// Event k of the whole row, from 0, is due k * every after the row began. Worker `share` of
// `shares` takes every shares-th of them, from the share-th on: together they take each once.
class Schedule {
 public:
  // `every` zero: all at once. `share` is below `shares`.
  Schedule(std::uint64_t events, Duration every, unsigned share, unsigned shares)
      : events_(events), every_(every), next_(share), shares_(shares) {}

  // How many are due that were not taken before; takes at most `most` of them.
  std::uint32_t Take(Duration since, std::uint32_t most);
  // When the next one is due; nullopt when all were taken.
  std::optional<Duration> Next() const;

 private:
  std::uint64_t events_;
  Duration every_;
  std::uint64_t next_;
  unsigned shares_;
};

// How a payload of so many bytes a second is cut into packets.
struct Pacing {
  std::size_t size = 0;       // bytes of each packet
  std::uint32_t packets = 0;  // sent together
  Duration every{};
};

// Packets of at most `largest` bytes, one a second or more, and not more often than every 10 ms: a
// faster payload comes in small bursts. `bytes_per_second` is at least 1.
Pacing MakePacing(std::uint64_t bytes_per_second, std::size_t largest);

}  // namespace sstplb::load
