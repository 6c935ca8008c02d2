// End: one end of one session, client or server. It is told when its socket is readable or writable
// and says what it waits for next; every byte it reads is compared with the plan.
//
// Owns its socket. One thread. Knows no epoll.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/e2e/stream_check/plan.h"

namespace stream_check {

class End {
 public:
  using Clock = std::chrono::steady_clock;

  // kEmpty: the server's side of a connection without a single byte, such as a TCP probe.
  enum class State : std::uint8_t { kRunning, kDone, kFailed, kEmpty };

  // What goes ahead of the plan. The server skips handshake records in either case.
  enum class Opening : std::uint8_t {
    kHello,      // what the client is given, nothing in return
    kHandshake,  // a whole handshake (tests/dialogue) that begins with what the client is given
  };

  static End Client(int fd, const Plan& plan, Opening opening, std::span<const std::uint8_t> hello);
  static End Server(int fd, Opening opening);

  End(End&& other) noexcept;
  End& operator=(End&&) = delete;
  ~End();

  void OnReadable();
  void OnWritable();
  // Whether a pause of the plan is over now, so that WantsWrite() has changed.
  bool Wake(Clock::time_point now);
  // No more pauses.
  void Hurry();

  bool WantsRead() const { return state_ == State::kRunning && !read_end_; }
  bool WantsWrite() const;
  State state() const { return state_; }
  const std::string& error() const { return error_; }
  int fd() const { return fd_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t sent() const { return sent_; }
  // Whether it ended by a reset, as planned.
  bool was_reset() const { return was_reset_; }

  // Gives up for a reason that only the owner knows, such as a deadline.
  void Fail(const std::string& why);

 private:
  End(int fd, bool client, Opening opening) : fd_(fd), client_(client), opening_(opening) {}

  void GiveUp() { state_ = State::kEmpty; }
  void Broken(const char* what);
  void OnEnd();
  void TakeFlight(std::span<const std::uint8_t>& bytes);
  bool TakeIntro(std::span<const std::uint8_t>& bytes);
  void TakePlan(const Plan& plan);
  void Compare(std::span<const std::uint8_t> bytes);
  bool SendIntro();
  bool SendStream();
  std::uint64_t MaySend() const;
  bool MayEndWriting() const;
  bool Resets() const;
  bool IsResetByPeer() const;
  void Reset();
  void Advance();

  std::uint64_t OutSize() const { return client_ ? plan_.to_server : plan_.to_client; }
  std::uint64_t InSize() const { return client_ ? plan_.to_client : plan_.to_server; }
  std::uint64_t OutSeed() const { return plan_.seed ^ (client_ ? 0x5eedU : 0xc11eU); }
  std::uint64_t InSeed() const { return plan_.seed ^ (client_ ? 0xc11eU : 0x5eedU); }

  int fd_;
  bool client_;
  Opening opening_;
  State state_ = State::kRunning;
  bool planned_ = false;   // the plan is known
  bool answered_ = false;  // server: its flight is on its way
  bool read_end_ = false;
  bool write_end_ = false;
  bool was_reset_ = false;
  bool paused_ = false;
  Clock::time_point resume_{};  // when paused_
  Plan plan_;
  std::vector<std::uint8_t> out_;     // what goes out ahead of the stream
  std::vector<std::uint8_t> flight_;  // client: what the server has to answer to the hello
  std::vector<std::uint8_t> heard_;   // server: what came in so far, until the plan
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t message_end_ = 0;  // kEcho, client: of the message under way
  std::uint64_t chunk_seed_ = 0;
  std::string error_;
};

}  // namespace stream_check
