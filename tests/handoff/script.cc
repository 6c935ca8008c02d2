// SPDX-License-Identifier: Apache-2.0
#include "tests/handoff/script.h"

#include <gtest/gtest.h>

namespace sstplb::handoff {
namespace {

constexpr Duration kPatience = std::chrono::seconds(20);

}  // namespace

NewProcess::NewProcess(const std::string& path) {
  auto channel = Channel::Connect(path);
  EXPECT_TRUE(channel);
  if (channel) channel_.emplace(std::move(*channel));
}

void NewProcess::Say(MessageType type, ByteView body) {
  EXPECT_TRUE(channel_->Send(type, body).ok());
  ++sent_;
}

std::optional<MessageType> NewProcess::AnswerTo(const Message& message) const {
  switch (message.type) {
    case MessageType::kControl:
      return MessageType::kReady;
    case MessageType::kEnd:
      return MessageType::kPrepared;
    case MessageType::kCommit:
      return MessageType::kTaken;
    default:
      break;
  }
  if (!message.fds.empty()) return MessageType::kAck;
  return std::nullopt;
}

void NewProcess::Follow(std::size_t sends) {
  if (sent_ == 0 && sends > 0) {
    Bytes body;
    EncodeHello(hello, body);
    Say(MessageType::kHello, body);
  }
  while (true) {
    // The last thing that is sent may be followed by messages that want no answer.
    if (sends == 0) return;
    auto message = channel_->Receive(kPatience);
    if (!message) return;
    on_message(*message);
    const auto answer = AnswerTo(*message);
    const bool over = message->type == MessageType::kCommit || message->type == MessageType::kAbort;
    heard_.push_back(std::move(*message));
    if (answer && sent_ == sends) return;
    if (answer) Say(*answer);
    if (over) return;
  }
}

std::optional<std::string> NewProcess::AwaitAbort(Duration within) {
  while (true) {
    const auto message = channel_->Receive(within);
    if (!message) return std::nullopt;
    if (message->type == MessageType::kAbort) return std::string(AsText(message->body));
  }
}

}  // namespace sstplb::handoff
