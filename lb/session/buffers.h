// Buffers: what a worker's flows move bytes with. A flow holds something of it only while bytes
// wait in it; everything else is shared, so that an idle tunnel costs nothing here.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lb/base/bytes.h"
#include "lb/base/fd.h"

namespace sstplb::session {

// A kernel pipe, through which bytes go from one socket to the other without being copied
// (splice(2)).
struct Pipe {
  Fd in;
  Fd out;
  std::size_t held = 0;  // bytes
};

// Copied bytes that a receiver has not taken yet.
struct Block {
  Bytes bytes;
  std::size_t taken = 0;  // of them, by the receiver

  ByteView left() const { return ByteView(bytes).subspan(taken); }
};

// Belongs to one worker's thread, and outlives its flows.
class Buffers {
 public:
  // What one copying read takes at most, and so what a block of a stalled flow holds.
  static constexpr std::size_t kScratch = 16 * 1024;
  // What a pipe takes at most; the kernel counts in slots of a page or one fragment of a packet.
  static constexpr std::size_t kPipeSize = 1024 * 1024;
  // Pipes that exist at once: two descriptors each. A flow that gets none copies instead.
  static constexpr std::size_t kMaxPipes = 32;
  // Unused ones that are kept for the next flow.
  static constexpr std::size_t kSpare = 16;

  Buffers() : scratch_(kScratch) {}

  // For reading into; nobody keeps it beyond a call.
  std::span<std::uint8_t> scratch() { return scratch_; }

  // An empty pipe, or null: there are kMaxPipes already, or the process has no descriptors left.
  std::unique_ptr<Pipe> TakePipe();
  // Takes it back. One that still holds bytes, of a session that died, is closed.
  void Return(std::unique_ptr<Pipe> pipe);

  std::unique_ptr<Block> TakeBlock();
  void Return(std::unique_ptr<Block> block);

  std::size_t pipes() const { return pipes_; }  // that exist

 private:
  std::vector<std::uint8_t> scratch_;
  std::size_t pipes_ = 0;
  std::vector<std::unique_ptr<Pipe>> spare_pipes_;
  std::vector<std::unique_ptr<Block>> spare_blocks_;
};

}  // namespace sstplb::session
