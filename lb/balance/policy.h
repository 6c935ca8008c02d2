// Policy: which backends a new session should try, best first.
//
// A policy is built from the names and weights of a pool's backends and then only read: every
// worker picks from the same one at once, without a lock. Loads are looked at as they are at the
// moment of the pick.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lb/balance/key.h"

namespace sstplb::balance {

// One backend, as far as placement goes. A name occurs once in a pool; weight 0 is never picked by
// its weight (a remembered client still finds its way, see source_ip.h).
struct Member {
  std::string name;
  std::uint32_t weight = 0;

  bool operator==(const Member&) const = default;
};

// What the members carry right now; an index is that of the member in the policy's list.
// Implemented by whoever holds the counters; called by many threads, and the answers may change
// from call to call.
class LoadView {
 public:
  LoadView() = default;
  LoadView(const LoadView&) = delete;
  LoadView& operator=(const LoadView&) = delete;
  virtual ~LoadView() = default;

  virtual std::uint32_t Active(std::size_t index) const = 0;  // sessions
  // Whether a new session may go there: up, wanted by the operator, not full.
  virtual bool Usable(std::size_t index) const = 0;
};

// Members to try, in order; fixed room, no allocation.
class Candidates {
 public:
  using value_type = std::uint16_t;
  using const_iterator = const std::uint16_t*;
  static constexpr std::size_t kCapacity = 16;

  // Who will try only a few asks for no more: finding the others costs time.
  explicit Candidates(std::size_t limit = kCapacity)
      : limit_(std::clamp<std::size_t>(limit, 1, kCapacity)) {}

  // False when there is no room; a member that is in it already is left where it is.
  bool Add(std::size_t index) {
    if (Contains(index)) return true;
    if (full()) return false;
    indexes_[size_++] = static_cast<std::uint16_t>(index);
    return true;
  }
  bool Contains(std::size_t index) const { return std::find(begin(), end(), index) != end(); }
  void Clear() { *this = Candidates(limit_); }

  std::size_t limit() const { return limit_; }
  bool full() const { return size_ == limit_; }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t operator[](std::size_t i) const { return indexes_[i]; }
  const std::uint16_t* begin() const { return indexes_.data(); }
  const std::uint16_t* end() const { return indexes_.data() + size_; }

  // Why the first is the first, one word for a log line; "" when there is none.
  std::string_view why() const { return why_; }
  void set_why(std::string_view why) { why_ = empty() ? std::string_view() : why; }

 private:
  std::array<std::uint16_t, kCapacity> indexes_{};
  std::size_t limit_;
  std::size_t size_ = 0;
  std::string_view why_;
};

class Policy {
 public:
  static constexpr std::size_t kMaxMembers = 65535;

  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy() = default;

  // Replaces `out` by the usable members, best first, as many as it holds; a lower limit gives the
  // first of the same. Who is not usable is passed over without disturbing the order of the others.
  // Empty: nobody can take the session. Any thread.
  virtual void Pick(const Key& key, const LoadView& loads, Candidates& out) const = 0;

  // What Pick() would answer now. Leaves no trace: whoever is picked for next is picked for as if
  // nobody had asked. To be overridden where a pick counts.
  virtual void Peek(const Key& key, const LoadView& loads, Candidates& out) const {
    Pick(key, loads, out);
  }

  // The word of the configuration: "consistent-hash".
  virtual std::string_view name() const = 0;

  // As given at construction: a policy is to be rebuilt when these change, and only then.
  std::span<const Member> members() const { return members_; }

 protected:
  // Members past kMaxMembers are dropped.
  explicit Policy(std::vector<Member> members) : members_(Bounded(std::move(members))) {}

 private:
  static std::vector<Member> Bounded(std::vector<Member> members) {
    if (members.size() > kMaxMembers) members.resize(kMaxMembers);
    return members;
  }

  const std::vector<Member> members_;
};

}  // namespace sstplb::balance
