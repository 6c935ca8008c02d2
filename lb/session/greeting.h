// Greeting: what a client says first, up to the end of its ClientHello. Pure: bytes in, one of
// three answers out; the session does the reading and the refusing.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "lb/base/bytes.h"
#include "lb/config/config.h"
#include "lb/session/close_reason.h"
#include "lb/tls/client_hello.h"
#include "proxyproto/header.h"

namespace sstplb::session {

enum class HelloKind : std::uint8_t { kSni, kNoSni, kNotTls, kMalformed, kTooLarge, kTimeout };
inline constexpr std::size_t kHelloKindCount = 6;
std::string_view ToString(HelloKind kind);

class Greeting {
 public:
  enum class State : std::uint8_t {
    kProxyHeader,  // more bytes of a PROXY header are due
    kHello,        // more bytes of a hello are due
    kDone,         // kind() tells what came
    kBadHeader,    // a PROXY header was due, and why() tells what is wrong
  };

  // `expect_proxy`: the peer is one of accept_proxy, so a header must come first.
  Greeting(std::size_t hello_max, bool expect_proxy);

  // Takes what was received. Stops after a PROXY header (state kHello) so that the client it names
  // can be judged; call Continue() then.
  State Feed(ByteView received);
  State Continue();

  State state() const { return state_; }
  // How many bytes may be received next, so that a greeting is bounded whatever is sent.
  std::size_t wanted() const;

  const std::optional<proxyproto::Header>& header() const { return header_; }

  // After kDone.
  HelloKind kind() const { return kind_; }
  std::string_view why() const { return why_; }
  // Only when kind() is kSni or kNoSni.
  const tls::ClientHello& hello() const { return reader_.hello(); }
  // All that was fed, a PROXY header included.
  ByteView all_bytes() const { return bytes_; }
  // All that the client sent after the PROXY header: what the backend gets first.
  ByteView bytes() const { return ByteView(bytes_).subspan(start_); }

 private:
  State LookForHeader();
  State LookForHello();

  tls::HelloReader reader_;
  std::size_t max_stream_;
  State state_;
  HelloKind kind_ = HelloKind::kTimeout;
  std::string_view why_;
  Bytes bytes_;
  std::size_t start_ = 0;  // where the client's own bytes begin
  std::optional<proxyproto::Header> header_;
};

}  // namespace sstplb::session
