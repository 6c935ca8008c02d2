// Flow: one direction of a relay, from one socket to another.
//
// Bytes are read into a scratch buffer that the whole worker shares and written on at once. Only
// what the receiver does not take is kept, in a block that the flow owns until it is gone; while
// there is one, nothing more is read. So a flow holds no memory while bytes keep moving or while
// it is idle, and never more than one block.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lb/base/bytes.h"

namespace sstplb::session {

class Flow {
 public:
  enum class Outcome : std::uint8_t {
    kMoved,       // as far as it goes; more when a socket is ready again
    kEof,         // the sender's end was read, everything is written, and our end was sent
    kReadError,   // error(): the sender's socket is dead
    kWriteError,  // error(): the receiver's socket is dead
  };
  // Sees every byte on its way, in order.
  class Tap {
   public:
    virtual void OnBytes(ByteView bytes) = 0;

   protected:
    ~Tap() = default;
  };

  // Reads from `from` and writes to `to`, a bounded amount, so that one busy flow cannot keep a
  // worker from the others. Both are non-blocking sockets. `scratch` is only used during the call;
  // `tap` may be null.
  Outcome Move(int from, int to, std::span<std::uint8_t> scratch, Tap* tap);

  // Writes what is given ahead of anything that is read. Only before the first Move().
  Outcome Send(int to, ByteView bytes);

  bool has_pending() const { return !pending_.empty(); }
  bool ended() const { return ended_; }      // our end was sent
  bool saw_eof() const { return saw_eof_; }  // the sender's end was read
  bool wants_read() const { return !saw_eof_ && !has_pending(); }
  std::uint64_t bytes() const { return bytes_; }  // read from the sender so far
  int error() const { return error_; }            // an errno

 private:
  Outcome Flush(int to);
  Outcome Write(int to, ByteView bytes);
  Outcome End(int to);

  Bytes pending_;            // what the receiver did not take
  std::size_t written_ = 0;  // of it
  std::uint64_t bytes_ = 0;
  int error_ = 0;
  bool saw_eof_ = false;
  bool ended_ = false;
};

}  // namespace sstplb::session
