// ServerSession: one connection to a demo server, from accept to its end: PROXY header, TLS, HTTP,
// then a ServerCall; and on the way the faults.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/base/loop.h"
#include "lb/demo/fault.h"
#include "lb/demo/server_call.h"
#include "lb/demo/server_options.h"
#include "lb/sstp/http.h"
#include "lb/tunnel/delay_queue.h"
#include "lb/tunnel/tls_stream.h"

namespace sstplb::demo {

// What all connections of one server share. Owned by the server, which outlives them.
struct ServerShared {
  Loop& loop;
  const ServerOptions& options;
  tunnel::TlsContext context;
  Certificate certificate;
  Fault fault;
  std::size_t max_starting;  // of the options at first
  AddressPool pool;
  ServerCounters counters;
  std::function<void()> changed;  // a counter or a tunnel that people wait for has moved
};

class ServerSession final : private tunnel::TlsStreamHandler, private CallHost {
 public:
  // Once, when the connection is over; the session must outlive the call.
  using Ended = std::function<void(ServerSession&)>;

  ServerSession(ServerShared& shared, std::uint64_t id, Fd fd, Ended ended);
  ~ServerSession();

  void Start();
  // A RST, as from a server that was killed.
  void Reset();
  // An orderly end: a Disconnect to a tunnel, then a close.
  void Close();

  std::uint64_t id() const { return id_; }
  // Set once a call was requested.
  std::optional<TunnelInfo> tunnel() const;

 private:
  void OnRaw(ev::io& watcher, int events);
  bool TakeProxyHeader();
  void OnHello();
  void StartTls();
  void SendInsteadOfTls(std::string_view bytes);
  void EnterTls();
  void LeaveTls();
  void OnTick(ev::timer& timer, int events);

  void OnTlsReady() override;
  void OnTlsData(ByteView data) override;
  void OnTlsEnd(tunnel::StreamEnd end, const std::string& detail) override;

  void SendPacket(const Bytes& packet) override;
  void SendJoined();
  void After(Duration delay, std::function<void()> task) override;
  void CloseConnection() override;
  const Fault& fault() const override { return shared_.fault; }
  void OnCallChanged() override { shared_.changed(); }

  void OnHttp();
  void AnswerRequest(const sstp::RequestHead& head);
  void AnswerWith(int status, const std::string& reason);
  void Slowly(std::function<void()> step);
  void OnSstp();
  bool ResetDue();
  void Finish(bool by_client);

  enum class Phase : std::uint8_t { kProxy, kHello, kHold, kTls, kHttp, kAnswered, kCall, kEnded };

  ServerShared& shared_;
  const std::uint64_t id_;
  const Ended ended_;
  Fd fd_;  // until TLS takes it
  SocketAddress peer_;
  std::optional<SocketAddress> client_;
  Phase phase_ = Phase::kProxy;
  bool closed_here_ = false;
  bool had_tunnel_ = false;
  bool in_tls_ = false;
  ev::io raw_;
  ev::timer tick_;
  TimePoint born_;
  Bytes joined_;  // messages for the next TLS record, with Personality::join_records
  Bytes buffer_;  // raw before TLS, HTTP or SSTP after; bounded in each phase
  std::uint64_t sstp_bytes_ = 0;
  std::unique_ptr<tunnel::TlsStream> stream_;
  ServerCall call_;
  tunnel::DelayQueue later_;
};

}  // namespace sstplb::demo
