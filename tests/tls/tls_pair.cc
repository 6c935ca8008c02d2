// SPDX-License-Identifier: Apache-2.0
#include "tests/tls/tls_pair.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <stdexcept>

namespace sstplb::tls::testing {
namespace {

void Check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

void SetVersions(SSL_CTX* context, int min_version, int max_version) {
  // Security level 0: TLS 1.0 and 1.1 are off at any other.
  SSL_CTX_set_security_level(context, 0);
  Check(SSL_CTX_set_min_proto_version(context, min_version) == 1, "min version");
  Check(SSL_CTX_set_max_proto_version(context, max_version) == 1, "max version");
}

void UseFreshCertificate(SSL_CTX* context) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  Check(key != nullptr && certificate != nullptr, "key");
  X509* x509 = certificate.get();
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -60);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, key.get());
  X509_NAME* name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("vpn.example.com"), -1, -1, 0);
  X509_set_issuer_name(x509, name);
  Check(X509_sign(x509, key.get(), EVP_sha256()) > 0, "sign");
  Check(SSL_CTX_use_certificate(context, x509) == 1, "certificate");
  Check(SSL_CTX_use_PrivateKey(context, key.get()) == 1, "private key");
}

SslPtr NewSide(SSL_CTX* context) {
  SslPtr ssl(SSL_new(context));
  Check(ssl != nullptr, "SSL_new");
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  return ssl;
}

// True if the step succeeded or only wants to hear from the other side.
bool Fine(SSL* ssl, int result) {
  return result > 0 || SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ;
}

}  // namespace

ContextPtr ClientContext(int min_version, int max_version) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  SetVersions(context.get(), min_version, max_version);
  return context;
}

ContextPtr ServerContext(int min_version, int max_version) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  SetVersions(context.get(), min_version, max_version);
  UseFreshCertificate(context.get());
  const unsigned char id[] = "test";
  SSL_CTX_set_session_id_context(context.get(), id, sizeof id);
  return context;
}

TlsPair::TlsPair(SSL_CTX* client_context, SSL_CTX* server_context, SSL_SESSION* session)
    : client(NewSide(client_context)), server(NewSide(server_context)) {
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  SSL_set_tlsext_host_name(client.get(), "vpn.example.com");
  if (session != nullptr) SSL_set_session(client.get(), session);
}

bool TlsPair::Pump(bool from_client) {
  SSL* from = from_client ? client.get() : server.get();
  SSL* to = from_client ? server.get() : client.get();
  Flight flight{.from_client = from_client, .bytes = {}};
  std::array<std::uint8_t, 4096> buffer;
  for (;;) {
    const int size = BIO_read(SSL_get_wbio(from), buffer.data(), static_cast<int>(buffer.size()));
    if (size <= 0) break;
    flight.bytes.insert(flight.bytes.end(), buffer.begin(), buffer.begin() + size);
  }
  if (flight.bytes.empty()) return false;
  BIO_write(SSL_get_rbio(to), flight.bytes.data(), static_cast<int>(flight.bytes.size()));
  flights.push_back(std::move(flight));
  return true;
}

bool TlsPair::Handshake() {
  bool client_ok = true;
  bool server_ok = true;
  bool moved = true;
  while (moved) {
    if (client_ok) client_ok = Fine(client.get(), SSL_do_handshake(client.get()));
    moved = Pump(true);
    if (server_ok) server_ok = Fine(server.get(), SSL_do_handshake(server.get()));
    moved = Pump(false) || moved;
  }
  return client_ok && server_ok && SSL_is_init_finished(client.get()) == 1 &&
         SSL_is_init_finished(server.get()) == 1;
}

bool TlsPair::ExchangeData() {
  std::array<char, 16> buffer;
  const auto send = [&](SSL* from, SSL* to, bool from_client) {
    return SSL_write(from, "hello", 5) == 5 && Pump(from_client) &&
           SSL_read(to, buffer.data(), static_cast<int>(buffer.size())) == 5;
  };
  return send(client.get(), server.get(), true) && send(server.get(), client.get(), false);
}

Bytes HelloOf(SSL_CTX* client_context) {
  const SslPtr client = NewSide(client_context);
  SSL_set_connect_state(client.get());
  SSL_set_tlsext_host_name(client.get(), "vpn.example.com");
  SSL_do_handshake(client.get());
  Bytes hello(BIO_ctrl_pending(SSL_get_wbio(client.get())));
  BIO_read(SSL_get_wbio(client.get()), hello.data(), static_cast<int>(hello.size()));
  return hello;
}

}  // namespace sstplb::tls::testing
