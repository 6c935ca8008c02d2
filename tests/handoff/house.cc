// SPDX-License-Identifier: Apache-2.0
#include "tests/handoff/house.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iterator>
#include <thread>

#include "lb/control/ask.h"
#include "lb/session/tcp_socket.h"

namespace sstplb::handoff {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

Fd CopyOf(const Fd& fd) { return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

}  // namespace

House::House(const std::vector<SocketAddress>& backends, std::uint32_t workers,
             const config::Listener& listener, config::Pool pool)
    : plan_(worker::MakePlan(registry_, listener, std::move(pool), backends)), tcp_(listener.tcp) {
  for (std::uint32_t i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<worker::Worker>(i, *log_, budget_, workers));
  }
}

void House::Open() {
  address_ = *SocketAddress::Parse("127.0.0.1:0");
  std::vector<OfferedSocket> sockets(workers_.size());
  for (OfferedSocket& socket : sockets) {
    auto fd = session::Listen(address_, tcp_);
    ASSERT_TRUE(fd) << fd.error().message;
    address_ = *LocalAddress(fd->get());
    socket.fd = std::move(*fd);
  }
  Inherit(std::move(sockets));
  Start();
}

void House::Inherit(std::vector<OfferedSocket> sockets) {
  for (const auto& worker : workers_) {
    worker->Post([plan = plan_](worker::Worker& w) { w.SetPlan(plan); });
  }
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    address_ = *LocalAddress(sockets[i].fd.get());
    listening_.push_back(CopyOf(sockets[i].fd));
    auto fd = std::make_shared<Fd>(std::move(sockets[i].fd));
    workers_[i % workers_.size()]->Post([fd](worker::Worker& w) {
      w.AddSocket({"vpn", std::move(*fd)});
    });
  }
}

void House::Start() {
  for (const auto& worker : workers_) worker->Start();
}

bool House::AwaitLetGo() const {
  const TimePoint deadline = Clock::now() + kPatience;
  while (active() != 0) {
    if (Clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

Estate House::MakeEstate() const {
  Estate estate;
  for (std::uint32_t i = 0; i < listening_.size(); ++i) {
    OfferedSocket& socket = estate.sockets.emplace_back();
    socket.name = "vpn";
    socket.worker = i;
    socket.configured = SocketAddress::Parse("127.0.0.1:0");
    socket.fd = CopyOf(listening_[i]);
  }
  estate.state.config = "# a configuration";
  estate.state.decisions = "version = 2\n";
  estate.state.backends.push_back({.pool = "main", .backend = "b1"});
  estate.state.affinity.resize(1500);  // more than one message
  estate.state.control.handoffs.taken = 7;
  return estate;
}

worker::Peer House::ConnectFrom(const std::string& ip) const {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  socklen_t size = SocketAddress{*IpAddress::Parse(ip), 0}.ToSockaddr(storage);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  size = address_.ToSockaddr(storage);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  return worker::Peer(std::move(fd));
}

Sessions House::sessions() const {
  const auto answers = control::AskAll(workers_, [](worker::Worker& w) {
    std::uint64_t total = 0;
    return w.Find({}, 0, 1000, total);
  });
  EXPECT_TRUE(answers);
  Sessions all;
  if (!answers) return all;
  for (const Sessions& some : *answers) all.insert(all.end(), some.begin(), some.end());
  return all;
}

bool House::Await(const std::function<bool(const Sessions&)>& so) const {
  const TimePoint deadline = Clock::now() + kPatience;
  while (!so(sessions())) {
    if (Clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

bool Tunnel::Carries(const std::string& word) const {
  return client.Send(word) && backend.Read(word.size()) == word && backend.Send(word) &&
         client.Read(word.size()) == word;
}

Tunnel OpenTunnel(const House& house, const worker::Server& server) {
  const std::string hello = worker::Hello();
  worker::Peer client = house.Connect();
  EXPECT_TRUE(client.Send(hello));
  worker::Peer backend = server.Accept();
  EXPECT_EQ(backend.Read(hello.size()), hello);
  return {std::move(client), std::move(backend)};
}

Bystander::Bystander() : pid_(::fork()) {
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close_range(0, ~0u, 0);  // the ends of others' connections among them
    while (true) ::pause();
  }
  process_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  EXPECT_TRUE(process_.valid());
}

Bystander::~Bystander() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Fd Bystander::pidfd() const { return CopyOf(process_); }

bool Bystander::AwaitKilled(Duration within) const {
  pollfd end{process_.get(), POLLIN, 0};
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(within);
  return ::poll(&end, 1, static_cast<int>(wait.count())) == 1;
}

Door::Door() {
  auto listening = ListenAt(path_);
  EXPECT_TRUE(listening);
  listening_ = std::move(*listening);
}

Channel Door::Accept() const {
  pollfd ready{listening_.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 10000), 1);
  return Channel(Fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

Result<Given> GiveAtDoor(const Door& door, const House& house, const Bystander& peer,
                         std::uint32_t open_files) {
  HandoffSide side(door.Accept(), peer.pidfd(), house.workers(), "0.1-old");
  if (const auto greeted = side.Greet(open_files); !greeted) return greeted.error();
  return side.Give(house.MakeEstate());
}

}  // namespace sstplb::handoff
