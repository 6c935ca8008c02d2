// The dialogue that every measurement speaks: a TLS 1.3 handshake as seen from outside (RFC 8446,
// 5), then a wish of the client in a record of its own, then application data as wished.
//
//   client                            backend
//   ClientHello (a recorded one)  ->
//                                 <-  ServerFlight(): ServerHello, ChangeCipherSpec, four records
//   ClientFlight(): ChangeCipherSpec, Finished, the wish  ->
//                                     ... what was wished, in both directions
//
// Nothing is encrypted and nobody checks it: record headers and the ServerHello are what a balancer
// can see, the rest is filler. It is the same for every peer.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lb/base/bytes.h"

namespace sstplb::bench {

// What the backend is to do with a tunnel once the handshake is over.
enum class Wish : std::uint8_t {
  kEcho = 1,      // send back all that comes
  kDownload = 2,  // send records until the client ends its direction, then end
  kUpload = 3,    // take records until the client ends its direction, then send CountRecord()
};

inline constexpr std::size_t kRecordHeader = 5;
inline constexpr std::size_t kLargestBody = 16384;
// A connection without a tunnel: hello, this much of an answer, close.
inline constexpr std::size_t kAnswerSize = 1200;

// One record of application data, filled with something.
Bytes Record(std::size_t body);

Bytes ServerFlight();
// ServerFlight() cut or filled up to kAnswerSize, for connections that end right after it.
Bytes Answer();
Bytes ClientFlight(Wish wish);

// The size of the record that `bytes` begin with; 0 if its header is not whole.
std::size_t RecordSize(ByteView bytes);
// The wish that the whole record `record` holds.
std::optional<Wish> WishOf(ByteView record);

// How many bytes of an upload arrived, as a record of kCountSize bytes.
inline constexpr std::size_t kCountSize = kRecordHeader + 64;
Bytes CountRecord(std::uint64_t bytes);
std::uint64_t CountOf(ByteView record);

}  // namespace sstplb::bench
