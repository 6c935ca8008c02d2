// Tunnel: one SSTP client tunnel on a loop: TCP, TLS, POST, Call Connect, PPP, Call Connected; then
// kept alive by echoes and pings until it ends, and set up again if that is asked for.
// Source: MS-SSTP 3.2.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/base/loop.h"
#include "lb/sstp/http.h"
#include "lb/sstp/message.h"
#include "lb/tunnel/crypto_binding.h"
#include "lb/tunnel/delay_queue.h"
#include "lb/tunnel/ppp_link.h"
#include "lb/tunnel/tls_stream.h"

namespace sstplb::tunnel {

struct TunnelOptions {
  SocketAddress server;
  std::optional<IpAddress> source;     // connect from here, to be another client for affinity
  std::string sni;                     // "": none is sent, as most SSTP clients do
  std::string host = "vpn.sstp.test";  // the Host header
  std::string user = "demo";
  std::string password = "demo";
  bool resume = true;  // offers the TLS session of the tunnel before, when reconnecting
  Duration setup_timeout = std::chrono::seconds(30);
  Duration echo_interval = std::chrono::seconds(20);      // SSTP Echo Request; 0: none
  Duration ping_interval{};                               // ICMP through the tunnel; 0: none
  std::size_t ping_payload = 56;                          // bytes, at most 1200
  Duration silence_timeout = std::chrono::seconds(60);    // without a byte: the tunnel is lost
  Duration disconnect_timeout = std::chrono::seconds(2);  // for the server to close, after Stop()
  bool reconnect = false;
  Duration backoff_min = std::chrono::milliseconds(200);  // doubles each time, with jitter
  Duration backoff_max = std::chrono::seconds(10);
};

enum class TunnelState : std::uint8_t {
  kIdle,
  kTcp,
  kTls,
  kPost,
  kCall,
  kPpp,
  kUp,
  kStopping,
  kWaiting,
  kEnded,
};
std::string_view ToString(TunnelState state);

enum class TunnelEnd : std::uint8_t {
  kNone,           // it has not ended yet
  kStopped,        // by Stop(), in order
  kConnectFailed,  // TCP: refused, unreachable
  kTlsFailed,      // an alert, or an end in the handshake
  kHttpRefused,    // an answer other than 200; the detail has it
  kNak,            // the call was refused
  kPppFailed,      // authentication or options
  kAborted,        // the server sent Call Abort
  kDisconnected,   // the server sent Call Disconnect
  kClosed,         // the connection ended without a word
  kReset,          // by a RST
  kTimeout,        // the set-up took too long; the state says at which step
  kSilent,         // up, but nothing came any more
  kBadAnswer,      // not HTTP, not SSTP
};
std::string_view ToString(TunnelEnd end);

// Each step by itself, from the end of the one before; zero when it was not reached.
struct TunnelSteps {
  Duration tcp{}, tls{}, post{}, call{}, ppp{};
  Duration Total() const { return tcp + tls + post + call + ppp; }
};

// A tunnel as it is; of the newest attempt, but for the counts.
struct TunnelReport {
  TunnelState state = TunnelState::kIdle;
  TunnelState reached = TunnelState::kIdle;  // the furthest step of the attempt, up to kUp
  TunnelEnd end = TunnelEnd::kNone;          // of the attempt before when kTcp to kUp
  std::string detail;
  TunnelSteps steps;
  SocketAddress local;
  IpAddress address;  // given by the server
  IpAddress gateway;
  std::string tls_version;
  bool resumed = false;
  sstp::Hash32 certificate{};  // SHA-256 of what the server showed
  std::string server_header;
  Duration last_ping{};
  std::uint64_t attempts = 0;
  std::uint64_t times_up = 0;
  std::uint64_t echoes_sent = 0, echoes_answered = 0;
  std::uint64_t pings_sent = 0, pings_answered = 0;
};

// Told on the loop's thread. The tunnel may be stopped, but not destroyed, within a call.
class TunnelObserver {
 public:
  virtual void OnTunnelChanged(const TunnelReport& report) = 0;  // another state

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
  // Disconnects in order, and does not reconnect.
  void Stop();
  // Ends the connection with a RST, as a client that lost its network; reconnects if asked to.
  void Break();

  const TunnelReport& report() const { return report_; }

 private:
  void Connect();
  void OnConnected(ev::io& watcher, int events);
  void OnTick(ev::timer& timer, int events);

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
  void Ping();
  void Echo();

  void Enter(TunnelState state);
  void StepDone(Duration TunnelSteps::*step);
  void Fail(TunnelEnd end, const std::string& detail);
  void Finish(TunnelEnd end, const std::string& detail);
  void Later();
  bool Live() const;
  bool Called() const;

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
  ev::io connect_;
  ev::timer tick_;
  TimePoint attempt_at_, step_at_, heard_, echo_at_, ping_at_, ppp_at_, ping_sent_at_;
  std::uint16_t ping_sequence_ = 0;
  Duration backoff_{};
  std::minstd_rand random_;
  DelayQueue later_;
};

}  // namespace sstplb::tunnel
