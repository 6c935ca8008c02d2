// The stapled OCSP answer: what a server says itself about the revocation of its certificate.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <optional>

#include "probes/report.h"

namespace sstplb::probes {

// Years that a 64-bit count of nanoseconds cannot hold (9999 means "never") are cut: 1970..2200.
// The epoch when `time` is null or unreadable.
WallTime ToWallTime(const ASN1_TIME* time);

// `ssl` has finished its handshake. nullopt when the server stapled nothing. "good" and "revoked"
// are only said of an answer about this certificate that is of now and that a trusted root stands
// behind.
std::optional<OcspFacts> ReadStapledOcsp(SSL* ssl);

}  // namespace sstplb::probes
