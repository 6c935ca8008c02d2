// A TLS 1.3 handshake as it looks from outside (RFC 8446, 5), for tests that send bytes through a
// balancer and want it to see what it would see of real peers, without their cost.
//
//   client                              server
//   ClientHello (from tests/vectors) ->
//                                    <- ServerFlight(): ServerHello, ChangeCipherSpec, four records
//   ClientFlight(): ChangeCipherSpec, Finished ->
//
// After that both send what they like, as records of application data. Nothing is encrypted: the
// headers and the ServerHello are real, the rest is filler of the right size.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lb/base/bytes.h"

namespace sstplb::dialogue {

inline constexpr std::size_t kRecordHeader = 5;
inline constexpr std::size_t kLargestBody = 16384;
inline constexpr std::uint8_t kHandshakeRecord = 22;

// One record of application data with so many bytes behind its header, at most kLargestBody.
Bytes Record(std::size_t body);

// The size, with its header, of the record that `bytes` begin with; 0 if its header is not whole.
std::size_t RecordSize(ByteView bytes);

Bytes ServerFlight();
Bytes ClientFlight();

}  // namespace sstplb::dialogue
