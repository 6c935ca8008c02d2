// A self-made certificate with its key, in memory, for servers that nobody configures.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lb/base/bytes.h"
#include "lb/base/result.h"

namespace sstplb::demo {

// Plain values; the texts can be written to files for other programs (a CA file, a key file).
struct Certificate {
  std::string pem;
  std::string key_pem;
  Bytes der;                              // what a client sees in the TLS handshake
  std::array<std::uint8_t, 20> sha1{};    // of `der`
  std::array<std::uint8_t, 32> sha256{};  // of `der`

  // SHA-256 as lower-case hex.
  std::string Fingerprint() const;
};

struct CertificateRequest {
  // DNS names, or addresses as text; the first is the common name too.
  std::vector<std::string> names{"vpn.sstp.test"};
  int days = 30;  // valid from an hour ago; negative: already expired
};

// ECDSA P-256, self-signed, usable as its own CA. Fails only when OpenSSL does.
Result<Certificate> MakeCertificate(const CertificateRequest& request);

}  // namespace sstplb::demo
