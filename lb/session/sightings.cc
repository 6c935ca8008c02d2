// SPDX-License-Identifier: Apache-2.0
#include "lb/session/sightings.h"

#include <utility>

namespace sstplb::session {

void Sightings::Add(const Sighting& sighting) {
  const auto known = by_network_.find(sighting.network);
  if (known != by_network_.end()) {
    Places& places = known->second;
    std::uint8_t place = places.size == kSourcesOfNetwork ? places.oldest : places.size;
    for (std::uint8_t i = 0; i < places.size; ++i) {
      if (list_[places.at[i]].source == sighting.source) place = i;
    }
    if (place < places.size) {
      list_[places.at[place]] = sighting;
      if (place == places.oldest) {
        places.oldest = static_cast<std::uint8_t>((place + 1u) % places.size);
      }
      return;
    }
  }
  if (list_.size() == kMax) return;
  Places& places = by_network_[sighting.network];
  places.at[places.size++] = static_cast<std::uint16_t>(list_.size());
  list_.push_back(sighting);
}

std::vector<Sighting> Sightings::Take() {
  by_network_.clear();
  return std::exchange(list_, {});
}

}  // namespace sstplb::session
