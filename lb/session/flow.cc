// SPDX-License-Identifier: Apache-2.0
#include "lb/session/flow.h"

#include <sys/socket.h>

#include <cerrno>

namespace sstplb::session {
namespace {

// Reads per turn: a bulk flow gives way after this many, and comes again in the next turn.
constexpr int kReadsPerTurn = 4;

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Flow::Outcome Flow::Move(int from, int to, std::span<std::uint8_t> scratch, Tap* tap) {
  if (has_pending()) {
    const Outcome flushed = Flush(to);
    if (flushed != Outcome::kMoved || has_pending()) return flushed;
  }
  if (saw_eof_) return ended_ ? Outcome::kEof : End(to);
  for (int reads = 0; reads < kReadsPerTurn; ++reads) {
    const ssize_t got = ::recv(from, scratch.data(), scratch.size(), 0);
    if (got == 0) {
      saw_eof_ = true;
      return End(to);
    }
    if (got < 0) {
      if (errno == EINTR) continue;
      if (WouldBlock(errno)) return Outcome::kMoved;
      error_ = errno;
      return Outcome::kReadError;
    }
    const ByteView bytes = scratch.first(static_cast<std::size_t>(got));
    bytes_ += bytes.size();
    if (tap != nullptr) tap->OnBytes(bytes);
    const Outcome written = Write(to, bytes);
    if (written != Outcome::kMoved || has_pending()) return written;
    // A short read emptied the socket: asking again would only cost a system call.
    if (bytes.size() < scratch.size()) break;
  }
  return Outcome::kMoved;
}

Flow::Outcome Flow::Send(int to, ByteView bytes) { return Write(to, bytes); }

Flow::Outcome Flow::Write(int to, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (WouldBlock(errno)) {
      pending_.assign(bytes.begin(), bytes.end());
      written_ = 0;
      return Outcome::kMoved;
    } else if (errno != EINTR) {
      error_ = errno;
      return Outcome::kWriteError;
    }
  }
  return Outcome::kMoved;
}

Flow::Outcome Flow::Flush(int to) {
  while (written_ < pending_.size()) {
    const ssize_t sent =
        ::send(to, pending_.data() + written_, pending_.size() - written_, MSG_NOSIGNAL);
    if (sent >= 0) {
      written_ += static_cast<std::size_t>(sent);
    } else if (WouldBlock(errno)) {
      return Outcome::kMoved;
    } else if (errno != EINTR) {
      error_ = errno;
      return Outcome::kWriteError;
    }
  }
  pending_ = Bytes();  // gives the memory back, which clear() would not
  return Outcome::kMoved;
}

Flow::Outcome Flow::End(int to) {
  ended_ = true;
  // ENOTCONN: the receiver is gone already; its own read will tell.
  ::shutdown(to, SHUT_WR);
  return Outcome::kEof;
}

}  // namespace sstplb::session
