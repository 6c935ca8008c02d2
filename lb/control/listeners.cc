// SPDX-License-Identifier: Apache-2.0
#include "lb/control/listeners.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "lb/session/tcp_socket.h"

namespace sstplb::control {
namespace {

// What `config` has for this address; null when it does not listen there.
const config::Listener* FindWanted(const config::Config& config, const std::string& listener,
                                   const SocketAddress& bind) {
  const config::Listener* found = config.FindListener(listener);
  if (found == nullptr || std::ranges::count(found->bind, bind) == 0) return nullptr;
  return found;
}

// Whose it is in `config`: that listener's, or else another's that has the address now.
const config::Listener* FindHeir(const config::Config& config, const std::string& listener,
                                 const SocketAddress& bind) {
  const config::Listener* same = FindWanted(config, listener, bind);
  if (same != nullptr) return same;
  const auto other = std::ranges::find_if(config.listeners, [&](const config::Listener& l) {
    return std::ranges::count(l.bind, bind) != 0;
  });
  return other == config.listeners.end() ? nullptr : &*other;
}

}  // namespace

Listeners::Opened Listeners::Open(const config::Config& config,
                                  std::vector<handoff::OfferedSocket> inherited,
                                  const config::Config& theirs) const {
  Opened opened;
  for (handoff::OfferedSocket& socket : inherited) {
    if (!socket.configured) continue;
    const config::Listener* before = FindWanted(theirs, socket.name, *socket.configured);
    const config::Listener* now = FindHeir(config, socket.name, *socket.configured);
    if (now == nullptr) continue;
    auto& sockets = opened.sockets_[Key(now->name, *socket.configured)];
    if (before != nullptr) sockets.tcp = before->tcp;
    sockets.shared = sockets.shared || socket.shared;
    sockets.fds.push_back(std::move(socket.fd));
  }
  for (auto& [key, sockets] : opened.sockets_) {
    // More workers than there were: two of them share a socket, and whoever is faster accepts.
    for (std::size_t i = 0; sockets.fds.size() < workers_; ++i) {
      sockets.shared = true;
      sockets.fds.emplace_back(::fcntl(sockets.fds[i].get(), F_DUPFD_CLOEXEC, 0));
    }
  }
  const Places activated = activated_.Assign(config);
  for (const config::Listener& listener : config.listeners) {
    for (const SocketAddress& bind : listener.bind) {
      const Key key(listener.name, bind);
      if (bound_.contains(key) || opened.sockets_.contains(key)) continue;
      if (FindSpare(config, bind) != nullptr) continue;
      const auto passed = activated.find(key);
      opened.sockets_[key] = passed == activated.end()
                                 ? OpenAt(listener, bind, opened.failures)
                                 : CopyPassed(passed->second, listener, opened.failures);
    }
  }
  return opened;
}

Listeners::Opened::Sockets Listeners::OpenAt(const config::Listener& listener,
                                             const SocketAddress& bind,
                                             std::vector<std::string>& failures) const {
  Opened::Sockets sockets{.fds = {}, .tcp = listener.tcp};
  SocketAddress address = bind;
  for (std::size_t i = 0; i < workers_; ++i) {
    auto fd = session::Listen(address, listener.tcp);
    if (!fd) {
      failures.push_back("listener." + listener.name + ".bind: " + fd.error().message);
      break;
    }
    // With port 0 the kernel chooses once, and the other workers' sockets join it there.
    address = LocalAddress(fd->get()).value_or(address);
    sockets.fds.push_back(std::move(*fd));
  }
  return sockets;
}

Listeners::Opened::Sockets Listeners::CopyPassed(std::size_t index,
                                                 const config::Listener& listener,
                                                 std::vector<std::string>& failures) const {
  Opened::Sockets sockets{.fds = {}, .shared = true, .tcp = listener.tcp};
  activated_.Tune(index, listener.tcp);
  for (std::size_t i = 0; i < workers_; ++i) {
    auto fd = activated_.Copy(index);
    if (!fd) {
      failures.push_back("listener." + listener.name + ".bind: " + fd.error().message);
      break;
    }
    sockets.fds.push_back(std::move(*fd));
  }
  return sockets;
}

std::vector<handoff::OfferedSocket> Listeners::Offer(
    const std::vector<std::vector<worker::OpenSocket>>& open) const {
  std::vector<handoff::OfferedSocket> offered;
  for (std::uint32_t index = 0; index < open.size(); ++index) {
    for (const worker::OpenSocket& socket : open[index]) {
      const auto place = std::ranges::find_if(bound_, [&](const auto& entry) {
        return entry.first.first == socket.listener && entry.second.address == socket.address;
      });
      if (place == bound_.end()) continue;
      auto& out = offered.emplace_back();
      out.name = socket.listener;
      out.worker = index;
      out.shared = socket.shared;
      out.configured = place->first.second;
      out.fd.Reset(::fcntl(socket.fd, F_DUPFD_CLOEXEC, 0));
    }
  }
  return offered;
}

// Open sockets at this address whose listener does not want them any more; null when there are
// none.
const Listeners::Key* Listeners::FindSpare(const config::Config& config,
                                           const SocketAddress& bind) const {
  for (const auto& [key, place] : bound_) {
    if (key.second == bind && FindWanted(config, key.first, bind) == nullptr) return &key;
  }
  return nullptr;
}

std::vector<worker::Renaming> Listeners::Rename(const config::Config& config) {
  std::vector<worker::Renaming> renamings;
  for (const config::Listener& listener : config.listeners) {
    for (const SocketAddress& bind : listener.bind) {
      if (bound_.contains(Key(listener.name, bind))) continue;
      const Key* spare = FindSpare(config, bind);
      if (spare == nullptr) continue;
      auto node = bound_.extract(*spare);
      renamings.push_back({node.key().first, listener.name, node.mapped().address});
      node.key().first = listener.name;
      bound_.insert(std::move(node));
    }
  }
  return renamings;
}

std::vector<std::string> Listeners::Refused(const config::Config& config) const {
  std::set<std::string> lines;  // the same for each address of a listener, but said once
  for (const auto& [key, place] : bound_) {
    const config::Listener* wanted = FindWanted(config, key.first, key.second);
    if (wanted == nullptr || wanted->tcp == place.tcp) continue;
    for (const auto& refused : session::TryRetune(place.address.family(), place.tcp, wanted->tcp)) {
      lines.insert("listener." + key.first + ".tcp." + std::string(refused.key) +
                   ": the kernel refuses it (" + std::strerror(refused.error) +
                   "); the listening sockets keep what they have");
    }
  }
  return {lines.begin(), lines.end()};
}

void Listeners::Apply(const config::Config& config, Opened&& opened, const Workers& workers) {
  std::erase_if(bound_, [&](const auto& entry) {
    const auto& [listener, bind] = entry.first;
    if (FindWanted(config, listener, bind) != nullptr) return false;
    for (const auto& worker : workers) {
      worker->Post([name = listener, address = entry.second.address](worker::Worker& w) {
        w.RemoveSockets(name, address);
      });
    }
    return true;
  });
  for (auto& [key, sockets] : opened.sockets_) {
    bound_[key] = {LocalAddress(sockets.fds.front().get()).value_or(key.second), sockets.tcp};
    for (std::size_t i = 0; i < sockets.fds.size(); ++i) {
      // A task must be copyable, which a descriptor's owner is not.
      auto socket = std::make_shared<Fd>(std::move(sockets.fds[i]));
      workers[i % workers.size()]->Post(
          [name = key.first, socket, shared = sockets.shared](worker::Worker& w) {
            w.AddSocket({name, std::move(*socket), shared});
          });
    }
  }
  for (auto& entry : bound_) {
    const std::string& listener = entry.first.first;
    Place& place = entry.second;
    const config::Tcp& wanted = FindWanted(config, listener, entry.first.second)->tcp;
    if (wanted == place.tcp) continue;
    for (const auto& worker : workers) {
      worker->Post([listener, address = place.address, from = place.tcp, to = wanted](
                       worker::Worker& w) { w.RetuneSockets(listener, address, from, to); });
    }
    place.tcp = wanted;
  }
  activated_.Place(config);
}

void Listeners::StopListening(const Workers& workers) {
  for (const auto& worker : workers) {
    worker->Post([](worker::Worker& w) { w.StopListening(); });
  }
}

void Listeners::ListenAgain(const config::Config& config, const Workers& workers) const {
  for (const config::Listener& listener : config.listeners) {
    for (const auto& worker : workers) {
      worker->Post(
          [name = listener.name, tcp = listener.tcp](worker::Worker& w) { w.Listen(name, tcp); });
    }
  }
}

void Listeners::CloseAll(const Workers& workers) {
  for (const auto& entry : bound_) {
    for (const auto& worker : workers) {
      worker->Post(
          [name = entry.first.first](worker::Worker& w) { w.RemoveSockets(name, std::nullopt); });
    }
  }
  bound_.clear();
  activated_.LeaveListening();
}

std::vector<SocketAddress> Listeners::Bound(const std::string& listener) const {
  std::vector<SocketAddress> addresses;
  for (const auto& [key, place] : bound_) {
    if (key.first == listener) addresses.push_back(place.address);
  }
  return addresses;
}

}  // namespace sstplb::control
