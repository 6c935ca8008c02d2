// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/backend_tunnel.h"

#include <sys/socket.h>

#include <array>
#include <utility>

#include "tests/bench/load/net.h"

namespace sstplb::bench {
namespace {

constexpr std::size_t kBufferSize = 64 * 1024;
constexpr std::size_t kMaxIntro = 128 * 1024;
constexpr int kSendsPerTurn = 8;  // so that no stream holds up the others
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::size_t kRecordsPerBlock = 4;

// Where every connection of this thread reads to: what is in it is dealt with at once.
std::array<std::uint8_t, kBufferSize>& Buffer() {
  static thread_local std::array<std::uint8_t, kBufferSize> buffer;
  return buffer;
}

// Some records in a row, sent over and over by downloads.
const Bytes& Block() {
  static const Bytes kBlock = [] {
    Bytes block;
    for (std::size_t i = 0; i < kRecordsPerBlock; ++i) {
      const Bytes record = Record(kLargestBody);
      block.insert(block.end(), record.begin(), record.end());
    }
    return block;
  }();
  return kBlock;
}

}  // namespace

void BackendTunnel::Start(Poller& poller, Fd fd, Manner manner) {
  const int raw = fd.get();
  auto* tunnel = new BackendTunnel(poller, std::move(fd), manner);  // deleted in OnEvents()
  tunnel->interest_ = EPOLLIN;
  poller.Add(raw, EPOLLIN, *tunnel);
}

BackendTunnel::BackendTunnel(Poller& poller, Fd fd, Manner manner)
    : poller_(poller), fd_(std::move(fd)), manner_(manner) {}

void BackendTunnel::OnEvents(std::uint32_t events) {
  const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0;
  bool goes_on = !broken;
  if (goes_on && (events & EPOLLOUT) != 0) goes_on = SendPending();
  if (goes_on && (events & EPOLLIN) != 0) goes_on = OnReadable();
  if (goes_on && phase_ == Phase::kDownload && pending_.empty()) goes_on = SendDownload();
  if (goes_on) return Rearm();
  delete this;
}

void BackendTunnel::Rearm() {
  std::uint32_t interest = 0;
  const bool sends = !pending_.empty() || phase_ == Phase::kDownload;
  if (sends) interest |= EPOLLOUT;
  if (!client_ended_ && pending_.empty()) interest |= EPOLLIN;
  if (interest == interest_) return;
  interest_ = interest;
  poller_.Change(fd_.get(), interest, *this);
}

bool BackendTunnel::OnReadable() {
  switch (phase_) {
    case Phase::kHello:
    case Phase::kFinished:
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
  while (phase_ == Phase::kHello || phase_ == Phase::kFinished) {
    const ByteView rest = ByteView(intro_).subspan(at);
    const std::size_t size = RecordSize(rest);
    if (size == 0 || size > rest.size()) {
      intro_.erase(intro_.begin(), intro_.begin() + static_cast<std::ptrdiff_t>(at));
      return intro_.size() <= kMaxIntro;
    }
    if (!TakeRecord(rest.first(size))) return false;
    at += size;
  }
  const Bytes intro = std::exchange(intro_, Bytes());
  return Begin(ByteView(intro).subspan(at));
}

// What came right behind the wish is already payload.
bool BackendTunnel::Begin(ByteView payload) {
  received_ = payload.size();
  return phase_ != Phase::kEcho || payload.empty() || Queue(payload);
}

bool BackendTunnel::TakeRecord(ByteView record) {
  static const Bytes kFlight = ServerFlight();
  static const Bytes kAnswer = Answer();
  if (phase_ == Phase::kHello) {
    if (record.front() != kHandshakeRecord) return false;
    if (manner_ == Manner::kAnswer) {
      Queue(kAnswer);  // a new connection takes it whole
      return false;
    }
    phase_ = Phase::kFinished;
    return Queue(kFlight);
  }
  const auto wish = WishOf(record);
  if (!wish) return true;  // ChangeCipherSpec, Finished
  phase_ = *wish == Wish::kEcho       ? Phase::kEcho
           : *wish == Wish::kDownload ? Phase::kDownload
                                      : Phase::kUpload;
  return true;
}

bool BackendTunnel::Echo() {
  auto& buffer = Buffer();
  const ssize_t got = recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  return Queue(ByteView(buffer).first(static_cast<std::size_t>(got)));
}

// Counts what comes without looking at it.
bool BackendTunnel::Take() {
  const ssize_t got = recv(fd_.get(), nullptr, 1 << 20, MSG_TRUNC);
  if (got < 0) return errno == EAGAIN;
  received_ += static_cast<std::uint64_t>(got);
  if (got > 0) return true;
  client_ended_ = true;
  if (phase_ == Phase::kUpload) {
    Queue(CountRecord(received_));
    return false;
  }
  return true;
}

bool BackendTunnel::SendDownload() {
  const Bytes& block = Block();
  const std::size_t record = kRecordHeader + kLargestBody;
  for (int i = 0; i < kSendsPerTurn; ++i) {
    if (client_ended_ && block_at_ % record == 0) return false;
    const std::size_t end = client_ended_ ? (block_at_ / record + 1) * record : block.size();
    const auto put = Send(fd_.get(), ByteView(block).subspan(block_at_, end - block_at_));
    if (put < 0) return false;
    if (put == 0) break;
    block_at_ = (block_at_ + static_cast<std::size_t>(put)) % block.size();
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
