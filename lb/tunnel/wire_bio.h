// A BIO between OpenSSL and the bytes of a socket that keeps no buffer of its own: a memory BIO
// never gives back what it once needed, and thousands of tunnels would each keep that. For .cc
// files only.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/bio.h>

#include "lb/base/bytes.h"

namespace sstplb::tunnel {

struct Wire {
  ByteView in;  // what came from the peer; OpenSSL takes it from the front
  Bytes out;    // what goes to the peer; OpenSSL appends
};

// `wire` outlives the BIO. Null when OpenSSL has no memory.
BIO* NewWireBio(Wire& wire);

}  // namespace sstplb::tunnel
