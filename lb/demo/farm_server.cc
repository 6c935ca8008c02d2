// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/farm_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sstplb::demo {
namespace {

constexpr int kBacklog = 4096;
// After EMFILE and the like: the connection waits in the kernel meanwhile.
constexpr Duration kAcceptRetry = std::chrono::milliseconds(100);

Error SystemError(const std::string& what) { return Error{what + ": " + std::strerror(errno)}; }

// SO_REUSEADDR lets the listener share the port with the socket that reserves it.
Result<Fd> Bind(const SocketAddress& address) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return SystemError("socket");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage storage{};
  const socklen_t size = address.ToSockaddr(storage);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return SystemError("cannot bind " + address.ToString());
  }
  return fd;
}

}  // namespace

Result<std::unique_ptr<FarmServer>> FarmServer::Open(Loop& loop, ServerOptions options,
                                                     std::function<void()> changed) {
  if (!options.certificate) {
    Result<Certificate> made = MakeCertificate(options.names);
    if (!made.ok()) return made.error();
    options.certificate = std::move(made).value();
  }
  Result<tunnel::TlsContext> context = tunnel::MakeServerContext(
      options.certificate->pem, options.certificate->key_pem, options.tls);
  if (!context.ok()) return context.error();
  if (!options.host_name.empty() && !options.any_sni)
    tunnel::ServeOnly(*context, options.host_name);
  std::unique_ptr<FarmServer> server(
      new FarmServer(loop, std::move(options), *context, std::move(changed)));
  Status status = server->Reserve();
  if (status.ok()) status = server->Listen();
  if (!status.ok()) return status.error();
  return server;
}

FarmServer::FarmServer(Loop& loop, ServerOptions options, tunnel::TlsContext context,
                       std::function<void()> changed)
    : loop_(loop),
      options_(std::move(options)),
      shared_{loop,
              options_,
              std::move(context),
              *options_.certificate,
              Fault{},
              options_.max_starting,
              AddressPool(options_.gateway, options_.addresses),
              ServerCounters{},
              std::move(changed)},
      accept_(loop.ev()),
      retry_(loop.ev()) {
  accept_.set<FarmServer, &FarmServer::OnAccept>(this);
  retry_.set<FarmServer, &FarmServer::OnRetry>(this);
}

FarmServer::~FarmServer() {
  accept_.stop();
  retry_.stop();
}

Status FarmServer::Reserve() {
  Result<Fd> fd = Bind(options_.listen);
  if (!fd.ok()) return fd.error();
  reserved_ = std::move(fd).value();
  address_ = LocalAddress(reserved_.get()).value_or(options_.listen);
  return Done{};
}

Status FarmServer::Listen() {
  if (listener_.valid()) return Done{};
  Result<Fd> fd = Bind(address_);
  if (!fd.ok()) return fd.error();
  if (::listen(fd->get(), kBacklog) != 0) {
    return SystemError("cannot listen on " + address_.ToString());
  }
  listener_ = std::move(fd).value();
  accept_.start(listener_.get(), ev::READ);
  return Done{};
}

Status FarmServer::SetFault(const Fault& fault) {
  shared_.fault = fault;
  if (fault.kind == FaultKind::kRefuse) {
    accept_.stop();
    retry_.stop();
    listener_.Reset();
    return Done{};
  }
  Status listening = Listen();
  if (!listening.ok()) return listening;
  if (fault.kind == FaultKind::kFreeze) {
    retry_.stop();
    accept_.stop();
  } else if (!accept_.is_active()) {
    accept_.start(listener_.get(), ev::READ);
  }
  return Done{};
}

void FarmServer::SetMaxStarting(std::size_t most) {
  shared_.max_starting = most;
  shared_.counters.most_starting = shared_.counters.most_in_tls = 0;
}

void FarmServer::DropAll(bool reset) {
  std::vector<ServerSession*> all;
  all.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) all.push_back(session.get());
  // An ended session leaves the map, but lives until the loop's next turn.
  for (ServerSession* session : all) {
    if (reset)
      session->Reset();
    else
      session->Close();
  }
}

ServerCounters FarmServer::counters() const {
  ServerCounters counters = shared_.counters;
  counters.open = sessions_.size();
  counters.addresses_in_use = shared_.pool.in_use();
  return counters;
}

std::vector<TunnelInfo> FarmServer::tunnels() const {
  std::vector<TunnelInfo> all;
  for (const auto& [id, session] : sessions_) {
    if (std::optional<TunnelInfo> tunnel = session->tunnel()) all.push_back(std::move(*tunnel));
  }
  return all;
}

void FarmServer::OnAccept(ev::io&, int) {
  constexpr int kPerTurn = 64;
  for (int i = 0; i < kPerTurn && listener_.valid(); ++i) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      Admit(std::move(fd));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      accept_.stop();
      retry_.start(EvSeconds(kAcceptRetry), 0);
      return;
    }
  }
}

void FarmServer::OnRetry(ev::timer&, int) {
  if (listener_.valid()) accept_.start(listener_.get(), ev::READ);
}

void FarmServer::Admit(Fd fd) {
  ++shared_.counters.accepted;
  ServerCounters& counters = shared_.counters;
  const std::size_t starting = sessions_.size() - counters.tunnels;
  const bool full = sessions_.size() >= options_.max_connections ||
                    (shared_.max_starting != 0 && starting >= shared_.max_starting);
  if (full) ++counters.turned_away;
  if (!full) counters.most_starting = std::max<std::uint64_t>(counters.most_starting, starting + 1);
  if (full || shared_.fault.kind == FaultKind::kCloseAtAccept) {
    ++shared_.counters.probe_like;
    fd.Reset();
    shared_.changed();
    return;
  }
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const std::uint64_t id = ++next_id_;
  auto session = std::make_unique<ServerSession>(shared_, id, std::move(fd),
                                                 [this](ServerSession& ended) { OnEnded(ended); });
  session->Start();
  sessions_.emplace(id, std::move(session));
  shared_.changed();
}

void FarmServer::OnEnded(ServerSession& session) {
  const auto found = sessions_.find(session.id());
  if (found == sessions_.end()) return;
  // It is still on the stack: its end comes with the loop's next turn.
  std::shared_ptr<ServerSession> last(std::move(found->second));
  sessions_.erase(found);
  loop_.Post([last = std::move(last)]() mutable { last.reset(); });
  shared_.changed();
}

}  // namespace sstplb::demo
