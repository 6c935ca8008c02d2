// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/takeover.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "lb/daemon/host.h"

namespace sstplb::daemon {
namespace {

using handoff::SocketKind;

}  // namespace

Result<std::unique_ptr<Takeover>> Takeover::Connect(const std::string& path) {
  auto side = handoff::TakeoverSide::Connect(path, SSTPLB_VERSION);
  if (!side) return side.error();
  return std::unique_ptr<Takeover>(new Takeover(std::move(*side)));
}

Result<bool> Takeover::Begin(Logger& log) {
  auto estate = side_.TakeEstate(
      static_cast<std::uint32_t>(std::min<std::uint64_t>(RaiseOpenFiles(), UINT32_MAX)));
  if (!estate && estate.error().old_is_gone) {
    log.Event(LogLevel::kWarning, "takeover",
              {{"old_process", "died before it gave anything: starting without it"}});
    return false;
  }
  if (!estate) return Error{"takeover: " + estate.error().message};
  estate_ = std::move(*estate);
  return true;
}

Status Takeover::InheritTo(control::Controller& controller) {
  handoff::Estate listeners{.sockets = {}, .state = std::move(estate_.state)};
  std::vector<handoff::OfferedSocket> others;
  for (handoff::OfferedSocket& socket : estate_.sockets) {
    auto& to = socket.kind == SocketKind::kListener ? listeners.sockets : others;
    to.push_back(std::move(socket));
  }
  estate_.sockets = std::move(others);
  return controller.Inherit(std::move(listeners));
}

admin::PassedSockets Takeover::AdminSockets(const config::Admin& admin) {
  admin::PassedSockets passed;
  for (handoff::OfferedSocket& socket : estate_.sockets) {
    if (socket.kind == SocketKind::kAdminSocket && socket.name == admin.socket) {
      passed.socket = std::move(socket.fd);
      passed.keep_file = socket.shared;
    }
    if (socket.kind == SocketKind::kAdminHttp && socket.configured == admin.http) {
      passed.http = std::move(socket.fd);
    }
  }
  return passed;
}

Fd Takeover::HandoffSocket(const std::string& path) {
  const auto found = std::ranges::find_if(estate_.sockets, [&](const auto& socket) {
    return socket.kind == SocketKind::kHandoff && socket.name == path;
  });
  return found == estate_.sockets.end() ? Fd() : std::move(found->fd);
}

Status Takeover::TakeSessions(control::Controller& controller) {
  auto taken = side_.TakeSessions(controller.workers(), *controller.plan());
  if (!taken) return Error{"takeover: " + taken.error().message};
  taken_ = *taken;
  return Done{};
}

void Takeover::Tell(control::Controller& controller, Logger& log) {
  if (taken_.old_is_gone) {
    const std::string_view lost = "died half-way: its sessions are lost, its sockets are here";
    controller.upgrades().NoteFailedHandoff();
    controller.upgrades().EndUpgrade("the old process " + std::string(lost));
    log.Event(LogLevel::kError, "took over", {{"old_process", lost}});
  } else {
    const Duration pause = Clock::now() - taken_.frozen;
    controller.upgrades().TookOver(
        {.when = WallClock::now(), .sessions = taken_.sessions, .pause = pause});
    log.Event(LogLevel::kInfo, "took over",
              {{"sessions", taken_.sessions},
               {"pause", FormatDuration(pause)},
               {"from_version", side_.offer().program}});
  }
  // Socket files of a configuration that is no longer; a shared one is the service manager's.
  for (const handoff::OfferedSocket& socket : estate_.sockets) {
    const bool ours = socket.fd.valid() && !socket.name.empty() && !socket.shared;
    if (ours) ::unlink(socket.name.c_str());
  }
  estate_ = {};
}

}  // namespace sstplb::daemon
