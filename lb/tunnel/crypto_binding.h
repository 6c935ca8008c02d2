// The crypto binding of a call: what proves that the two ends of SSTP are the two ends of TLS.
// Source: MS-SSTP 3.2.5.2.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lb/base/bytes.h"
#include "lb/sstp/message.h"

namespace sstplb::tunnel {

// The higher-layer authentication key: zeros where the PPP authentication makes no keys (PAP).
using Hlak = sstp::Hash32;

// Of a certificate as seen in the TLS handshake, DER; zeros follow SHA-1's 20 bytes.
sstp::Hash32 CertificateHash(std::uint8_t hash, ByteView der);

// What a client sends in Call Connected. `hash` is sstp::kHashSha1 or sstp::kHashSha256.
sstp::CryptoBinding MakeBinding(std::uint8_t hash, const sstp::Hash32& nonce, ByteView der,
                                const Hlak& hlak);

enum class BindingVerdict : std::uint8_t { kValid, kBadHash, kBadNonce, kBadCertificate, kBadMac };

// `offered` is what this server asked for in its Ack.
BindingVerdict CheckBinding(const sstp::CryptoBinding& binding,
                            const sstp::CryptoBindingRequest& offered, ByteView der,
                            const Hlak& hlak);

}  // namespace sstplb::tunnel
