// A scripted SSTP server: TLS and the POST done, the rest is the test's.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "lb/sstp/http.h"
#include "lb/sstp/message.h"
#include "tests/probes/peer.h"
#include "tests/probes/run_probe.h"

namespace sstplb::probes {

class SstpServer {
 public:
  // `answer` is sent for the POST, then `call` runs.
  explicit SstpServer(std::string answer, Peer::Script call = nullptr)
      : answer_(std::move(answer)), call_(std::move(call)), peer_([this](Connection& c) {
          if (!c.StartTls(context_.get())) return;
          request_ = c.ReceiveUntil("\r\n\r\n");
          c.Send(answer_);
          if (call_) return call_(c);
          end_ = c.End();
        }) {}

  const SocketAddress& address() const { return peer_.address(); }
  // Stops the server; what was seen may be read after it.
  void Stop() { peer_.Stop(); }
  const std::string& request() const { return request_; }
  const std::string& end() const { return end_; }

 private:
  Identity identity_ = MakeIdentity({});
  SslCtxPtr context_ = ServerContext(identity_);
  std::string answer_;
  Peer::Script call_;
  std::string request_;
  std::string end_;
  Peer peer_;  // last: its thread uses the rest
};

inline std::string Ok200() {
  return "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n"
         "Server: Microsoft-HTTPAPI/2.0\r\nDate: Sun, 22 Nov 2026 05:00:00 GMT\r\n\r\n";
}

inline ProbeRequest CallRequest(const SocketAddress& address) {
  ProbeRequest request = RequestFor(config::ProbeKind::kSstp, address);
  request.settings.depth = config::ProbeDepth::kCall;
  return request;
}

}  // namespace sstplb::probes
