// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/tls_context.h"

#include <openssl/pem.h>
#include <strings.h>

#include <utility>

#include "lb/tunnel/openssl_ptr.h"

namespace sstplb::tunnel {
namespace {

int Number(TlsVersion version) {
  return version == TlsVersion::k12 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

TlsContext NewContext(const SSL_METHOD* method, TlsVersions versions) {
  TlsContext context(SSL_CTX_new(method), SSL_CTX_free);
  if (context == nullptr) return nullptr;
  SSL_CTX_set_min_proto_version(context.get(), Number(versions.lowest));
  SSL_CTX_set_max_proto_version(context.get(), Number(versions.highest));
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  // An end without close_notify is an end like any other here: real SSTP peers do it.
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  return context;
}

int CheckName(SSL* ssl, int* alert, void* only) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const auto& wanted = *static_cast<const std::string*>(only);
  if (name != nullptr && ::strcasecmp(name, wanted.c_str()) == 0) return SSL_TLSEXT_ERR_OK;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The name lives as long as the context: OpenSSL frees what hangs at the index.
int NameIndex() {
  static const int kIndex = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* name, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<std::string*>(name);
      });
  return kIndex;
}

}  // namespace

Result<TlsContext> MakeServerContext(std::string_view certificate, std::string_view key,
                                     TlsVersions versions) {
  TlsContext context = NewContext(TLS_server_method(), versions);
  const BioPtr certificate_bio(
      BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())));
  const BioPtr key_bio(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
  const X509Ptr x509(PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr));
  const KeyPtr private_key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  if (context == nullptr || x509 == nullptr || private_key == nullptr ||
      SSL_CTX_use_certificate(context.get(), x509.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), private_key.get()) != 1) {
    return Error{"cannot use the server certificate: " + OpensslError()};
  }
  static constexpr unsigned char kContextName[] = "sstplb";
  SSL_CTX_set_session_id_context(context.get(), kContextName, sizeof kContextName - 1);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

void ServeOnly(const TlsContext& context, std::string name) {
  auto* kept = new std::string(std::move(name));
  SSL_CTX_set_ex_data(context.get(), NameIndex(), kept);
  SSL_CTX_set_tlsext_servername_callback(context.get(), CheckName);
  SSL_CTX_set_tlsext_servername_arg(context.get(), kept);
}

Result<TlsContext> MakeClientContext(TlsVersions versions) {
  TlsContext context = NewContext(TLS_client_method(), versions);
  if (context == nullptr) return Error{"cannot make a TLS client context: " + OpensslError()};
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return context;
}

}  // namespace sstplb::tunnel
