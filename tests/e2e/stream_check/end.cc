// See end.h.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/stream_check/end.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tests/e2e/stream_check/pattern.h"

namespace stream_check {
namespace {

constexpr std::size_t kBlock = 64 * 1024;
constexpr std::size_t kMaxIntro = 128 * 1024;
constexpr std::uint8_t kHandshakeRecord = 0x16;

std::string Errno(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

}  // namespace

End End::Client(int fd, const Plan& plan, std::span<const std::uint8_t> prefix) {
  End end(fd, true);
  end.plan_ = plan;
  end.planned_ = true;
  end.chunk_seed_ = plan.seed;
  end.intro_.assign(prefix.begin(), prefix.end());
  const auto encoded = Encode(plan);
  end.intro_.insert(end.intro_.end(), encoded.begin(), encoded.end());
  return end;
}

End End::Server(int fd) { return End(fd, false); }

End::End(End&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      client_(other.client_),
      state_(other.state_),
      planned_(other.planned_),
      read_end_(other.read_end_),
      write_end_(other.write_end_),
      plan_(other.plan_),
      intro_(std::move(other.intro_)),
      received_(other.received_),
      sent_(other.sent_),
      chunk_seed_(other.chunk_seed_),
      error_(std::move(other.error_)) {}

End::~End() {
  if (fd_ >= 0) close(fd_);
}

void End::Fail(const std::string& why) {
  if (state_ != State::kRunning) return;
  state_ = State::kFailed;
  error_ = why + " after " + std::to_string(received_) + "/" + std::to_string(InSize()) +
           " bytes in, " + std::to_string(sent_) + "/" + std::to_string(OutSize()) +
           " out, order " + std::to_string(static_cast<int>(plan_.order));
}

// The server's reading of what precedes the stream: handshake records, then the plan. True once the
// plan is known; `bytes` is then what is left for the stream.
bool End::TakeIntro(std::span<const std::uint8_t>& bytes) {
  intro_.insert(intro_.end(), bytes.begin(), bytes.end());
  std::size_t at = 0;
  while (intro_.size() - at >= 5 && intro_[at] == kHandshakeRecord) {
    const std::size_t length = 5U + intro_[at + 3] * 256U + intro_[at + 4];
    if (intro_.size() - at < length) break;
    at += length;
  }
  if (intro_.size() > kMaxIntro) Fail("no plan in sight");
  if (intro_.size() - at < kPlanSize || intro_[at] == kHandshakeRecord) return false;
  const auto plan = Decode(std::span(intro_).subspan(at, kPlanSize));
  if (!plan) {
    Fail("the first bytes are no plan");
    return false;
  }
  plan_ = *plan;
  planned_ = true;
  chunk_seed_ = ~plan_.seed;
  bytes = bytes.last(intro_.size() - at - kPlanSize);
  intro_.clear();
  intro_.shrink_to_fit();
  return true;
}

void End::Compare(std::span<const std::uint8_t> bytes) {
  static thread_local std::vector<std::uint8_t> expected(kBlock);
  if (received_ + bytes.size() > InSize()) return Fail("more bytes than were sent");
  const std::span<std::uint8_t> want(expected.data(), bytes.size());
  Fill(InSeed(), received_, want);
  const auto [got, mine] = std::mismatch(bytes.begin(), bytes.end(), want.begin());
  if (got != bytes.end()) {
    return Fail("wrong byte at " + std::to_string(received_ + std::uint64_t(got - bytes.begin())));
  }
  received_ += bytes.size();
}

void End::OnReadable() {
  if (!WantsRead()) return;
  static thread_local std::vector<std::uint8_t> block(kBlock);
  chunk_seed_ = Mix(chunk_seed_);
  const std::size_t want = chunk_seed_ % 4 == 0 ? 1 + chunk_seed_ / 4 % 700 : kBlock;
  const ssize_t got = read(fd_, block.data(), want);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    if (!planned_ && intro_.empty()) return GiveUp();
    return Fail(Errno("read"));
  }
  if (got == 0) {
    if (!planned_ && intro_.empty()) return GiveUp();
    if (!planned_) return Fail("end before the plan");
    if (received_ != InSize()) return Fail("end too early");
    read_end_ = true;
    return Advance();
  }
  std::span<const std::uint8_t> bytes(block.data(), static_cast<std::size_t>(got));
  if (!planned_ && !TakeIntro(bytes)) return;
  Compare(bytes);
  Advance();
}

bool End::WantsWrite() const {
  if (state_ != State::kRunning || write_end_ || !planned_) return false;
  if (!client_ && plan_.order == Order::kClientFirst && !read_end_) return false;
  const bool intro_due = client_ && !intro_.empty();
  return intro_due || sent_ < OutSize() || MayEndWriting();
}

bool End::MayEndWriting() const {
  return sent_ == OutSize() && !(client_ && plan_.order == Order::kServerFirst && !read_end_);
}

void End::OnWritable() {
  if (!WantsWrite()) return;
  static thread_local std::vector<std::uint8_t> block(kBlock);
  const bool intro = client_ && !intro_.empty();
  if (intro || sent_ < OutSize()) {
    chunk_seed_ = Mix(chunk_seed_);
    const std::size_t limit = chunk_seed_ % 4 == 0 ? 1 + chunk_seed_ / 4 % 700 : kBlock;
    std::span<const std::uint8_t> out(intro_);
    if (!intro) {
      const std::size_t size = std::min<std::uint64_t>(limit, OutSize() - sent_);
      Fill(OutSeed(), sent_, std::span(block.data(), size));
      out = std::span<const std::uint8_t>(block.data(), size);
    }
    const ssize_t put = send(fd_, out.data(), out.size(), MSG_NOSIGNAL);
    if (put < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      return Fail(Errno("write"));
    }
    if (intro) {
      intro_.erase(intro_.begin(), intro_.begin() + put);
    } else {
      sent_ += static_cast<std::uint64_t>(put);
    }
  }
  if ((client_ ? intro_.empty() : true) && MayEndWriting()) {
    if (shutdown(fd_, SHUT_WR) != 0) return Fail(Errno("shutdown"));
    write_end_ = true;
  }
  Advance();
}

void End::Advance() {
  if (state_ == State::kRunning && read_end_ && write_end_) state_ = State::kDone;
}

}  // namespace stream_check
