// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/certificates.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdint>

namespace sstplb::probes {
namespace {

constexpr long kDay = 24 * 3600;

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::string TakeBio(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

Identity MakeIdentity(const CertificateSpec& spec, const Identity* issuer) {
  Identity made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  std::uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), spec.from_days * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), spec.to_days * kDay);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1,
                             -1, 0);
  const X509* by = issuer == nullptr ? certificate : issuer->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(by));
  if (spec.authority) AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  if (!spec.names.empty()) AddExtension(certificate, NID_subject_alt_name, spec.names);
  X509_sign(certificate, (issuer == nullptr ? made : *issuer).key.get(), EVP_sha256());
  return made;
}

TempFile::TempFile(const std::string& content) {
  char name[] = "/tmp/sstplb_probes_XXXXXX";
  const int fd = ::mkstemp(name);
  path_ = name;
  if (::write(fd, content.data(), content.size()) < 0) path_.clear();
  ::close(fd);
}

TempFile::~TempFile() { ::unlink(path_.c_str()); }

std::string Pem(const X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  return TakeBio(bio);
}

std::string OcspResponse(const Identity& authority, const X509* certificate, int status,
                         int valid_hours) {
  ASN1_TIME* from = X509_gmtime_adj(nullptr, -7200 * 100);
  ASN1_TIME* until = X509_gmtime_adj(nullptr, valid_hours * 3600L);
  OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
  OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), certificate, authority.certificate.get());
  ASN1_GENERALIZEDTIME* generalized_from = ASN1_TIME_to_generalizedtime(from, nullptr);
  ASN1_GENERALIZEDTIME* generalized_until = ASN1_TIME_to_generalizedtime(until, nullptr);
  OCSP_basic_add1_status(basic, id, status, 0, from, generalized_from, generalized_until);
  OCSP_basic_sign(basic, authority.certificate.get(), authority.key.get(), EVP_sha256(), nullptr,
                  0);
  OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &der);
  std::string text(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  OCSP_RESPONSE_free(response);
  ASN1_GENERALIZEDTIME_free(generalized_from);
  ASN1_GENERALIZEDTIME_free(generalized_until);
  OCSP_CERTID_free(id);
  OCSP_BASICRESP_free(basic);
  ASN1_TIME_free(from);
  ASN1_TIME_free(until);
  return text;
}

std::string PemRevocationList(const Identity& authority, const X509* revoked) {
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, 1);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(authority.certificate.get()));
  ASN1_TIME* time = ASN1_TIME_new();
  X509_gmtime_adj(time, -kDay);
  X509_CRL_set1_lastUpdate(list, time);
  if (revoked != nullptr) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry,
                                  const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(revoked)));
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(list, entry);
  }
  X509_gmtime_adj(time, kDay);
  X509_CRL_set1_nextUpdate(list, time);
  ASN1_TIME_free(time);
  X509_CRL_sort(list);
  X509_CRL_sign(list, authority.key.get(), EVP_sha256());
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_CRL(bio, list);
  X509_CRL_free(list);
  return TakeBio(bio);
}

}  // namespace sstplb::probes
