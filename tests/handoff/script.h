// A new process that follows a script, to its end or to some message and no further.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <limits>
#include <vector>

#include "lb/handoff/channel.h"
#include "lb/handoff/messages.h"

namespace sstplb::handoff {

class NewProcess {
 public:
  // Connects.
  explicit NewProcess(const std::string& path);

  // Does what is right until it has sent so many messages, and then waits for the old one's next
  // word; or until the old one ends or aborts.
  void Follow(std::size_t sends = std::numeric_limits<std::size_t>::max());
  // Instead of the answer to the next message.
  void Say(MessageType type, ByteView body = {});
  void Vanish() { channel_.reset(); }
  // What the old one says last, when it says why it goes on: its reason.
  std::optional<std::string> AwaitAbort(Duration within);

  // Called with each message before it is answered.
  std::function<void(const Message&)> on_message = [](const Message&) {};
  Hello hello{.descriptors = 1000, .program = "0.1-new"};

  const std::vector<Message>& heard() const { return heard_; }
  std::size_t sent() const { return sent_; }

 private:
  std::optional<MessageType> AnswerTo(const Message& message) const;

  std::optional<Channel> channel_;
  std::vector<Message> heard_;
  std::size_t sent_ = 0;
};

}  // namespace sstplb::handoff
