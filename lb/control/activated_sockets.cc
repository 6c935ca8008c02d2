// SPDX-License-Identifier: Apache-2.0
#include "lb/control/activated_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "lb/session/tcp_socket.h"

namespace sstplb::control {
namespace {

int Option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

// Why nobody can accept from it; "" when somebody can.
std::string Unfit(int fd) {
  const int domain = Option(fd, SOL_SOCKET, SO_DOMAIN);
  const bool ip = domain == AF_INET || domain == AF_INET6;
  if (!ip || Option(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP) {
    return "is no TCP socket; use ListenStream= with an address, and one path, admin.socket";
  }
  if (domain == AF_INET6 && Option(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 1) {
    return "takes IPv4 as well; set BindIPv6Only=ipv6-only, and a ListenStream= for each";
  }
  if (PeerAddress(fd)) return "is a connection; set Accept=no";
  return "";
}

std::string Describe(int fd, const std::string& name, const std::optional<SocketAddress>& address) {
  return "socket unit: the socket \"" + name + "\" (descriptor " + std::to_string(fd) +
         (address ? ", " + address->ToString() : "") + ") ";
}

}  // namespace

Places AssignSockets(const config::Config& config, const std::vector<PassedSocket>& sockets,
                     const Places& placed) {
  Places places;
  std::set<std::size_t> used;
  const auto place = [&](const config::Listener& listener, const SocketAddress& bind, auto fits) {
    if (places.contains({listener.name, bind})) return;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (used.contains(i) || !fits(i)) continue;
      places[{listener.name, bind}] = i;
      used.insert(i);
      return;
    }
  };
  const auto for_each = [&](auto fits) {
    for (const config::Listener& listener : config.listeners) {
      for (const SocketAddress& bind : listener.bind) {
        place(listener, bind, [&](std::size_t i) { return fits(listener, bind, sockets[i], i); });
      }
    }
  };
  for_each([&](const config::Listener& listener, const SocketAddress& bind, const PassedSocket&,
               std::size_t i) {
    const auto before = placed.find({listener.name, bind});
    return before != placed.end() && before->second == i;
  });
  for_each([&](const config::Listener& listener, const SocketAddress& bind,
               const PassedSocket& socket, std::size_t) {
    const bool of_another =
        socket.name != listener.name && config.FindListener(socket.name) != nullptr;
    return !of_another && socket.address == bind;
  });
  for_each([&](const config::Listener& listener, const SocketAddress&, const PassedSocket& socket,
               std::size_t) { return socket.name == listener.name; });
  return places;
}

std::vector<std::string> ActivatedSockets::Take(std::vector<InheritedSocket> sockets,
                                                const config::Config& config) {
  std::vector<std::string> problems;
  for (InheritedSocket& socket : sockets) {
    const auto address = LocalAddress(socket.fd.get());
    const std::string unfit = Unfit(socket.fd.get());
    if (!unfit.empty()) problems.push_back(Describe(socket.fd.get(), socket.name, address) + unfit);
    sockets_.push_back({socket.name, address.value_or(SocketAddress{})});
    fds_.push_back(std::move(socket.fd));
  }
  if (!problems.empty()) return problems;
  std::vector<bool> needed(sockets_.size(), false);
  for (const auto& entry : Assign(config)) needed[entry.second] = true;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (needed[i]) continue;
    problems.push_back(Describe(fds_[i].get(), sockets_[i].name, sockets_[i].address) +
                       "stands for no listener; name it after one (FileDescriptorName=), give a "
                       "listener its address, or take it out of the unit");
  }
  return problems;
}

Places ActivatedSockets::Assign(const config::Config& config) const {
  return AssignSockets(config, sockets_, placed_);
}

Result<Fd> ActivatedSockets::Copy(std::size_t index) const {
  Fd copy(::fcntl(fds_[index].get(), F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) {
    return Error{"cannot copy the socket \"" + sockets_[index].name +
                 "\": " + std::strerror(errno)};
  }
  return copy;
}

void ActivatedSockets::Tune(std::size_t index, const config::Tcp& tcp) const {
  session::Adopt(fds_[index].get(), tcp);
}

void ActivatedSockets::Place(const config::Config& config) {
  Places places = Assign(config);
  std::vector<bool> needed(fds_.size(), false);
  for (const auto& [key, index] : places) {
    needed[index] = true;
    if (placed_.contains(key)) continue;
    const std::uint32_t backlog = config.FindListener(key.first)->tcp.backlog;
    (void)::listen(fds_[index].get(), static_cast<int>(backlog));
  }
  for (std::size_t i = 0; i < fds_.size(); ++i) {
    if (!needed[i]) session::StopListening(fds_[i].get());
  }
  placed_ = std::move(places);
}

void ActivatedSockets::LeaveListening() const {
  for (const Fd& fd : fds_) (void)::listen(fd.get(), SOMAXCONN);
}

}  // namespace sstplb::control
