// A state with every kind of decision in it, for the tests of its text and its file.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "lb/backend/state_text.h"

namespace sstplb::backend {

// 2026-11-22T05:04:54.123Z
inline WallTime SampleTime() { return WallTime(std::chrono::milliseconds(1795323894123)); }

inline WallTime SampleSecond() { return std::chrono::floor<std::chrono::seconds>(SampleTime()); }

inline config::Backend SampleBackend(const std::string& name) {
  return {.name = name,
          .address = HostPort{"2001:db8::14", 443},
          .weight = 50,
          .max_sessions = 7,
          .admin = config::AdminState::kDisabled};
}

inline Drain SampleDrain() {
  return {.since = SampleTime(),
          .begins = SampleTime() + std::chrono::minutes(1),
          .deadline = SampleTime() + std::chrono::minutes(30),
          .pace = 2.5,
          .idle_first = true};
}

inline State SampleState() {
  State state;
  state.decisions = {
      {.pool = "main", .backend = "vpn1", .admin = config::AdminState::kActive},
      {.pool = "main",
       .backend = "vpn2",
       .admin = config::AdminState::kDraining,
       .drain = SampleDrain()},
      {.pool = "main", .backend = "vpn5", .drain = Drain{SampleTime(), SampleTime()}},
      {.pool = "main", .backend = "vpn3", .weight = 0u, .max_sessions = 4294967295u},
      {.pool = "main", .backend = "vpn4", .added = SampleBackend("vpn4"), .weight = 10u},
      {.pool = "other", .backend = "vpn1", .removed = true},
      {.pool = "other",
       .backend = "v\"pn\\\n\xc3\xa9",
       .added = SampleBackend("v\"pn\\\n\xc3\xa9"),
       .removed = true},
  };
  state.rebalances = {{.pool = "main", .per_second = 0.25, .until = SampleTime()}};
  state.moved = {{IpAddress::V4({192, 0, 2, 7}), SampleSecond()},
                 {*IpAddress::Parse("2001:db8:1:2::"), SampleSecond()}};
  state.certificates = {{.pool = "main", .backend = "vpn1", .sha256 = "3f2a"},
                        {.pool = "main",
                         .backend = "v\"pn",
                         .sha256 = "88be",
                         .told = {{"expires", "in 20d"}, {"names", "vpn.example.com"}}}};
  state.affinity = {
      {.pool = "main",
       .backends = {"vpn1", "v\"pn"},
       .clients = {{IpAddress::V4({192, 0, 2, 1}), 1, SampleSecond()},
                   {*IpAddress::Parse("2001:db8:1:2::"), 0,
                    SampleSecond() + std::chrono::hours(8)}}},
      {.pool = "o\nther"},
  };
  state.others = {{"later", R"([["192.0.2.1","vpn1"],{"":null}])"}};
  return state;
}

}  // namespace sstplb::backend
