// A flow as a plain value and back.
//
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "lb/session/flow.h"

namespace sstplb::session {

FlowImage Flow::Image(Buffers& buffers) {
  if (pipe_ != nullptr) EmptyPipe(buffers);
  FlowImage image{.bytes = bytes_,
                  .bulk = bulk_,
                  .portion = portion_,
                  .saw_eof = saw_eof_,
                  .ended = ended_,
                  .held = {}};
  if (block_ != nullptr) image.held.assign(block_->left().begin(), block_->left().end());
  return image;
}

void Flow::EmptyPipe(Buffers& buffers) {
  block_ = buffers.TakeBlock();
  block_->bytes.resize(pipe_->held);
  std::size_t have = 0;
  while (have < pipe_->held) {
    const ssize_t got = ::read(pipe_->out.get(), block_->bytes.data() + have, pipe_->held - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;  // never: the bytes are there
    have += static_cast<std::size_t>(got);
  }
  block_->bytes.resize(have);
  pipe_->held -= have;
  buffers.Return(std::move(pipe_));
}

void Flow::Restore(FlowImage&& image, Buffers& buffers) {
  Release(buffers);
  bytes_ = image.bytes;
  bulk_ = image.bulk;
  portion_ = image.portion;
  while (portion_ > 0 && portion() > kLargestPortion) --portion_;
  saw_eof_ = image.saw_eof;
  ended_ = image.ended;
  if (image.held.empty()) return;
  block_ = buffers.TakeBlock();
  block_->bytes = std::move(image.held);
}

}  // namespace sstplb::session
