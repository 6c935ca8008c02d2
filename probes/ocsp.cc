// SPDX-License-Identifier: Apache-2.0
#include "probes/ocsp.h"

#include <openssl/ocsp.h>

#include <algorithm>
#include <ctime>
#include <memory>

namespace sstplb::probes {
namespace {

constexpr long kClockSkew = 300;  // seconds that clocks may differ

struct Deleter {
  void operator()(OCSP_RESPONSE* response) const { OCSP_RESPONSE_free(response); }
  void operator()(OCSP_BASICRESP* response) const { OCSP_BASICRESP_free(response); }
};

// The part of the answer that is about `certificate`; null when there is none.
OCSP_SINGLERESP* PartAbout(OCSP_BASICRESP* basic, const X509* certificate) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* part = OCSP_resp_get0(basic, i);
    ASN1_INTEGER* serial = nullptr;
    auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(part));
    if (OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, id) != 1) continue;
    if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0) return part;
  }
  return nullptr;
}

std::string StatusWord(int status) {
  switch (status) {
    case V_OCSP_CERTSTATUS_GOOD:
      return "good";
    case V_OCSP_CERTSTATUS_REVOKED:
      return "revoked";
    default:
      return "unknown";
  }
}

// By the issuer of the certificate, or by whom it let sign, up to a root that this host trusts.
bool IsSigned(SSL* ssl, OCSP_BASICRESP* basic) {
  X509_STORE* roots = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
  return OCSP_basic_verify(basic, SSL_get_peer_cert_chain(ssl), roots, 0) == 1;
}

OcspFacts Judge(SSL* ssl, const unsigned char* bytes, long size) {
  const std::unique_ptr<OCSP_RESPONSE, Deleter> response(d2i_OCSP_RESPONSE(nullptr, &bytes, size));
  if (!response || OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return {"unreadable", {}};
  }
  const std::unique_ptr<OCSP_BASICRESP, Deleter> basic(OCSP_response_get1_basic(response.get()));
  const X509* own = SSL_get0_peer_certificate(ssl);
  OCSP_SINGLERESP* part = basic && own != nullptr ? PartAbout(basic.get(), own) : nullptr;
  if (part == nullptr) return {"unreadable", {}};
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* until = nullptr;
  const int status = OCSP_single_get0_status(part, nullptr, nullptr, &from, &until);
  OcspFacts facts{StatusWord(status), {}};
  if (until != nullptr) facts.next_update = ToWallTime(until);
  if (!IsSigned(ssl, basic.get())) {
    facts.status = "unverified";
  } else if (OCSP_check_validity(from, until, kClockSkew, -1) != 1) {
    facts.status = "stale";
  }
  return facts;
}

}  // namespace

WallTime ToWallTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
  parts.tm_year = std::clamp(parts.tm_year, 70, 300);
  return WallClock::from_time_t(::timegm(&parts));
}

std::optional<OcspFacts> ReadStapledOcsp(SSL* ssl) {
  const unsigned char* bytes = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
  if (size <= 0 || bytes == nullptr) return std::nullopt;
  return Judge(ssl, bytes, size);
}

}  // namespace sstplb::probes
