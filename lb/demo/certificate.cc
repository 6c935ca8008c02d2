// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/certificate.h"

#include <openssl/pem.h>
#include <openssl/rand.h>

#include "lb/base/address.h"
#include "lb/tunnel/openssl_ptr.h"

namespace sstplb::demo {
namespace {

constexpr long kSecondsPerDay = 24 * 60 * 60;

bool AddExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const tunnel::ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string AlternativeNames(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ",";
    text += (IpAddress::Parse(name) ? "IP:" : "DNS:") + name;
  }
  return text;
}

bool SetSerial(X509* certificate) {
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1;
}

bool Fill(X509* certificate, EVP_PKEY* key, const CertificateRequest& request) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* common = reinterpret_cast<const unsigned char*>(request.names.front().c_str());
  // A validity that ended still begins before it ends.
  const long begin = request.days < 0 ? (request.days - 1) * kSecondsPerDay : -3600;
  return X509_set_version(certificate, X509_VERSION_3) == 1 && SetSerial(certificate) &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), begin) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), request.days * kSecondsPerDay) !=
             nullptr &&
         X509_set_pubkey(certificate, key) == 1 &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, common, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 &&
         AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
         AddExtension(certificate, NID_subject_key_identifier, "hash") &&
         AddExtension(certificate, NID_ext_key_usage, "serverAuth") &&
         AddExtension(certificate, NID_subject_alt_name, AlternativeNames(request.names)) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

template <class Write>
std::string Pem(Write write) {
  const tunnel::BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || write(bio.get()) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

std::string Certificate::Fingerprint() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : sha256) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Result<Certificate> MakeCertificate(const CertificateRequest& request) {
  if (request.names.empty()) return Error{"a certificate needs at least one name"};
  const tunnel::KeyPtr key(EVP_EC_gen("P-256"));
  const tunnel::X509Ptr x509(X509_new());
  if (key == nullptr || x509 == nullptr || !Fill(x509.get(), key.get(), request)) {
    return Error{"cannot make a certificate: " + tunnel::OpensslError()};
  }
  Certificate made;
  made.pem = Pem([&](BIO* bio) { return PEM_write_bio_X509(bio, x509.get()); });
  made.key_pem = Pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509.get(), &der);
  if (size <= 0 || made.pem.empty() || made.key_pem.empty()) {
    return Error{"cannot write a certificate: " + tunnel::OpensslError()};
  }
  made.der.assign(der, der + size);
  OPENSSL_free(der);
  EVP_Digest(made.der.data(), made.der.size(), made.sha1.data(), nullptr, EVP_sha1(), nullptr);
  EVP_Digest(made.der.data(), made.der.size(), made.sha256.data(), nullptr, EVP_sha256(), nullptr);
  return made;
}

}  // namespace sstplb::demo
