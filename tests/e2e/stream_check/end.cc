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

#include "tests/dialogue/handshake.h"
#include "tests/e2e/stream_check/pattern.h"

namespace stream_check {
namespace {

namespace dialogue = sstplb::dialogue;

constexpr std::size_t kBlock = 64 * 1024;
constexpr std::size_t kMaxIntro = 128 * 1024;
constexpr std::uint64_t kMaxMessage = 2800;  // of an echo

std::string Errno(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

}  // namespace

End End::Client(int fd, const Plan& plan, Opening opening, std::span<const std::uint8_t> hello) {
  End end(fd, true, opening);
  end.plan_ = plan;
  end.planned_ = true;
  end.chunk_seed_ = plan.seed;
  end.out_.assign(hello.begin(), hello.end());
  if (opening == Opening::kHandshake) {
    end.flight_ = dialogue::ServerFlight();
  } else {
    const auto encoded = Encode(plan);
    end.out_.insert(end.out_.end(), encoded.begin(), encoded.end());
  }
  return end;
}

End End::Server(int fd, Opening opening) { return End(fd, false, opening); }

End::End(End&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      client_(other.client_),
      opening_(other.opening_),
      state_(other.state_),
      planned_(other.planned_),
      answered_(other.answered_),
      read_end_(other.read_end_),
      write_end_(other.write_end_),
      was_reset_(other.was_reset_),
      paused_(other.paused_),
      resume_(other.resume_),
      plan_(other.plan_),
      out_(std::move(other.out_)),
      flight_(std::move(other.flight_)),
      heard_(std::move(other.heard_)),
      received_(other.received_),
      sent_(other.sent_),
      message_end_(other.message_end_),
      chunk_seed_(other.chunk_seed_),
      error_(std::move(other.error_)) {}

End::~End() {
  if (fd_ >= 0) close(fd_);
}

void End::Fail(const std::string& why) {
  if (state_ != State::kRunning) return;
  state_ = State::kFailed;
  error_ = why + " after " + std::to_string(received_) + "/" + std::to_string(InSize()) +
           " bytes in, " + std::to_string(sent_) + "/" + std::to_string(OutSize()) + " out; " +
           (client_ ? "client, " : "server, ") + std::string(ToString(plan_.order));
}

// A system call has failed for good.
void End::Broken(const char* what) {
  const bool reset = errno == ECONNRESET || errno == EPIPE || errno == ENOTCONN;
  if (reset && IsResetByPeer()) {
    was_reset_ = true;
    state_ = State::kDone;
    return;
  }
  if (!planned_ && heard_.empty()) return GiveUp();
  Fail(Errno(what));
}

bool End::Resets() const {
  return planned_ && plan_.order == (client_ ? Order::kClientReset : Order::kServerReset);
}

bool End::IsResetByPeer() const {
  return planned_ && plan_.order == (client_ ? Order::kServerReset : Order::kClientReset);
}

void End::Reset() {
  const linger now{1, 0};
  if (setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now) != 0) return Fail(Errno("linger"));
  was_reset_ = true;
  state_ = State::kDone;  // the descriptor's close is the reset
}

// The client's reading of the server's flight, after which its own goes out, and the plan with it.
void End::TakeFlight(std::span<const std::uint8_t>& bytes) {
  const std::size_t size = std::min(flight_.size(), bytes.size());
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size),
                  flight_.begin())) {
    return Fail("wrong bytes in the server's flight");
  }
  flight_.erase(flight_.begin(), flight_.begin() + static_cast<std::ptrdiff_t>(size));
  bytes = bytes.subspan(size);
  if (!flight_.empty()) return;
  out_ = dialogue::ClientFlight();
  const auto encoded = Encode(plan_);
  out_.insert(out_.end(), encoded.begin(), encoded.end());
}

// The server's reading of what precedes the stream: records of the handshake, then the plan. True
// once the plan is known; `bytes` is then what is left for the stream.
bool End::TakeIntro(std::span<const std::uint8_t>& bytes) {
  heard_.insert(heard_.end(), bytes.begin(), bytes.end());
  std::size_t at = 0;
  while (true) {
    const auto rest = std::span(heard_).subspan(at);
    const std::size_t size = dialogue::RecordSize(rest);
    if (size == 0 || size > rest.size()) break;
    if (const auto plan = Decode(rest.first(size))) {
      TakePlan(*plan);
      bytes = bytes.last(rest.size() - size);
      std::vector<std::uint8_t>().swap(heard_);
      return true;
    }
    const bool handshake = rest.front() == dialogue::kHandshakeRecord;
    if (opening_ == Opening::kHello && !handshake) {
      Fail("the first bytes are no plan");
      return false;
    }
    if (opening_ == Opening::kHandshake && handshake && !answered_) {
      out_ = dialogue::ServerFlight();
      answered_ = true;
    }
    at += size;
  }
  if (heard_.size() > kMaxIntro) Fail("no plan in sight");
  return false;
}

void End::TakePlan(const Plan& plan) {
  plan_ = plan;
  planned_ = true;
  chunk_seed_ = ~plan.seed;
}

void End::Compare(std::span<const std::uint8_t> bytes) {
  static thread_local std::vector<std::uint8_t> expected(kBlock);
  if (received_ + bytes.size() > InSize()) return Fail("more bytes than were sent");
  const std::span<std::uint8_t> want(expected.data(), bytes.size());
  Fill(InSeed(), received_, want);
  const auto [got, mine] = std::mismatch(bytes.begin(), bytes.end(), want.begin());
  if (got != bytes.end()) {
    const auto at = received_ + static_cast<std::uint64_t>(got - bytes.begin());
    return Fail("wrong byte at " + std::to_string(at));
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
    return Broken("read");
  }
  if (got == 0) return OnEnd();
  std::span<const std::uint8_t> bytes(block.data(), static_cast<std::size_t>(got));
  if (!flight_.empty()) TakeFlight(bytes);
  if (!planned_ && !TakeIntro(bytes)) return;
  if (state_ == State::kRunning) Compare(bytes);
  Advance();
}

void End::OnEnd() {
  if (!planned_ && heard_.empty()) return GiveUp();
  if (!planned_) return Fail("end before the plan");
  if (!flight_.empty()) return Fail("end in the handshake");
  if (IsResetByPeer()) return Fail("an end where a reset was due");
  if (received_ != InSize()) return Fail("end too early");
  read_end_ = true;
  Advance();
}

// How far the stream may go for now.
std::uint64_t End::MaySend() const {
  if (plan_.order != Order::kEcho) return OutSize();
  return client_ ? message_end_ : received_;
}

bool End::WantsWrite() const {
  if (state_ != State::kRunning || write_end_) return false;
  if (!out_.empty()) return true;
  if (!planned_ || !flight_.empty()) return false;
  if (!client_ && plan_.order == Order::kClientFirst && !read_end_) return false;
  return sent_ < MaySend() || MayEndWriting();
}

bool End::MayEndWriting() const {
  if (sent_ != OutSize() || Resets()) return false;
  if (plan_.order == Order::kEcho) return client_ ? received_ == InSize() : read_end_;
  return !(client_ && plan_.order == Order::kServerFirst && !read_end_);
}

void End::OnWritable() {
  if (!WantsWrite()) return;
  if (!(out_.empty() ? SendStream() : SendIntro())) return;
  if (out_.empty() && WantsWrite() && MayEndWriting()) {
    if (shutdown(fd_, SHUT_WR) != 0) return Broken("shutdown");
    write_end_ = true;
  }
  Advance();
}

// Each returns whether something could be sent, or nothing was to be.
bool End::SendIntro() {
  const ssize_t put = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
  if (put < 0) {
    if (errno != EAGAIN && errno != EINTR) Broken("write");
    return false;
  }
  out_.erase(out_.begin(), out_.begin() + put);
  return true;
}

bool End::SendStream() {
  if (sent_ == MaySend()) return true;
  static thread_local std::vector<std::uint8_t> block(kBlock);
  chunk_seed_ = Mix(chunk_seed_);
  const std::size_t limit = chunk_seed_ % 4 == 0 ? 1 + chunk_seed_ / 4 % 700 : kBlock;
  const std::size_t size = std::min<std::uint64_t>(limit, MaySend() - sent_);
  Fill(OutSeed(), sent_, std::span(block.data(), size));
  const ssize_t put = send(fd_, block.data(), size, MSG_NOSIGNAL);
  if (put < 0) {
    if (errno != EAGAIN && errno != EINTR) Broken("write");
    return false;
  }
  sent_ += static_cast<std::uint64_t>(put);
  return true;
}

bool End::Wake(Clock::time_point now) {
  if (!paused_ || now < resume_) return false;
  paused_ = false;
  chunk_seed_ = Mix(chunk_seed_);
  message_end_ = std::min(OutSize(), sent_ + 1 + chunk_seed_ % kMaxMessage);
  return true;
}

void End::Hurry() {
  plan_.pause = plan_.pause.zero();
  resume_ = {};
}

void End::Advance() {
  if (state_ != State::kRunning) return;
  if (Resets() && received_ >= std::max<std::uint64_t>(1, InSize() / 2)) return Reset();
  if (read_end_ && write_end_) state_ = State::kDone;
  if (plan_.order != Order::kEcho || !client_ || paused_) return;
  if (received_ == message_end_ && received_ < InSize()) {
    paused_ = true;
    resume_ = Clock::now() + plan_.pause;
  }
}

}  // namespace stream_check
