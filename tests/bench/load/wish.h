// The wish: what the client asks of the backend once their handshake (tests/dialogue) is over, and
// the few messages that belong to it.
//
//   client                              backend
//   ClientHello                      ->
//                                    <- ServerFlight()
//   ClientFlight(), WishRecord()     ->
//                                       ... what was wished, in both directions
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lb/base/bytes.h"

namespace sstplb::bench {

enum class Wish : std::uint8_t {
  kEcho = 1,      // send back all that comes
  kDownload = 2,  // send records until the client ends its direction, then end
  kUpload = 3,    // take records until the client ends its direction, then send CountRecord()
};

Bytes WishRecord(Wish wish);
// The wish that the whole record `record` holds, if it is such a one.
std::optional<Wish> WishOf(ByteView record);

// How many bytes of an upload arrived, as a record of kCountSize bytes.
inline constexpr std::size_t kCountSize = 64;
Bytes CountRecord(std::uint64_t bytes);
std::uint64_t CountOf(ByteView record);

// For connections without a tunnel: what the backend says to a hello before it closes. The size is
// that of the first flight of a server.
inline constexpr std::size_t kAnswerSize = 1200;
Bytes Answer();

// Several of the largest records in a row, for bulk: send them from end to end, over and over.
inline constexpr std::size_t kBlockRecords = 4;
Bytes Block();

}  // namespace sstplb::bench
