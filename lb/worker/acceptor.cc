// SPDX-License-Identifier: Apache-2.0
#include "lb/worker/acceptor.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "lb/session/tcp_socket.h"

namespace sstplb::worker {
namespace {

// Accepts per turn: a flood of new clients must not keep live tunnels waiting.
constexpr int kAcceptsPerTurn = 16;

bool IsOutOfFiles(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

ReserveFd::ReserveFd() : fd_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

bool ReserveFd::TurnAway(int listening) {
  fd_.Reset();
  Fd client(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
  const bool taken = client.valid();
  client.Reset();  // its number is free for the new reserve
  fd_.Reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return taken;
}

Acceptor::Acceptor(Poller& poller, std::string listener, Fd socket, bool shared, ReserveFd& reserve,
                   Sink& sink)
    : poller_(poller),
      listener_(std::move(listener)),
      socket_(std::move(socket)),
      address_(LocalAddress(socket_.get()).value_or(SocketAddress{})),
      shared_(shared),
      reserve_(reserve),
      sink_(sink) {
  if (!Watch()) {
    throw std::system_error(errno, std::generic_category(), "watching a listening socket");
  }
}

// One that the service manager has passed is also held by it and by the other workers.
bool Acceptor::Watch() { return poller_.WatchShared(socket_.get(), *this); }

void Acceptor::Close() {
  if (!socket_.valid()) return;
  poller_.Forget(socket_.get());
  socket_.Reset();
}

// A socket that does not listen reports that in every turn.
void Acceptor::StopListening() {
  if (watched_) poller_.Forget(socket_.get());
  watched_ = false;
  session::StopListening(socket_.get());
}

void Acceptor::Listen(const config::Tcp& tcp) {
  session::Adopt(socket_.get(), tcp);
  (void)::listen(socket_.get(), static_cast<int>(tcp.backlog));
  if (!watched_) watched_ = Watch();
}

void Acceptor::Retune(const config::Tcp& from, const config::Tcp& to) {
  (void)session::Retune(socket_.get(), from, to);
}

// Of all workers that wait for a shared socket the kernel wakes the one that began to watch it
// first: without this, one worker would have nearly all sessions. (Should there be no memory to
// watch it again, the others take the clients.)
void Acceptor::LetOthersGoFirst() {
  poller_.Forget(socket_.get());
  watched_ = Watch();
}

// Clients mostly come one by one, and asking for a second in vain costs a system call. When there
// is one in the very next turn, the last turn has left it: from then on twice as many are taken.
void Acceptor::OnReady(unsigned, std::uint32_t) {
  const std::uint64_t turn = sink_.turn();
  batch_ = turn == last_turn_ + 1 ? std::min(batch_ * 2, kAcceptsPerTurn) : 1;
  last_turn_ = turn;
  for (int i = 0; i < batch_ && socket_.valid(); ++i) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    Fd fd(::accept4(socket_.get(), address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (!IsOutOfFiles(errno) || !reserve_.TurnAway(socket_.get())) return;
      sink_.OnTurnedAway(*this);
      continue;
    }
    const auto peer = SocketAddress::FromSockaddr(address);
    if (peer) sink_.OnAccepted(*this, std::move(fd), *peer);
    if (shared_ && socket_.valid()) LetOthersGoFirst();
  }
}

}  // namespace sstplb::worker
