// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/farm.h"

#include <utility>

namespace sstplb::demo {
Farm::Farm() : thread_("demo-farm") {}

Result<std::unique_ptr<Farm>> Farm::Start(std::vector<ServerOptions> servers) {
  std::unique_ptr<Farm> farm(new Farm());
  for (ServerOptions& options : servers) {
    auto server = FarmServer::Open(farm->thread_.loop(), std::move(options),
                                   [raw = farm.get()] { raw->changes_.Notify(); });
    if (!server.ok()) return server.error();
    farm->servers_.push_back(std::move(server).value());
  }
  farm->thread_.Start();
  return farm;
}

Farm::~Farm() { thread_.Join(); }

Status Farm::SetFault(std::size_t server, const Fault& fault) {
  Status status = Done{};
  tunnel::OnLoop(thread_.loop(), [&] { status = servers_.at(server)->SetFault(fault); });
  return status;
}

void Farm::SetMaxStarting(std::size_t server, std::size_t most) {
  tunnel::OnLoop(thread_.loop(), [&] { servers_.at(server)->SetMaxStarting(most); });
}

void Farm::DropAll(std::size_t server, bool reset) {
  tunnel::OnLoop(thread_.loop(), [&] { servers_.at(server)->DropAll(reset); });
}

void Farm::Kill(std::size_t server) {
  tunnel::OnLoop(thread_.loop(), [&] {
    (void)servers_.at(server)->SetFault({FaultKind::kRefuse});
    servers_.at(server)->DropAll(true);
  });
}

ServerCounters Farm::counters(std::size_t server) const {
  ServerCounters counters;
  tunnel::OnLoop(thread_.loop(), [&] { counters = servers_.at(server)->counters(); });
  return counters;
}

std::vector<TunnelInfo> Farm::tunnels(std::size_t server) const {
  std::vector<TunnelInfo> all;
  tunnel::OnLoop(thread_.loop(), [&] { all = servers_.at(server)->tunnels(); });
  return all;
}

bool Farm::Await(std::size_t server, const std::function<bool(const ServerCounters&)>& condition,
                 Duration timeout) const {
  return changes_.Await([&] { return condition(counters(server)); }, timeout);
}

}  // namespace sstplb::demo
