// SPDX-License-Identifier: Apache-2.0
#include "lb/session/flow.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace sstplb::session {
namespace {

// A splice that brings less than this is followed by a copying read: one that is shorter than the
// buffer shows by itself that the socket is empty, where a splice must be asked once more.
constexpr std::size_t kWorthSplicing = Buffers::kScratch;
bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Flow::Outcome Flow::Move(Leg& from, Leg& to, Buffers& buffers, Tap* tap, bool end) {
  if (holds()) {
    const Outcome flushed = Flush(to, buffers);
    if (flushed != Outcome::kMoved || holds()) return flushed;
  }
  const std::uint64_t until = bytes_ + kQuantum;
  while (CanMove(from, to) && bytes_ < until) {
    const bool splice = bulk_ && tap == nullptr;
    const Outcome outcome = splice ? Splice(from, to, buffers) : Copy(from, to, buffers, tap);
    if (outcome != Outcome::kMoved || holds()) return outcome;
  }
  if (!saw_eof_) return Outcome::kMoved;
  if (!ended_) End(to, end);
  return Outcome::kEof;
}

Flow::Outcome Flow::Send(Leg& to, ByteView bytes, std::size_t own, Buffers& buffers) {
  bytes_ += bytes.size() - own;
  return Write(to, bytes, buffers);
}

void Flow::Release(Buffers& buffers) {
  if (block_ != nullptr) buffers.Return(std::move(block_));
  if (pipe_ != nullptr) buffers.Return(std::move(pipe_));
}

Flow::Outcome Flow::Copy(Leg& from, Leg& to, Buffers& buffers, Tap* tap) {
  const auto room = buffers.scratch();
  const ssize_t got = ::recv(from.fd.get(), room.data(), room.size(), 0);
  if (got < 0) return ReadFailed(from);
  if (got == 0) {
    saw_eof_ = true;
    return Outcome::kMoved;
  }
  const ByteView bytes = room.first(static_cast<std::size_t>(got));
  bytes_ += bytes.size();
  const bool filled = bytes.size() == room.size();
  if (!filled && !from.ending) from.readable = false;
  const bool bulk = filled && tap == nullptr;
  if (bulk != bulk_) SetBulk(from, bulk);
  if (tap != nullptr) tap->OnBytes(bytes);
  return Write(to, bytes, buffers);
}

Flow::Outcome Flow::Splice(Leg& from, Leg& to, Buffers& buffers) {
  auto pipe = buffers.TakePipe();
  if (pipe == nullptr) return Copy(from, to, buffers, nullptr);
  const ssize_t got = ::splice(from.fd.get(), nullptr, pipe->in.get(), nullptr, portion(),
                               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  const int error = errno;
  if (got <= 0) {
    buffers.Return(std::move(pipe));
    if (got == 0) {
      saw_eof_ = true;
      return Outcome::kMoved;
    }
    errno = error;
    return ReadFailed(from);
  }
  pipe->held = static_cast<std::size_t>(got);
  bytes_ += pipe->held;
  const bool whole = pipe->held == portion();
  if (pipe->held < kWorthSplicing) {
    SetBulk(from, false);
  } else {
    resting_ = !whole;  // most likely all there was
  }
  pipe_ = std::move(pipe);
  const Outcome flushed = FlushPipe(to, buffers);
  if (!bulk_ || flushed != Outcome::kMoved) return flushed;
  if (holds() && portion_ > 0) SetPortion(from, 0);
  if (!holds() && whole && portion() < kLargestPortion) SetPortion(from, portion_ + 1u);
  return flushed;
}

void Flow::SetBulk(Leg& from, bool bulk) {
  bulk_ = bulk;
  if (bulk) return SetPortion(from, 0);
  const int one = 1;
  setsockopt(from.fd.get(), SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one);
}

// The kernel tells of fewer bytes when the window closes.
void Flow::SetPortion(Leg& from, unsigned portion_log2) {
  portion_ = static_cast<std::uint8_t>(portion_log2);
  const int bytes = static_cast<int>(portion());
  setsockopt(from.fd.get(), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

Flow::Outcome Flow::Write(Leg& to, ByteView bytes, Buffers& buffers) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    const Outcome failed = WriteFailed(to);
    if (failed != Outcome::kMoved) return failed;
    block_ = buffers.TakeBlock();
    block_->bytes.assign(bytes.begin(), bytes.end());
    return Outcome::kMoved;
  }
  return Outcome::kMoved;
}

Flow::Outcome Flow::Flush(Leg& to, Buffers& buffers) {
  if (!to.writable) return Outcome::kMoved;
  return pipe_ != nullptr ? FlushPipe(to, buffers) : FlushBlock(to, buffers);
}

Flow::Outcome Flow::FlushBlock(Leg& to, Buffers& buffers) {
  while (!block_->left().empty()) {
    const ByteView left = block_->left();
    const ssize_t sent = ::send(to.fd.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      block_->taken += static_cast<std::size_t>(sent);
    } else if (errno != EINTR) {
      return WriteFailed(to);
    }
  }
  buffers.Return(std::move(block_));
  return Outcome::kMoved;
}

// Who runs flows ignores or blocks SIGPIPE: splice() to a dead socket raises it and has no flag not
// to.
Flow::Outcome Flow::FlushPipe(Leg& to, Buffers& buffers) {
  while (pipe_->held != 0) {
    const ssize_t sent = ::splice(pipe_->out.get(), nullptr, to.fd.get(), nullptr, pipe_->held,
                                  SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (sent > 0) {
      pipe_->held -= static_cast<std::size_t>(sent);
      continue;
    }
    if (sent == 0) errno = EPIPE;  // never seen; must not become a loop without end
    if (errno != EINTR) return WriteFailed(to);
  }
  buffers.Return(std::move(pipe_));
  return Outcome::kMoved;
}

// kMoved when there was only nothing to read. By errno.
Flow::Outcome Flow::ReadFailed(Leg& from) {
  if (errno == EINTR) return Outcome::kMoved;
  if (WouldBlock(errno)) {
    from.readable = false;
    resting_ = bulk_;
    return Outcome::kMoved;
  }
  error_ = static_cast<std::int16_t>(errno);
  return Outcome::kReadError;
}

// kMoved when the socket was only full. By errno.
Flow::Outcome Flow::WriteFailed(Leg& to) {
  if (WouldBlock(errno)) {
    to.writable = false;
    return Outcome::kMoved;
  }
  error_ = static_cast<std::int16_t>(errno);
  return Outcome::kWriteError;
}

void Flow::End(Leg& to, bool pass_on) {
  ended_ = true;
  // ENOTCONN: the receiver is gone already; its own read will tell.
  if (pass_on) ::shutdown(to.fd.get(), SHUT_WR);
}

}  // namespace sstplb::session
