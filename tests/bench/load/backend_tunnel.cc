// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/backend_tunnel.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "tests/bench/load/net.h"
#include "tests/bench/load/wish.h"
#include "tests/dialogue/handshake.h"

namespace sstplb::bench {
namespace {

constexpr std::size_t kBufferSize = 64 * 1024;
constexpr std::size_t kSkipSize = 1 << 20;
constexpr std::size_t kMaxIntro = 128 * 1024;
constexpr int kSendsPerTurn = 8;  // so that no stream holds up the others

// Where every connection of this thread reads to: what is in it is dealt with at once.
std::array<std::uint8_t, kBufferSize>& Buffer() {
  static thread_local std::array<std::uint8_t, kBufferSize> buffer;
  return buffer;
}

}  // namespace

BackendTunnel::BackendTunnel(Poller& poller, Owner& owner, Fd fd, Manner manner)
    : poller_(poller), owner_(owner), fd_(std::move(fd)), manner_(manner) {
  poller_.Add(fd_.get(), interest_, *this);
}

void BackendTunnel::OnEvents(std::uint32_t events) {
  if (Work(events)) return Rearm();
  owner_.Over(fd_.get());
}

bool BackendTunnel::Work(std::uint32_t events) {
  const bool readable = (events & EPOLLIN) != 0;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 && !readable) return false;
  if ((events & EPOLLOUT) != 0 && !SendPending()) return false;
  if (readable && !OnReadable()) return false;
  return phase_ != Phase::kDownload || !pending_.empty() || SendDownload();
}

void BackendTunnel::Rearm() {
  std::uint32_t interest = 0;
  if (!pending_.empty() || phase_ == Phase::kDownload) interest |= EPOLLOUT;
  if (pending_.empty() && !client_ended_) interest |= EPOLLIN;
  if (interest == interest_) return;
  interest_ = interest;
  poller_.Change(fd_.get(), interest, *this);
}

bool BackendTunnel::OnReadable() {
  switch (phase_) {
    case Phase::kHello:
    case Phase::kFlight:
      return ReadIntro();
    case Phase::kEcho:
      return Echo();
    case Phase::kDownload:
    case Phase::kUpload:
      return Take();
  }
  return false;
}

bool BackendTunnel::ReadIntro() {
  auto& buffer = Buffer();
  const ssize_t got = recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  intro_.insert(intro_.end(), buffer.begin(), buffer.begin() + got);
  std::size_t at = 0;
  while (phase_ == Phase::kHello || phase_ == Phase::kFlight) {
    const ByteView rest = ByteView(intro_).subspan(at);
    const std::size_t size = dialogue::RecordSize(rest);
    if (size == 0 || size > rest.size()) {
      intro_.erase(intro_.begin(), intro_.begin() + static_cast<std::ptrdiff_t>(at));
      return intro_.size() <= kMaxIntro;
    }
    if (!TakeRecord(rest.first(size))) return false;
    at += size;
  }
  const Bytes intro = std::exchange(intro_, Bytes());
  return BeginWith(ByteView(intro).subspan(at));
}

bool BackendTunnel::TakeRecord(ByteView record) {
  static const Bytes kServerFlight = dialogue::ServerFlight();
  static const Bytes kAnswer = Answer();
  if (phase_ == Phase::kHello) {
    if (record.front() != dialogue::kHandshakeRecord) return false;
    phase_ = Phase::kFlight;
    if (manner_ == Manner::kTunnel) return Queue(kServerFlight);
    Queue(kAnswer);  // a new connection takes it whole
    return false;
  }
  const auto wish = WishOf(record);
  if (!wish) return true;  // ChangeCipherSpec, Finished
  phase_ = *wish == Wish::kEcho       ? Phase::kEcho
           : *wish == Wish::kDownload ? Phase::kDownload
                                      : Phase::kUpload;
  return true;
}

// What came right behind the wish is already payload.
bool BackendTunnel::BeginWith(ByteView payload) {
  received_ = payload.size();
  return phase_ != Phase::kEcho || payload.empty() || Queue(payload);
}

bool BackendTunnel::Echo() {
  auto& buffer = Buffer();
  const ssize_t got = recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  return Queue(ByteView(buffer).first(static_cast<std::size_t>(got)));
}

// Counts what comes without looking at it.
bool BackendTunnel::Take() {
  const ssize_t got = recv(fd_.get(), nullptr, kSkipSize, MSG_TRUNC);
  if (got < 0) return errno == EAGAIN;
  received_ += static_cast<std::uint64_t>(got);
  client_ended_ = got == 0;
  if (!client_ended_ || phase_ == Phase::kDownload) return true;
  Queue(CountRecord(received_));  // an upload's other direction is empty: it is taken whole
  return false;
}

bool BackendTunnel::SendDownload() {
  static const Bytes kBlock = Block();
  static const std::size_t kRecord = kBlock.size() / kBlockRecords;
  for (int i = 0; i < kSendsPerTurn; ++i) {
    if (client_ended_ && block_at_ % kRecord == 0) return false;
    const std::size_t end = client_ended_ ? (block_at_ / kRecord + 1) * kRecord : kBlock.size();
    const auto put = Send(fd_.get(), ByteView(kBlock).subspan(block_at_, end - block_at_));
    if (put < 0) return false;
    if (put == 0) return true;
    block_at_ = (block_at_ + static_cast<std::size_t>(put)) % kBlock.size();
  }
  return true;
}

bool BackendTunnel::Queue(ByteView bytes) {
  if (pending_.empty()) {
    const auto put = Send(fd_.get(), bytes);
    if (put < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  return true;
}

bool BackendTunnel::SendPending() {
  if (pending_.empty()) return true;
  const auto put = Send(fd_.get(), pending_);
  if (put < 0) return false;
  pending_.erase(pending_.begin(), pending_.begin() + put);
  return true;
}

}  // namespace sstplb::bench
