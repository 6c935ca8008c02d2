// Tunnel: one SSTP client tunnel on a loop: TCP, TLS, POST, Call Connect, PPP, Call Connected, or
// less of it; then kept alive by echoes and pings until it ends, and set up again if that is asked
// for.
// Source: MS-SSTP 3.2.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/base/loop.h"
#include "lb/sstp/message.h"
#include "lb/tunnel/crypto_binding.h"
#include "lb/tunnel/delay_queue.h"
#include "lb/tunnel/ppp_link.h"
#include "lb/tunnel/tls_stream.h"
#include "lb/tunnel/tunnel_report.h"

namespace sstplb::tunnel {

struct TunnelOptions {
  SocketAddress server;
  std::optional<IpAddress> source;     // connect from here, to be another client for affinity
  std::string sni;                     // "": none is sent, as most SSTP clients do
  std::string host = "vpn.sstp.test";  // the Host header
  std::string user = "demo";
  std::string password = "demo";
  bool resume = true;  // offers the TLS session of the tunnel before, when reconnecting
  TunnelDepth depth = TunnelDepth::kPpp;
  Duration step_timeout = std::chrono::seconds(30);       // for each step of the set-up
  Duration disconnect_timeout = std::chrono::seconds(2);  // for the server to close, after Stop()
  // With PPP; below it a client has nothing to say that a server would take.
  Duration echo_interval = std::chrono::seconds(20);    // SSTP Echo Request; 0: none
  Duration ping_interval{};                             // ICMP through the tunnel; 0: none
  std::size_t ping_payload = 56;                        // bytes, at most kMaxPayload
  Duration silence_timeout = std::chrono::seconds(60);  // without a byte: the tunnel is lost
  bool reconnect = false;
  Duration backoff_min = std::chrono::milliseconds(200);  // doubles each time, with jitter
  Duration backoff_max = std::chrono::seconds(10);
};

// What one packet of Tunnel::SendPayload() carries at most: it fits the smallest MRU in use.
inline constexpr std::size_t kMaxPayload = 1200;

// Told on the loop's thread. The tunnel may be stopped, but not destroyed, within a call.
class TunnelObserver {
 public:
  virtual void OnTunnelChanged(const TunnelReport& report) = 0;  // another state
  virtual void OnPong(Duration /*round_trip*/) {}                // an answered ping

 protected:
  ~TunnelObserver() = default;
};

// All on the loop's thread. Loop, context and observer outlive it; destroying it resets nothing:
// the connection is closed as it is.
class Tunnel final : private TlsStreamHandler {
 public:
  Tunnel(Loop& loop, const TlsContext& context, TunnelOptions options, TunnelObserver* observer);
  ~Tunnel();

  void Start();
  // Disconnects in order, and does not reconnect. The detail of the end tells when the server did
  // not close in time.
  void Stop();
  // Ends the connection with a RST, as a client that lost its network; reconnects if asked to.
  void Break();
  // One packet now: with PPP a ping to the gateway, which answers it; at kCall an LCP
  // Discard-Request, which the peer drops. False, and nothing is sent, when the tunnel is not up,
  // is not that deep, or still holds more than a few packets that TCP does not take.
  bool SendPayload(std::size_t bytes);

  const TunnelReport& report() const { return report_; }

 private:
  void Connect();
  void OnConnected(ev::io& watcher, int events);
  void OnTick(ev::timer& timer, int events);
  void OnLeftOpen();

  void OnTlsReady() override;
  void OnTlsData(ByteView data) override;
  void OnTlsEnd(StreamEnd end, const std::string& detail) override;

  void OnHttp();
  void OnSstp();
  void OnPacket(const sstp::Packet& packet);
  void OnControl(const sstp::ControlMessage& message);
  void OnAck(const sstp::ControlMessage& message);
  void OnFrame(ByteView payload);
  void OnPong(ByteView packet);
  void Send(ByteView bytes);
  void SendFrames(const std::vector<Bytes>& frames);
  void Echo();

  void Enter(TunnelState state);
  // The step before is done: on to `next`, or up when this is as deep as it goes.
  void Advance(Duration TunnelSteps::*done, TunnelDepth reached, TunnelState next);
  void Fail(TunnelEnd end, const std::string& detail);
  void Finish(TunnelEnd end, const std::string& detail);
  void Later();
  bool Live() const;
  bool HasPpp() const { return options_.depth == TunnelDepth::kPpp; }

  Loop& loop_;
  const TlsContext context_;
  const TunnelOptions options_;
  TunnelObserver* const observer_;
  TunnelReport report_;
  Fd fd_;  // until TLS takes it
  std::unique_ptr<TlsStream> stream_;
  TlsSession session_;
  std::optional<PppLink> ppp_;
  Bytes buffer_;
  sstp::CryptoBindingRequest offered_;
  TunnelEnd ending_ = TunnelEnd::kNone;  // set while the other side is waited for
  std::string ending_detail_;
  bool stopped_ = false;
  bool called_ = false;  // a call was asked for, and is to be given back in order
  ev::io connect_;
  ev::timer tick_;
  TimePoint step_at_, heard_, echo_at_, ping_at_, ppp_at_;
  std::uint16_t ping_sequence_ = 0;
  Duration backoff_{};
  std::minstd_rand random_;
  DelayQueue later_;
};

}  // namespace sstplb::tunnel
