// Certificates for the tests, made on the spot.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace sstplb::probes {

struct X509Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct Identity {
  std::unique_ptr<X509, X509Deleter> certificate;
  std::unique_ptr<EVP_PKEY, KeyDeleter> key;
};

struct CertificateSpec {
  std::string common_name = "vpn.example.com";
  std::string names = "DNS:vpn.example.com";  // subjectAltName, as OpenSSL writes it; "" : none
  long from_days = -1;                        // validity, relative to now
  long to_days = 90;
  bool authority = false;
};

// Signed by `issuer`, or by itself when that is null.
Identity MakeIdentity(const CertificateSpec& spec, const Identity* issuer = nullptr);

// A file in the temporary folder that is gone with this object.
class TempFile {
 public:
  explicit TempFile(const std::string& content);
  ~TempFile();
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string Pem(const X509* certificate);
// What a server staples about `certificate` of `authority`: `status` is V_OCSP_CERTSTATUS_...,
// valid until that many hours from now. DER.
std::string OcspResponse(const Identity& authority, const X509* certificate, int status,
                         int valid_hours);
// A revocation list of `authority` with `revoked` in it; null: an empty list.
std::string PemRevocationList(const Identity& authority, const X509* revoked);

}  // namespace sstplb::probes
