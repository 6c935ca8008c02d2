// SPDX-License-Identifier: Apache-2.0
#include "tests/worker/rig.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <numeric>

#include "lb/balance/make_policy.h"
#include "lb/session/tcp_socket.h"

namespace sstplb::worker {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

template <class Question>
auto AskWorker(Worker& worker, Question question) {
  using Value = decltype(question(worker));
  auto promise = std::make_shared<std::promise<Value>>();
  auto answer = promise->get_future();
  worker.Post([promise, question](Worker& w) { promise->set_value(question(w)); });
  EXPECT_EQ(answer.wait_for(kPatience), std::future_status::ready);
  return answer.get();
}

}  // namespace

Peer::Peer(Fd fd) : fd_(std::move(fd)) {
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

Peer Peer::Connect(const SocketAddress& to) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t size = to.ToSockaddr(storage);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  return Peer(std::move(fd));
}

bool Peer::Send(std::string_view bytes) const {
  return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

Peer Peer::ConnectFrom(const std::string& ip, const SocketAddress& to) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  socklen_t size = SocketAddress{*IpAddress::Parse(ip), 0}.ToSockaddr(storage);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  size = to.ToSockaddr(storage);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  return Peer(std::move(fd));
}

std::string Peer::Read(std::size_t size) const {
  std::string out(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::recv(fd_.get(), out.data() + have, size - have, 0);
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}

std::string Peer::ReadToEnd() const {
  std::string out;
  for (std::string part = Read(4096); !part.empty(); part = Read(4096)) out += part;
  return out;
}

bool Peer::SaysSomething(Duration within) const {
  pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(within).count();
  return ::poll(&ready, 1, static_cast<int>(ms)) == 1;
}

bool Peer::AtEnd() const {
  char byte = 0;
  return ::recv(fd_.get(), &byte, 1, 0) == 0;
}

bool Peer::WasReset() const {
  char byte = 0;
  return ::recv(fd_.get(), &byte, 1, 0) < 0 && errno == ECONNRESET;
}

void Peer::EndSending() const { ::shutdown(fd_.get(), SHUT_WR); }

void Peer::Reset() {
  session::ResetOnClose(fd_.get());
  fd_.Reset();
}

Server::Server(const std::string& ip) {
  auto fd = session::Listen({*IpAddress::Parse(ip), 0}, {.defer_accept = false});
  EXPECT_TRUE(fd.ok());
  fd_ = std::move(*fd);
  address_ = *LocalAddress(fd_.get());
}

Peer Server::Accept() const {
  pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, 10000), 1) << "no client came";
  return Peer(Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

bool Server::HasClient() const {
  pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, 0) == 1;
}

SocketAddress DeadAddress() {
  const Server gone;
  return gone.address();
}

std::string Hello(const std::string& name) {
  const auto folder = std::filesystem::path(SSTPLB_TEST_VECTORS) / "hello";
  std::ifstream in(folder / (name + ".bin"), std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::shared_ptr<session::Plan> MakePlan(backend::Registry& registry, config::Listener listener,
                                        config::Pool pool,
                                        const std::vector<SocketAddress>& backends) {
  listener.name = "vpn";
  listener.pool = pool.name = "main";
  std::vector<balance::Member> members;
  for (const SocketAddress& address : backends) {
    const std::string name = "b" + std::to_string(pool.backends.size() + 1);
    pool.backends.push_back({.name = name, .address = {address.ip.ToString(), address.port}});
    members.push_back({name, 100});
  }
  config::Config config;
  config.pools = {pool};
  registry.ApplyConfig(config);

  auto pool_plan = std::make_shared<session::PoolPlan>();
  pool_plan->config = pool;
  pool_plan->view = registry.snapshot()->pools[0];
  pool_plan->policy = balance::MakePolicy(config::Balance::kRoundRobin, members, 0);
  auto listener_plan = std::make_shared<session::ListenerPlan>(listener);
  listener_plan->limiter = std::make_shared<session::Limiter>(
      session::Limiter::Limits{.sessions_per_source = listener.max_sessions_per_source,
                               .rate_per_source = listener.session_rate_per_source,
                               .rate = listener.session_rate});
  auto plan = std::make_shared<session::Plan>();
  plan->pools = {pool_plan};
  plan->listeners = {listener_plan};
  return plan;
}

Rig::Rig(config::Listener listener, config::Pool pool, const std::vector<SocketAddress>& backends,
         std::uint32_t max_sessions, std::uint32_t workers)
    : budget_(max_sessions), registry_([](const auto&) {}) {
  const std::shared_ptr<const session::Plan> plan =
      MakePlan(registry_, listener, std::move(pool), backends);
  plan_ = *plan;
  worker_ = std::make_unique<Worker>(0, *log_, budget_, workers);
  const SocketAddress bind =
      listener.bind.empty() ? *SocketAddress::Parse("127.0.0.1:0") : listener.bind[0];
  auto socket = session::Listen(bind, listener.tcp);
  EXPECT_TRUE(socket.ok());
  address_ = *LocalAddress(socket->get());
  auto shared = std::make_shared<Fd>(std::move(*socket));
  worker_->Post([plan, shared](Worker& w) {
    w.SetPlan(plan);
    w.AddSocket({"vpn", std::move(*shared)});
  });
  worker_->Start();
}

Report Rig::report() const {
  return AskWorker(*worker_, [](Worker& w) { return w.MakeReport(); });
}

Report Rig::FullReport() const {
  return AskWorker(*worker_, [](Worker& w) { return w.MakeFullReport(); });
}

std::vector<session::SessionStatus> Rig::sessions() const {
  return AskWorker(*worker_, [](Worker& w) {
    std::uint64_t total = 0;
    return w.Find({}, 0, 1000, total);
  });
}

std::uint64_t Rig::Refused(session::CloseReason reason) const {
  std::uint64_t count = 0;
  for (const auto& gate : report().gates) {
    count += gate.counters.refused[static_cast<std::size_t>(reason)];
  }
  return count;
}

std::uint64_t Rig::Closed(session::CloseReason reason) const {
  std::uint64_t count = 0;
  for (const auto& lane : report().lanes) {
    count += lane.counters.closed[static_cast<std::size_t>(reason)];
  }
  return count;
}

const backend::BackendLoad& Rig::load(std::size_t backend) const {
  return *registry_.snapshot()->pools[0].backends[backend].load;
}

void Rig::SetHealth(const std::string& backend, backend::Health health) {
  registry_.SetHealth("main", backend, health);
  auto pool = std::make_shared<session::PoolPlan>(*plan_.pools[0]);
  pool->view = registry_.snapshot()->pools[0];
  plan_.pools = {pool};
  PublishPlan();
}

void Rig::SetStopping() {
  plan_.stopping = true;
  PublishPlan();
}

void Rig::PublishPlan() {
  worker_->Post(
      [plan = std::make_shared<const session::Plan>(plan_)](Worker& w) { w.SetPlan(plan); });
}

bool Rig::AwaitRefused(session::CloseReason reason, std::uint64_t count) const {
  return Await([&] { return Refused(reason); }, count);
}

bool Rig::AwaitClosed(session::CloseReason reason, std::uint64_t count) const {
  return Await([&] { return Closed(reason); }, count);
}

void Rig::WhileBusy(const std::function<void()>& peers) const {
  std::promise<void> busy;
  std::promise<void> done;
  worker_->Post([&busy, wait = done.get_future().share()](Worker&) {
    busy.set_value();
    wait.wait_for(kPatience);
  });
  EXPECT_EQ(busy.get_future().wait_for(kPatience), std::future_status::ready);
  peers();
  done.set_value();
}

void Rig::StopListening() const {
  AskWorker(*worker_, [](Worker& w) { return w.StopListening(), 0; });
}

std::uint64_t Rig::Turns() const {
  const Report now = report();
  const auto counts = now.loop_lag.counts();
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::uint64_t Rig::Close(const session::SessionFilter& filter, session::CloseReason reason) const {
  return AskWorker(*worker_,
                   [filter, reason](Worker& w) { return w.CloseMatching(filter, reason); });
}

}  // namespace sstplb::worker
