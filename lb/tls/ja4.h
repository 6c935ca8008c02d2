// JA4: the fingerprint of a client's TLS stack, as FoxIO's JA4.md describes it.
//
// Worth its cost (two SHA-256 and two sorts, a few microseconds for a usual hello) only when
// somebody reads it, so it is a function of a parsed hello and not a part of parsing. The only file
// of this room that uses OpenSSL (libcrypto, for SHA-256).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "lb/tls/client_hello.h"

namespace sstplb::tls {

inline constexpr std::size_t kJa4Size = 36;

// "t13d1517h2_8daaf6152771_cb7bf5808d99": kJa4Size printable ASCII characters whatever the hello
// holds. Empty if libcrypto cannot hash.
std::string Ja4(const ClientHello& hello);

}  // namespace sstplb::tls
