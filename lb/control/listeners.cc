// SPDX-License-Identifier: Apache-2.0
#include "lb/control/listeners.h"

#include <algorithm>

#include "lb/session/tcp_socket.h"

namespace sstplb::control {
namespace {

bool Wants(const config::Config& config, const std::string& listener, const SocketAddress& bind) {
  const config::Listener* found = config.FindListener(listener);
  return found != nullptr &&
         std::find(found->bind.begin(), found->bind.end(), bind) != found->bind.end();
}

}  // namespace

Listeners::Opened Listeners::Open(const config::Config& config) const {
  Opened opened;
  for (const config::Listener& listener : config.listeners) {
    for (const SocketAddress& bind : listener.bind) {
      if (bound_.contains(Key(listener.name, bind))) continue;
      auto& sockets = opened.sockets_[Key(listener.name, bind)];
      SocketAddress address = bind;
      for (std::size_t i = 0; i < workers_; ++i) {
        auto fd = session::Listen(address, listener.tcp);
        if (!fd) {
          opened.failures.push_back("listener." + listener.name + ".bind: " + fd.error().message);
          break;
        }
        // With port 0 the kernel chooses once, and the other workers' sockets join it there.
        address = LocalAddress(fd->get()).value_or(address);
        sockets.push_back(std::move(*fd));
      }
    }
  }
  return opened;
}

void Listeners::Apply(const config::Config& config, Opened&& opened, const Workers& workers) {
  std::erase_if(bound_, [&](const auto& entry) {
    const auto& [listener, bind] = entry.first;
    if (Wants(config, listener, bind)) return false;
    for (const auto& worker : workers) {
      worker->Post([name = listener, address = entry.second](worker::Worker& w) {
        w.RemoveSockets(name, address);
      });
    }
    return true;
  });
  for (auto& [key, sockets] : opened.sockets_) {
    bound_[key] = LocalAddress(sockets.front().get()).value_or(key.second);
    for (std::size_t i = 0; i < workers.size() && i < sockets.size(); ++i) {
      // A task must be copyable, which a descriptor's owner is not.
      auto socket = std::make_shared<Fd>(std::move(sockets[i]));
      workers[i]->Post([name = key.first, socket](worker::Worker& w) {
        w.AddSocket({name, std::move(*socket)});
      });
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
}

std::vector<SocketAddress> Listeners::Bound(const std::string& listener) const {
  std::vector<SocketAddress> addresses;
  for (const auto& [key, address] : bound_) {
    if (key.first == listener) addresses.push_back(address);
  }
  return addresses;
}

}  // namespace sstplb::control
