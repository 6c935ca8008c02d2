// What the policy tests share: members in one line, loads that a test sets, many clients.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "lb/balance/policy.h"

namespace sstplb::balance {

// Loads as a test wants them; nobody has any and all are usable at first.
class FakeLoads final : public LoadView {
 public:
  explicit FakeLoads(std::size_t members) : active(members, 0), usable(members, true) {}
  std::uint32_t Active(std::size_t index) const override { return active[index]; }
  bool Usable(std::size_t index) const override { return usable[index]; }

  std::vector<std::uint32_t> active;
  std::vector<bool> usable;
};

// "vpn1", "vpn2", ... with these weights.
inline std::vector<Member> Farm(std::initializer_list<std::uint32_t> weights) {
  std::vector<Member> members;
  for (const std::uint32_t weight : weights) {
    members.push_back({"vpn" + std::to_string(members.size() + 1), weight});
  }
  return members;
}

inline std::vector<Member> EqualFarm(std::size_t size) {
  std::vector<Member> members;
  for (std::size_t i = 1; i <= size; ++i) members.push_back({"vpn" + std::to_string(i), 100});
  return members;
}

inline Key KeyOf(const IpAddress& source, TimePoint now = {}) {
  return {ClientKey(source, std::nullopt, config::HashKey::kSource), source, now};
}

// The i-th of many clients.
inline Key Client(std::uint32_t i) {
  return KeyOf(
      IpAddress::V4({static_cast<std::uint8_t>(i >> 24), static_cast<std::uint8_t>(i >> 16),
                     static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}));
}

inline Candidates PickFor(const Policy& policy, const Key& key, const LoadView& loads) {
  Candidates out;
  policy.Pick(key, loads, out);
  return out;
}

inline Candidates PeekFor(const Policy& policy, const Key& key, const LoadView& loads) {
  Candidates out;
  policy.Peek(key, loads, out);
  return out;
}

inline std::vector<std::string> Names(const Policy& policy, const Candidates& candidates) {
  std::vector<std::string> names;
  for (const std::size_t index : candidates) names.push_back(policy.members()[index].name);
  return names;
}

}  // namespace sstplb::balance
