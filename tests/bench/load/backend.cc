// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/backend.h"

#include <sys/socket.h>

#include <utility>

#include "tests/bench/load/net.h"

namespace sstplb::bench {

class Backend::Listener final : public Poller::Target {
 public:
  explicit Listener(Backend& backend) : backend_(backend), fd_(Listen()) {
    backend_.poller_.Add(fd_.get(), EPOLLIN, *this);
  }

  void OnEvents(std::uint32_t) override {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      Fd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd.valid()) return;  // none is left; a shortage of descriptors shows at the client
      backend_.Accepted(std::move(fd));
    }
  }

  std::uint16_t port() const { return LocalAddress(fd_.get())->port; }

 private:
  static constexpr int kAcceptsPerTurn = 64;

  Backend& backend_;
  Fd fd_;
};

Backend::Backend(Poller& poller, Manner manner, int ports) : poller_(poller), manner_(manner) {
  for (int i = 0; i < ports; ++i) listeners_.push_back(std::make_unique<Listener>(*this));
}

Backend::~Backend() = default;

std::vector<std::uint16_t> Backend::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : listeners_) ports.push_back(listener->port());
  return ports;
}

void Backend::Accepted(Fd fd) {
  const int key = fd.get();
  BackendTunnel::Owner& owner = *this;
  tunnels_[key] = std::make_unique<BackendTunnel>(poller_, owner, std::move(fd), manner_);
}

void Backend::Over(int fd) { tunnels_.erase(fd); }

}  // namespace sstplb::bench
