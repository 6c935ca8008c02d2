// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/backend.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "tests/bench/load/backend_tunnel.h"
#include "tests/bench/load/net.h"

namespace sstplb::bench {

class Backend::Listener final : public Poller::Target {
 public:
  Listener(Poller& poller, Manner manner)
      : poller_(poller), manner_(manner), fd_(Listen(*IpAddress::Parse("127.0.0.1"))) {
    poller_.Add(fd_.get(), EPOLLIN, *this);
  }

  void OnEvents(std::uint32_t) override {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      Fd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd.valid()) return;  // a real shortage shows at the client
      BackendTunnel::Start(poller_, std::move(fd), manner_);
    }
  }

  std::uint16_t port() const { return LocalAddress(fd_.get())->port; }

 private:
  static constexpr int kAcceptsPerTurn = 64;

  Poller& poller_;
  Manner manner_;
  Fd fd_;
};

Backend::Backend(Poller& poller, Manner manner, int ports) {
  for (int i = 0; i < ports; ++i) listeners_.push_back(std::make_unique<Listener>(poller, manner));
}

Backend::~Backend() = default;

std::vector<std::uint16_t> Backend::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : listeners_) ports.push_back(listener->port());
  return ports;
}

}  // namespace sstplb::bench
