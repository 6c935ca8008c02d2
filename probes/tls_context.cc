// SPDX-License-Identifier: Apache-2.0
#include "probes/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/stat.h>

namespace sstplb::probes {
namespace {

// What changes when a file is replaced or rewritten; "-" when there is none to look at.
std::string Stamp(const std::string& path) {
  struct stat info {};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return "-";
  return std::to_string(info.st_ino) + ":" + std::to_string(info.st_size) + ":" +
         std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

Error OpenSslError(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  Error error{what + ": " + (reason != nullptr ? reason : "unknown error")};
  ERR_clear_error();
  return error;
}

Status LoadRevoked(SSL_CTX* context, const std::string& crl_file) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  if (lookup == nullptr || X509_load_crl_file(lookup, crl_file.c_str(), X509_FILETYPE_PEM) < 1) {
    return OpenSslError("crl_file " + crl_file + " holds no PEM revocation list that can be read");
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return Done{};
}

Result<SslCtxPtr> MakeContext(const std::string& ca_file, const std::string& crl_file) {
  ERR_clear_error();
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return OpenSslError("no TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_security_level(context.get(), 1);
  SSL_CTX_set_options(context.get(), SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  // A resumed session shows no certificate.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) {
    return OpenSslError("ca_file " + ca_file + " holds no PEM certificate that can be read");
  }
  if (!crl_file.empty()) {
    const Status loaded = LoadRevoked(context.get(), crl_file);
    if (!loaded) return loaded.error();
  }
  return context;
}

}  // namespace

Result<SSL_CTX*> TlsContexts::Get(const std::string& ca_file, const std::string& crl_file) {
  const std::string stamp = Stamp(ca_file) + " " + Stamp(crl_file);
  Kept& kept = kept_[{ca_file, crl_file}];
  if (kept.context && kept.stamp == stamp) return kept.context.get();
  Result<SslCtxPtr> made = MakeContext(ca_file, crl_file);
  if (!made) return made.error();
  kept = {stamp, std::move(*made)};
  return kept.context.get();
}

}  // namespace sstplb::probes
