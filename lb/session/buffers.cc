// SPDX-License-Identifier: Apache-2.0
#include "lb/session/buffers.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace sstplb::session {

std::unique_ptr<Pipe> Buffers::TakePipe() {
  if (!spare_pipes_.empty()) {
    auto pipe = std::move(spare_pipes_.back());
    spare_pipes_.pop_back();
    return pipe;
  }
  if (pipes_ == kMaxPipes) return nullptr;
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
  auto pipe = std::make_unique<Pipe>();
  pipe->out.Reset(ends[0]);
  pipe->in.Reset(ends[1]);
  // A user's limit on pipe memory may refuse it: then it is a small pipe, and more calls.
  ::fcntl(pipe->in.get(), F_SETPIPE_SZ, static_cast<int>(kPipeSize));
  ++pipes_;
  return pipe;
}

void Buffers::Return(std::unique_ptr<Pipe> pipe) {
  if (pipe->held == 0 && spare_pipes_.size() < kSpare) {
    spare_pipes_.push_back(std::move(pipe));
  } else {
    --pipes_;
  }
}

std::unique_ptr<Block> Buffers::TakeBlock() {
  if (spare_blocks_.empty()) return std::make_unique<Block>();
  auto block = std::move(spare_blocks_.back());
  spare_blocks_.pop_back();
  return block;
}

void Buffers::Return(std::unique_ptr<Block> block) {
  // An outsized one (the first bytes of a session) is not worth keeping.
  if (spare_blocks_.size() == kSpare || block->bytes.capacity() > kScratch) return;
  block->bytes.clear();
  block->taken = 0;
  spare_blocks_.push_back(std::move(block));
}

}  // namespace sstplb::session
