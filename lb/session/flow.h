// Flow: one direction of a relay, from one leg to the other.
//
// Few bytes are copied at once through a buffer that the whole worker shares. A read that fills the
// buffer makes the flow a bulk one: its bytes are spliced through a pipe, never reach user space,
// and are taken a millisecond's worth at a time, as a network card gathers packets before it
// interrupts; a splice that brings little ends that (docs/performance.md has the measurements).
// Only what the receiver does not take is held, in one block or one pipe, and nothing more is read
// until it is gone. So a flow holds nothing while bytes keep moving or while it is idle, and
// back-pressure never grows a buffer.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "lb/base/bytes.h"
#include "lb/base/time.h"
#include "lb/session/buffers.h"
#include "lb/session/image.h"
#include "lb/session/leg.h"

namespace sstplb::session {

class Flow {
 public:
  enum class Outcome : std::uint8_t {
    kMoved,       // as far as it goes in this turn
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

  // What a bulk flow takes at once. It begins with little, takes twice as much when its sender had
  // a whole portion and its receiver took it, and little again when the receiver stalls: a fast
  // tunnel costs few calls, and what waits here for a slow one stays small.
  static constexpr std::size_t kSmallestPortion = 64 * 1024;
  static constexpr std::size_t kLargestPortion = Buffers::kPipeSize;

  // What one call moves at most, roughly: a bulk flow must not keep a worker from the others.
  static constexpr std::size_t kQuantum = 1024 * 1024;
  // How long a bulk flow gathers bytes.
  static constexpr Duration kRest = std::chrono::milliseconds(1);

  // Moves what is there from `from` to `to`, both non-blocking TCP sockets, at most kQuantum. With
  // a `tap` (may be null) everything is copied. `end`: whether an end of the sender is passed on;
  // who closes the receiver anyway need not.
  Outcome Move(Leg& from, Leg& to, Buffers& buffers, Tap* tap, bool end = true);

  // Writes what is given ahead of anything that is read. Only before the first Move(). The first
  // `own` bytes are ours and are not counted in bytes().
  Outcome Send(Leg& to, ByteView bytes, std::size_t own, Buffers& buffers);

  // Whether a call now could achieve something: both legs are ready as far as is known.
  bool CanMove(const Leg& from, const Leg& to) const {
    if (holds()) return to.writable;
    return from.readable && !saw_eof_ && (!resting_ || from.ending);
  }

  // A bulk flow whose sender was emptied rests: the kernel tells of its bytes only when there are
  // many. The caller ends that when it does, or after kRest, and then moves it.
  bool resting() const { return resting_; }
  void EndRest(Leg& from) {
    resting_ = false;
    from.readable = true;
  }

  // As a plain value; what waits in a pipe is taken out of it into a block first. Leaves the flow
  // as good as it was.
  FlowImage Image(Buffers& buffers);
  // Only before the first Move().
  void Restore(FlowImage&& image, Buffers& buffers);
  // Whether the kernel may keep quiet about bytes that are there (SO_RCVLOWAT).
  bool bulk() const { return bulk_; }

  // Gives back what is held: the session is over.
  void Release(Buffers& buffers);

  bool holds() const { return block_ != nullptr || pipe_ != nullptr; }  // bytes that wait
  std::size_t held() const {                                            // how many
    if (pipe_ != nullptr) return pipe_->held;
    return block_ != nullptr ? block_->left().size() : 0;
  }
  bool ended() const { return ended_; }           // the sender's end was passed on, or need not be
  bool saw_eof() const { return saw_eof_; }       // the sender's end was read
  std::uint64_t bytes() const { return bytes_; }  // read from the sender so far
  int error() const { return error_; }            // an errno

 private:
  void EmptyPipe(Buffers& buffers);
  Outcome Copy(Leg& from, Leg& to, Buffers& buffers, Tap* tap);
  Outcome Splice(Leg& from, Leg& to, Buffers& buffers);
  Outcome Write(Leg& to, ByteView bytes, Buffers& buffers);
  Outcome Flush(Leg& to, Buffers& buffers);
  Outcome FlushBlock(Leg& to, Buffers& buffers);
  Outcome FlushPipe(Leg& to, Buffers& buffers);
  std::size_t portion() const { return kSmallestPortion << portion_; }
  void SetBulk(Leg& from, bool bulk);
  void SetPortion(Leg& from, unsigned portion_log2);
  Outcome ReadFailed(Leg& from);
  Outcome WriteFailed(Leg& to);
  void End(Leg& to, bool pass_on);

  std::unique_ptr<Block> block_;
  std::unique_ptr<Pipe> pipe_;
  std::uint64_t bytes_ = 0;
  std::int16_t error_ = 0;
  bool bulk_ = false;  // the last read brought much: splice
  bool resting_ = false;
  std::uint8_t portion_ = 0;  // log2 of its multiple of kSmallestPortion
  bool saw_eof_ = false;
  bool ended_ = false;
};

}  // namespace sstplb::session
