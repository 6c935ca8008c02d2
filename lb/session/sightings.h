// Sightings: what clients have shown of one backend since it was last asked, bounded.
//
// A source counts once, by its latest signal, and a network by its latest two sources: whatever one
// client does, and however often, there is room for what the others have seen.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "lb/session/signal.h"

namespace sstplb::session {

// Belongs to one thread.
class Sightings {
 public:
  // When there are so many, those of other sources are not kept.
  static constexpr std::size_t kMax = 1024;

  void Add(const Sighting& sighting);
  bool empty() const { return list_.empty(); }
  std::vector<Sighting> Take();

 private:
  // Where in the list the sources of a network are.
  struct Places {
    std::array<std::uint16_t, kSourcesOfNetwork> at{};
    std::uint8_t size = 0;
    std::uint8_t oldest = 0;
  };

  std::vector<Sighting> list_;
  std::unordered_map<std::uint64_t, Places> by_network_;
};

}  // namespace sstplb::session
