// See loop.h.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/stream_check/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace stream_check {
namespace {

// Pauses end that late at the most.
constexpr std::chrono::milliseconds kWakeEvery{20};

}  // namespace

void Tally::AddError(const std::string& why) {
  ++failed;
  if (errors.size() < 8) errors.push_back(why);
}

std::string Tally::Json(double seconds) const {
  std::string list;
  for (const std::string& error : errors) {
    list += (list.empty() ? "\"" : ", \"") + error + "\"";  // No error text holds a quote.
  }
  char head[384];
  std::snprintf(head, sizeof head,
                "{\"sessions\": %llu, \"failed\": %llu, \"empty\": %llu, \"resets\": %llu, "
                "\"bytes_in\": %llu, "
                "\"bytes_out\": %llu, "
                "\"most_at_once\": %llu, \"seconds\": %.3f, \"errors\": [",
                static_cast<unsigned long long>(sessions), static_cast<unsigned long long>(failed),
                static_cast<unsigned long long>(empty), static_cast<unsigned long long>(resets),
                static_cast<unsigned long long>(bytes_in),
                static_cast<unsigned long long>(bytes_out),
                static_cast<unsigned long long>(most_at_once), seconds);
  return head + list + "]}";
}

double SecondsSince(End::Clock::time_point begun) {
  return std::chrono::duration<double>(End::Clock::now() - begun).count();
}

Loop::Loop(std::chrono::milliseconds patience)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      patience_(patience),
      next_expiry_(Clock::now() + patience / 4) {}

Loop::~Loop() { close(epoll_); }

void Loop::Watch(int fd) {
  watched_ = fd;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Loop::Add(End end) {
  const int fd = end.fd();
  auto& session = *(sessions_[fd] = std::make_unique<Session>(std::move(end)));
  epoll_event event{};
  event.data.fd = fd;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  tally_.most_at_once = std::max<std::uint64_t>(tally_.most_at_once, sessions_.size());
  Update(session);
}

void Loop::Update(Session& session) {
  const std::uint32_t interest = (session.end.WantsRead() ? std::uint32_t{EPOLLIN} : 0U) |
                                 (session.end.WantsWrite() ? std::uint32_t{EPOLLOUT} : 0U);
  if (interest == session.interest) return;
  session.interest = interest;
  epoll_event event{};
  event.events = interest;
  event.data.fd = session.end.fd();
  epoll_ctl(epoll_, EPOLL_CTL_MOD, session.end.fd(), &event);
}

void Loop::Finish(Session& session) {
  ++(session.end.state() == End::State::kEmpty ? tally_.empty : tally_.sessions);
  tally_.bytes_in += session.end.received();
  tally_.bytes_out += session.end.sent();
  if (session.end.was_reset()) ++tally_.resets;
  if (session.end.state() == End::State::kFailed) tally_.AddError(session.end.error());
  sessions_.erase(session.end.fd());
}

void Loop::Hurry() {
  for (auto& [fd, session] : sessions_) session->end.Hurry();
}

void Loop::Wake(Clock::time_point now) {
  if (now < next_wake_) return;
  next_wake_ = now + kWakeEvery;
  for (auto& [fd, session] : sessions_) {
    if (!session->end.Wake(now)) continue;
    session->last = now;
    Update(*session);
  }
}

void Loop::Expire(Clock::time_point now) {
  if (now < next_expiry_) return;
  next_expiry_ = now + patience_ / 4;
  std::vector<Session*> late;
  for (auto& [fd, session] : sessions_) {
    if (now - session->last >= patience_) late.push_back(session.get());
  }
  for (Session* session : late) {
    session->end.Fail("nothing moved any more");
    Finish(*session);
  }
}

bool Loop::Wait(std::chrono::milliseconds timeout) {
  std::array<epoll_event, 256> events;
  bool watched_ready = false;
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                               static_cast<int>(std::min(timeout, kWakeEvery).count()));
  const auto now = Clock::now();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == watched_) {
      watched_ready = true;
      continue;
    }
    const auto found = sessions_.find(event.data.fd);
    if (found == sessions_.end()) continue;
    Session& session = *found->second;
    session.last = now;
    const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    if ((event.events & EPOLLIN) != 0 || broken) session.end.OnReadable();
    if ((event.events & EPOLLOUT) != 0 || broken) session.end.OnWritable();
    if (session.end.state() == End::State::kRunning) {
      Update(session);
    } else {
      Finish(session);
    }
  }
  Wake(now);
  Expire(now);
  return watched_ready;
}

}  // namespace stream_check
