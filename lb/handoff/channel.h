// Channel: messages with descriptors between the two processes of a handoff
// (docs/handoff_format.md, Transport).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "lb/base/result.h"
#include "lb/base/time.h"

namespace sstplb::handoff {

enum class MessageType : std::uint8_t {
  kHello = 1,
  kOffer,
  kSockets,
  kConfig,
  kDecisions,
  kBackends,
  kAffinity,
  kControl,
  kReady,
  kSessions,
  kMotions,
  kGreetings,
  kEnd,
  kPrepared,
  kCommit,
  kTaken,
  kAbort,
  kAck,
};
std::string_view ToString(MessageType type);

struct Message {
  MessageType type = MessageType::kAbort;
  Bytes body;
  std::vector<Fd> fds;
};

// Why nothing was received or sent.
struct ChannelError {
  enum class Kind : std::uint8_t { kTimeout, kEnded, kBroken };
  Kind kind = Kind::kBroken;
  std::string what;
};

// One end. Used by one thread at a time. Nothing is sent when it is destroyed.
class Channel {
 public:
  static constexpr std::size_t kMaxPart = 60 * 1024;
  static constexpr std::size_t kMaxBody = 4 * 1024 * 1024;
  static constexpr std::size_t kMaxFds = 250;
  // A reader that stands still for so long is as good as gone.
  static constexpr Duration kSendWait = std::chrono::seconds(5);

  // `socket`: a connected SOCK_SEQPACKET.
  explicit Channel(Fd socket) : socket_(std::move(socket)) {}
  static Result<Channel> Connect(const std::string& path);

  // Waits until all of it is with the kernel. The descriptors stay the caller's, who may close them
  // once this has returned.
  Result<Done, ChannelError> Send(MessageType type, ByteView body = {},
                                  std::span<const int> fds = {}, Duration within = kSendWait);
  // The next whole message. Descriptors that the process has no room for are an error.
  Result<Message, ChannelError> Receive(Duration within);
  // Whether the other side has ended, or does within that time; what it sends is left or dropped.
  bool AwaitEnd(Duration within);

  int fd() const { return socket_.get(); }

 private:
  struct Part {
    MessageType type;
    bool more;
  };
  Result<Part, ChannelError> ReceivePart(Message& message, TimePoint deadline);
  bool AwaitReadable(TimePoint deadline) const;

  Fd socket_;
  Bytes packet_;
};

// The bound socket at which an old process is asked; mode 0600.
Result<Fd> ListenAt(const std::string& path);
// "/run/sstplb/admin.sock" -> "/run/sstplb/admin.sock.handoff".
std::string HandoffPath(const std::string& admin_socket);

}  // namespace sstplb::handoff
