// What is wrong with the certificates of a farm: pure judgement over what handshakes showed.
//
// The balancer passes TLS through, so it is the backends' certificates that clients see and that
// crypto binding hashes (MS-SSTP 2.2.7). tests/control/certificate_test.cc is its table.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lb/base/time.h"
#include "lb/config/config.h"
#include "probes/report.h"

namespace sstplb::control {

enum class CertificateFinding : std::uint8_t {
  kExpired,
  kExpires,  // within the pool's certificate_warn
  kNotYetValid,
  kRevoked,  // says the server itself, by stapled OCSP
  kNames,    // it does not cover a name that clients dial
};
inline constexpr CertificateFinding kCertificateFindings[] = {
    CertificateFinding::kExpired, CertificateFinding::kExpires, CertificateFinding::kNotYetValid,
    CertificateFinding::kRevoked, CertificateFinding::kNames};
// "expired", "expires", "not_yet_valid", "revoked", "names": in log, API and metrics.
std::string_view ToString(CertificateFinding finding);
std::optional<CertificateFinding> FindingOf(std::string_view word);

struct ShownCertificate {
  probes::CertificateFacts facts;
  std::optional<probes::OcspFacts> ocsp;
  std::vector<probes::ChainLink> chain;  // as sent, its own first; may be empty
};

// What a pool expects of its backends' certificates.
struct CertificateWish {
  Duration warn{};                 // before it expires; zero: no warning
  std::vector<std::string> names;  // that clients dial: exact ones and one-label wildcards
};

// The names are those of the routes that lead to the pool, and its probe's own `sni`.
CertificateWish WishOf(const config::Config& config, const config::Pool& pool);

// Whether a certificate with these names is good for `wanted` (RFC 6125, 6.4: a wildcard is one
// label). A wanted wildcard is covered by itself, and by any name below it: which of them clients
// dial is not known.
bool Covers(const std::vector<std::string>& names, std::string_view wanted);

// Each finding with its evidence. What is sent holds no longer than the first certificate of its
// chain that ends; roots are left out, for clients have their own.
using CertificateFindings = std::map<CertificateFinding, std::string>;
CertificateFindings Judge(const ShownCertificate& shown, const CertificateWish& wish, WallTime now);

// Backends by the certificate (its SHA-256) that they show, where a pool's show more than one; ""
// when all are the same: "vpn1,vpn2: 3f2a5c01 vpn3: 88be1d3f".
std::string Differences(const std::map<std::string, std::string>& certificate_of_backend);

}  // namespace sstplb::control
