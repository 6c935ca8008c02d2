// PppLink: one end of a PPP link in user space: LCP, authentication, IPCP, for a server that hands
// out an address or a client that takes one. A server asks for PAP; a client does what it is asked
// for, PAP or MS-CHAPv2. Pure: frames in, frames out; no clock, no socket.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/bytes.h"
#include "lb/sstp/message.h"
#include "lb/tunnel/mschap.h"
#include "lb/tunnel/ppp_negotiation.h"
#include "lb/tunnel/ppp_packet.h"

namespace sstplb::tunnel {

struct PppOptions {
  bool server = false;
  std::string user;  // server: empty takes anyone
  std::string password;
  std::uint32_t magic = 0;      // tells this end from a looped line; 0: not sent
  IpAddress own;                // server: the gateway
  IpAddress peer;               // server: what the client is given
  MschapChallenge challenge{};  // client: random, for MS-CHAPv2
};

class PppLink {
 public:
  enum class Phase : std::uint8_t { kEstablish, kAuthenticate, kNetwork, kOpen, kEnded };

  explicit PppLink(PppOptions options);
  PppLink(const PppLink&) = delete;
  PppLink& operator=(const PppLink&) = delete;

  // A client calls it at once; a server may wait for the client's first frame, which starts it too.
  void Start(std::vector<Bytes>& out);
  // Everything but IPv4, which is the owner's. Frames to send are appended to `out`, in order.
  void OnFrame(const PppFrame& frame, std::vector<Bytes>& out);
  // Once a second: repeats what was not answered.
  void OnTick(std::vector<Bytes>& out);
  // Says goodbye; the link is over.
  void Terminate(std::vector<Bytes>& out);

  Phase phase() const { return phase_; }
  // Why it is over: "authentication failed", "terminated by the peer".
  const std::string& why() const { return why_; }
  // Both known when kOpen. A client's own is what the server gave.
  const IpAddress& own() const { return options_.own; }
  const IpAddress& peer() const { return options_.peer; }
  // The key that the authentication left behind, for the crypto binding; zeros after PAP.
  const sstp::Hash32& hlak() const { return hlak_; }

 private:
  class LcpPolicy : public PppPolicy {
   public:
    explicit LcpPolicy(const PppOptions& options) : options_(options) {}
    std::vector<PppOption> Wanted() const override;
    Answer Judge(PppOption& option) override;
    void OnNak(const PppOption& option) override;
    void OnReject(const PppOption& option) override;
    bool authenticated() const { return !options_.server || ask_authentication_; }
    bool mschap() const { return mschap_; }  // the server of this client asked for it

   private:
    const PppOptions& options_;
    bool ask_magic_ = true;
    bool ask_authentication_ = true;
    bool ask_mru_ = true;
    bool mschap_ = false;
  };
  class IpcpPolicy : public PppPolicy {
   public:
    explicit IpcpPolicy(PppOptions& options) : options_(options) {}
    std::vector<PppOption> Wanted() const override;
    Answer Judge(PppOption& option) override;
    void OnNak(const PppOption& option) override;
    void OnReject(const PppOption&) override {}

   private:
    PppOptions& options_;
  };

  void OnLcp(const PppPacket& packet, std::vector<Bytes>& out);
  void OnPap(const PppPacket& packet, std::vector<Bytes>& out);
  void OnPapRequest(const PppPacket& packet, std::vector<Bytes>& out);
  void OnChap(const PppPacket& packet, std::vector<Bytes>& out);
  void AnswerChallenge(const PppPacket& packet, std::vector<Bytes>& out);
  void SendPap(std::vector<Bytes>& out);
  void Advance(std::vector<Bytes>& out);
  void End(std::string why);

  PppOptions options_;
  LcpPolicy lcp_policy_;
  IpcpPolicy ipcp_policy_;
  PppNegotiation lcp_;
  PppNegotiation ipcp_;
  Phase phase_ = Phase::kEstablish;
  std::string proof_;  // what the server's success must begin with
  sstp::Hash32 hlak_{};
  std::uint8_t pap_id_ = 0;
  std::uint8_t reject_id_ = 0;
  bool authenticated_ = false;
  std::string why_;
};

}  // namespace sstplb::tunnel
