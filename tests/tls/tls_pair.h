// A TLS client and a TLS server of OpenSSL that talk through memory, and what they said.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "lb/base/bytes.h"

namespace sstplb::tls::testing {

struct Freer {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
  void operator()(SSL_SESSION* p) const { SSL_SESSION_free(p); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Freer>;
using SslPtr = std::unique_ptr<SSL, Freer>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Freer>;

// Contexts; the server's has a fresh self-signed certificate.
ContextPtr ClientContext(int min_version, int max_version);
ContextPtr ServerContext(int min_version, int max_version);

// What one side sent before the other had its turn.
struct Flight {
  bool from_client = false;
  Bytes bytes;
};

struct TlsPair {
  TlsPair(SSL_CTX* client_context, SSL_CTX* server_context, SSL_SESSION* session = nullptr);

  // One turn of each side that has something to do, until neither has. False if a side failed.
  bool Handshake();
  // A message each way, after the handshake.
  bool ExchangeData();
  // Takes what a side has written and gives it to the other.
  bool Pump(bool from_client);
  // The session a client would resume with.
  SessionPtr ClientSession() const { return SessionPtr(SSL_get1_session(client.get())); }

  SslPtr client;
  SslPtr server;
  std::vector<Flight> flights;
};

// A hello as that client context would send it.
Bytes HelloOf(SSL_CTX* client_context);

}  // namespace sstplb::tls::testing
