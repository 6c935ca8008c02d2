// kind = "sstp": what a VPN client does until PPP begins.
//
//   depth = "post"   SSTP_DUPLEX_POST, and a 200 with the endless length of SSTP
//   depth = "call"   and Call Connect Request, Ack, a moment in which the server may take it back,
//                    Disconnect, and the server's own close
//
// Messages are read by their length, never by TLS record: servers put several into one record, or
// one into two. A call is never dropped half-open: some servers lose an address and a process for
// ever by it, so that even a probe that gives up says so and waits for the server to close.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "lb/sstp/http.h"
#include "lb/sstp/message.h"
#include "probes/net_probe.h"

namespace sstplb::probes {

class SstpProbe final : public NetProbe {
 public:
  SstpProbe(Loop& loop, TlsContexts& contexts, ProbeRequest request);
  ~SstpProbe() override;

 private:
  void OnOpen() override;
  void OnDeadline() override;
  void Leave() override;

  void ReadHead();
  void OnHeadBytes();
  void OnHead(const sstp::ResponseHead& head);
  void Call();
  void ReadCall();
  void OnCallBytes();
  void OnControl(const sstp::ControlMessage& message);
  void OnAnswer(const sstp::ControlMessage& message);
  void OnAck(const sstp::ControlMessage& message);
  void AddNote(std::string_view note);
  void OnWatched(ev::timer& watcher, int events);
  void WaitForClose();
  void OnLastWords(ByteView body);
  void OnPeerClosed();
  void OnLeaveTimeout(ev::timer& watcher, int events);

  ev::timer watch_;
  ev::timer leave_;
  TimePoint left_;
  bool called_ = false;  // the server may have given something to this call
  bool acked_ = false;
  bool disconnected_ = false;  // the server has answered our Disconnect
};

}  // namespace sstplb::probes
