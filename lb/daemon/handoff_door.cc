// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/handoff_door.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "lb/control/ask.h"

namespace sstplb::daemon {
namespace {

// How long the new process may take to tell the service manager who serves now.
constexpr Duration kEndWait = std::chrono::seconds(10);
// How long questions that are under way may take to be answered before the workers stop: who is
// late, or asks later, is answered by whoever serves then.
constexpr Duration kLastAnswers = std::chrono::milliseconds(500);

// Who is at the other end: a pidfd, when it may have what this process has.
Result<Fd> PeerOf(int client) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return Error{std::string("who asks is not known: ") + std::strerror(errno)};
  }
  if (peer.uid != 0 && peer.uid != ::geteuid()) {
    return Error{"only root and the balancer's own user may take over, not uid " +
                 std::to_string(peer.uid)};
  }
  Fd process(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
  if (!process.valid()) return Error{"the process that asked is gone"};
  return process;
}

handoff::OfferedSocket Offered(handoff::SocketKind kind, std::string name, Fd fd) {
  handoff::OfferedSocket out;
  out.kind = kind;
  out.name = std::move(name);
  out.fd = std::move(fd);
  return out;
}

}  // namespace

HandoffDoor::HandoffDoor(Fd socket, std::string path, Loop& loop, control::Controller& controller,
                         admin::AdminServer& admin, Events events)
    : socket_(std::move(socket)),
      path_(std::move(path)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      loop_(loop),
      controller_(controller),
      admin_(admin),
      events_(std::move(events)) {}

HandoffDoor::~HandoffDoor() {
  Stop();
  if (owns_file_) ::unlink(path_.c_str());
}

void HandoffDoor::Start() {
  thread_ = std::thread([this] { Run(); });
  ::pthread_setname_np(thread_.native_handle(), "handoff");
}

void HandoffDoor::Stop() {
  if (!thread_.joinable()) return;
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void HandoffDoor::Run() {
  while (true) {
    pollfd fds[] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    Fd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client.valid() && Serve(std::move(client))) return;
  }
}

// Whether everything was given.
bool HandoffDoor::Serve(Fd client) {
  auto peer = PeerOf(client.get());
  handoff::Channel channel(std::move(client));
  if (!peer) {
    (void)channel.Send(handoff::MessageType::kAbort, AsBytes(peer.error().message));
    return Attempted(peer.error());
  }
  handoff::HandoffSide side(std::move(channel), std::move(*peer), controller_.workers(),
                            SSTPLB_VERSION);
  const auto status = control::Ask(loop_, [this] { return controller_.GetStatus(); });
  const auto greeted = side.Greet(status ? status->open_files : 0);
  if (!greeted) return Attempted(greeted.error());
  const auto estate = Gather();
  if (!estate) {
    side.Refuse(estate.error().message);
    return Attempted(estate.error());
  }
  const auto given = side.Give(*estate, [this] { admin_.Pause(kLastAnswers); });
  if (!given) {
    admin_.Resume();
    loop_.Post([this] { controller_.EndHandoff(); });
  }
  if (!Attempted(given)) return false;
  side.AwaitEnd(kEndWait);
  loop_.Post([this] { events_.over(); });
  return true;
}

bool HandoffDoor::Attempted(Result<handoff::Given> given) {
  const bool all = given.ok();
  loop_.Post([this, given = std::move(given)] { events_.attempted(given); });
  return all;
}

Result<handoff::Estate> HandoffDoor::Gather() {
  auto state = control::Ask(loop_, [this] { return controller_.BeginHandoff(); });
  if (!state) return Error{"the control loop does not answer"};
  if (!*state) return state->error();
  auto open = control::AskAll(controller_.workers(), [](worker::Worker& w) { return w.Sockets(); });
  auto sockets = std::optional<std::vector<handoff::OfferedSocket>>();
  if (open) {
    auto answer = control::Ask(loop_, [this, open = std::move(*open)] {
      return std::make_shared<std::vector<handoff::OfferedSocket>>(
          controller_.listeners().Offer(open));
    });
    if (answer) sockets = std::move(**answer);
  }
  if (!sockets) {
    loop_.Post([this] { controller_.EndHandoff(); });
    return Error{"a worker or the control loop does not answer"};
  }
  handoff::Estate estate{.sockets = std::move(*sockets), .state = std::move(**state)};
  auto copies = admin_.Copies();
  const config::Admin& admin = controller_.config().admin;  // does not change in place
  if (copies.socket.valid()) {
    auto& socket = estate.sockets.emplace_back(
        Offered(handoff::SocketKind::kAdminSocket, admin.socket, std::move(copies.socket)));
    socket.shared = copies.keep_file;
  }
  if (copies.http.valid()) {
    auto& http = estate.sockets.emplace_back(
        Offered(handoff::SocketKind::kAdminHttp, "", std::move(copies.http)));
    http.configured = admin.http;
  }
  estate.sockets.push_back(Offered(handoff::SocketKind::kHandoff, path_,
                                   Fd(::fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0))));
  return estate;
}

}  // namespace sstplb::daemon
