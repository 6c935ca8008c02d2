// End: one end of one session, client or server. It is told when its socket is readable or writable
// and says what it waits for next; every byte it reads is compared with the plan.
//
// Owns its socket. One thread. Knows no epoll.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/e2e/stream_check/plan.h"

namespace stream_check {

class End {
 public:
  // kEmpty: the server's side of a connection without a single byte, such as a TCP probe.
  enum class State : std::uint8_t { kRunning, kDone, kFailed, kEmpty };

  // `prefix` goes ahead of the plan (a ClientHello, say); the server skips handshake records.
  static End Client(int fd, const Plan& plan, std::span<const std::uint8_t> prefix);
  static End Server(int fd);

  End(End&& other) noexcept;
  End& operator=(End&&) = delete;
  ~End();

  void OnReadable();
  void OnWritable();

  bool WantsRead() const { return state_ == State::kRunning && !read_end_; }
  bool WantsWrite() const;
  State state() const { return state_; }
  const std::string& error() const { return error_; }
  int fd() const { return fd_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t sent() const { return sent_; }

  // Gives up for a reason that only the owner knows, such as a deadline.
  void Fail(const std::string& why);

 private:
  End(int fd, bool client) : fd_(fd), client_(client) {}

  void GiveUp() { state_ = State::kEmpty; }
  bool TakeIntro(std::span<const std::uint8_t>& bytes);
  void Compare(std::span<const std::uint8_t> bytes);
  bool MayEndWriting() const;
  void Advance();

  std::uint64_t OutSize() const { return client_ ? plan_.to_server : plan_.to_client; }
  std::uint64_t InSize() const { return client_ ? plan_.to_client : plan_.to_server; }
  std::uint64_t OutSeed() const { return plan_.seed ^ (client_ ? 0x5eedU : 0xc11eU); }
  std::uint64_t InSeed() const { return plan_.seed ^ (client_ ? 0xc11eU : 0x5eedU); }

  int fd_;
  bool client_;
  State state_ = State::kRunning;
  bool planned_ = false;  // the plan is known
  bool read_end_ = false;
  bool write_end_ = false;
  Plan plan_;
  std::vector<std::uint8_t> intro_;  // client: what goes out first; server: what came in so far
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t chunk_seed_ = 0;
  std::string error_;
};

}  // namespace stream_check
