// One Configure exchange of PPP, LCP or IPCP: both sides ask for options until both have been
// acknowledged. Pure: packets in, frames out; the owner repeats what was not answered.
// Source: RFC 1661, reduced to what a link over TCP needs: nothing is lost or reordered.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "lb/base/bytes.h"
#include "lb/tunnel/ppp_packet.h"

namespace sstplb::tunnel {

// What a side wants for itself and takes from its peer.
class PppPolicy {
 public:
  enum class Answer : std::uint8_t { kAck, kNak, kReject };

  virtual ~PppPolicy() = default;
  // What to ask for now.
  virtual std::vector<PppOption> Wanted() const = 0;
  // On kNak, `option` is changed to what would be taken instead.
  virtual Answer Judge(PppOption& option) = 0;
  // The peer suggests another value, or does not know the option.
  virtual void OnNak(const PppOption& option) = 0;
  virtual void OnReject(const PppOption& option) = 0;
};

class PppNegotiation {
 public:
  // `policy` outlives this.
  PppNegotiation(std::uint16_t protocol, PppPolicy& policy)
      : protocol_(protocol), policy_(policy) {}

  void Start(std::vector<Bytes>& out);
  // For the four Configure codes; others are ignored.
  void OnPacket(const PppPacket& packet, std::vector<Bytes>& out);
  // Once a second: asks again when there was no answer.
  void OnTick(std::vector<Bytes>& out);

  bool started() const { return started_; }
  bool open() const { return ours_acked_ && theirs_acked_; }
  // The two sides do not come together, or the peer is silent.
  bool failed() const { return requests_ > kMaxRequests; }

 private:
  static constexpr int kMaxRequests = 20;

  void Ask(std::vector<Bytes>& out);
  void AnswerRequest(const PppPacket& packet, std::vector<Bytes>& out);

  const std::uint16_t protocol_;
  PppPolicy& policy_;
  std::uint8_t id_ = 0;
  int requests_ = 0;  // sent and received; bounds the exchange
  bool started_ = false;
  bool ours_acked_ = false;
  bool theirs_acked_ = false;
};

}  // namespace sstplb::tunnel
