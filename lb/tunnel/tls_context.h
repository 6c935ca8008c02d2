// What TLS connections of one server, or of one set of clients, share: certificate, versions,
// tickets. OpenSSL's header is left out of this one on purpose.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lb/base/result.h"

struct ssl_ctx_st;      // OpenSSL's SSL_CTX
struct ssl_session_st;  // OpenSSL's SSL_SESSION

namespace sstplb::tunnel {

// Shared, since every connection keeps its context alive.
using TlsContext = std::shared_ptr<ssl_ctx_st>;
// What a client keeps to resume; bound to no thread.
using TlsSession = std::shared_ptr<ssl_session_st>;

enum class TlsVersion : std::uint8_t { k12, k13 };

struct TlsVersions {
  TlsVersion lowest = TlsVersion::k12;
  TlsVersion highest = TlsVersion::k13;
};

// Both texts are PEM. Session tickets are on, under a key of the context's own: only the same
// server can resume.
Result<TlsContext> MakeServerContext(std::string_view certificate, std::string_view key,
                                     TlsVersions versions = {});

// The server refuses every other SNI, and a client that sends none, with the fatal alert
// unrecognized_name: accel-ppp with `host-name`. Letters of either case are the same.
void ServeOnly(const TlsContext& context, std::string name);

// Verifies nothing: whoever needs it compares fingerprints.
Result<TlsContext> MakeClientContext(TlsVersions versions = {});

}  // namespace sstplb::tunnel
