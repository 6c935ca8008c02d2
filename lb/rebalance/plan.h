// Plan: which sessions of a pool would have to move so that every backend has its share, and where
// they would go.
//
// A backend's share is the pool's sessions by its weight; only backends that get new sessions
// count, with the sessions they have. One that holds more than `tolerance` times its share is
// over-filled, one below its share is under-filled. A session is moved by closing it: its client
// comes back and is placed anew. So only those are moved whose client would be placed on an
// under-filled backend, by the very policy that will be asked then; the others would only be
// disturbed. Pure.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lb/rebalance/moved_clients.h"
#include "lb/session/plan.h"
#include "lb/worker/choice.h"

namespace sstplb::rebalance {

// A session on a backend, and the worker that has it.
struct Seated {
  worker::Placement placement;
  std::size_t worker = 0;
};

struct BackendShare {
  std::string backend;
  std::uint32_t sessions = 0;
  bool counted = false;       // it gets new sessions; else it has no share
  double share = 0;           // sessions
  std::uint32_t surplus = 0;  // sessions above tolerance x share
  std::uint32_t room = 0;     // sessions below its share, and below max_sessions
  // Of an over-filled one, sessions that are not moved:
  std::uint32_t moved_lately = 0;  // their client was, in the last day
  std::uint32_t at_home = 0;       // their client would be placed here again
  std::uint32_t no_room = 0;       // it would be placed where there is no room
};

struct Move {
  session::SessionId session = 0;
  std::size_t worker = 0;
  IpAddress client;
  TimePoint last_byte;
  std::string from;
  std::string to;  // "": whose turn it is then (round-robin)
};

struct Plan {
  std::vector<BackendShare> backends;  // in the pool's order
  std::vector<Move> moves;             // the longest silent first; a client once
};

// The shares alone.
std::vector<BackendShare> Shares(const session::PoolPlan& pool);
// The names of those with a surplus, if anybody has room.
std::vector<std::string> OverFilled(const std::vector<BackendShare>& shares);

// `sessions` are all on the over-filled backends, in any order; Placement::backend is an index into
// `over_filled`. A policy is asked once for each of them, until the surplus is spent.
Plan MakePlan(const session::PoolPlan& pool, const std::vector<std::string>& over_filled,
              std::vector<Seated> sessions, const MovedClients& moved, TimePoint now);

}  // namespace sstplb::rebalance
