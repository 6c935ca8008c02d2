// ServerCall: the server's half of one SSTP call: Call Connect, PPP, crypto binding, echo, end.
// Source: MS-SSTP 3.3.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "lb/base/bytes.h"
#include "lb/base/time.h"
#include "lb/demo/address_pool.h"
#include "lb/demo/fault.h"
#include "lb/demo/server_options.h"
#include "lb/sstp/message.h"
#include "lb/tunnel/crypto_binding.h"
#include "lb/tunnel/ppp_link.h"

namespace sstplb::demo {

// What a call needs of the connection under it. No method destroys the call.
class CallHost {
 public:
  virtual void SendPacket(const Bytes& packet) = 0;
  // Forgotten when the connection goes, and the call with it.
  virtual void After(Duration delay, std::function<void()> task) = 0;
  virtual void CloseConnection() = 0;
  virtual const Fault& fault() const = 0;
  virtual void OnCallChanged() = 0;  // a counter moved that people wait for

 protected:
  ~CallHost() = default;
};

class ServerCall {
 public:
  // All outlive the call; `certificate_der` is what the client saw.
  ServerCall(CallHost& host, const ServerOptions& options, const Bytes& certificate_der,
             AddressPool& pool, ServerCounters& counters);
  ServerCall(const ServerCall&) = delete;
  ServerCall& operator=(const ServerCall&) = delete;

  void OnPacket(const sstp::Packet& packet, TimePoint now);
  // About once a second: PPP repeats, hello timer.
  void OnTick(TimePoint now);
  // Ends the call with an Abort.
  void Abort(const sstp::StatusInfo& info);
  // The connection is gone; `by_client`: before this side closed it. Gives the address back.
  void OnLost(bool by_client, TimePoint now);

  bool requested() const { return state_ != State::kWaiting; }
  bool connected() const { return connected_; }
  bool ending() const { return state_ == State::kEnding; }
  const std::optional<IpAddress>& address() const { return address_; }

 private:
  enum class State : std::uint8_t { kWaiting, kAcknowledged, kConnected, kEnding };

  void OnControl(const sstp::ControlMessage& message, TimePoint now);
  void OnCallConnect(const sstp::ControlMessage& message, TimePoint now);
  void OnCallConnected(const sstp::ControlMessage& message);
  void OnEcho();
  void OnData(ByteView payload);
  void OnIpv4(ByteView packet);
  void StartPpp();
  void SendControl(Bytes packet);
  void SendFrames(const std::vector<Bytes>& frames);
  void End();
  Duration Slowness() const;

  CallHost& host_;
  const ServerOptions& options_;
  const Bytes& certificate_der_;
  AddressPool& pool_;
  ServerCounters& counters_;
  State state_ = State::kWaiting;
  bool connected_ = false;
  bool hello_sent_ = false;
  int naks_ = 0;
  TimePoint requested_at_{};
  TimePoint heard_{};
  std::optional<IpAddress> address_;
  std::optional<tunnel::PppLink> ppp_;
  sstp::CryptoBindingRequest offered_;
};

}  // namespace sstplb::demo
