// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/tunnel_client.h"

#include <algorithm>
#include <utility>

namespace sstplb::tunnel {

Result<std::unique_ptr<TunnelClient>> TunnelClient::Start(TlsVersions versions) {
  Result<TlsContext> context = MakeClientContext(versions);
  if (!context.ok()) return context.error();
  std::unique_ptr<TunnelClient> client(new TunnelClient(std::move(context).value()));
  client->thread_.Start();
  return client;
}

TunnelClient::TunnelClient(TlsContext context)
    : context_(std::move(context)), thread_("demo-tunnels") {}

TunnelClient::~TunnelClient() { thread_.Join(); }

std::size_t TunnelClient::Add(const TunnelOptions& options) {
  std::size_t place = 0;
  OnLoop(thread_.loop(), [&] {
    TunnelObserver* observer = this;
    place = tunnels_.size();
    tunnels_.push_back(std::make_unique<Tunnel>(thread_.loop(), context_, options, observer));
    tunnels_.back()->Start();
  });
  return place;
}

void TunnelClient::Stop(std::size_t tunnel) {
  OnLoop(thread_.loop(), [&] { tunnels_.at(tunnel)->Stop(); });
}

void TunnelClient::StopAll() {
  OnLoop(thread_.loop(), [&] {
    for (const auto& tunnel : tunnels_) tunnel->Stop();
  });
}

void TunnelClient::Break(std::size_t tunnel) {
  OnLoop(thread_.loop(), [&] { tunnels_.at(tunnel)->Break(); });
}

TunnelReport TunnelClient::report(std::size_t tunnel) const {
  TunnelReport report;
  OnLoop(thread_.loop(), [&] { report = tunnels_.at(tunnel)->report(); });
  return report;
}

std::vector<TunnelReport> TunnelClient::reports() const {
  std::vector<TunnelReport> all;
  OnLoop(thread_.loop(), [&] {
    for (const auto& tunnel : tunnels_) all.push_back(tunnel->report());
  });
  return all;
}

bool TunnelClient::Await(std::size_t tunnel,
                         const std::function<bool(const TunnelReport&)>& condition,
                         Duration timeout) const {
  return changes_.Await([&] { return condition(report(tunnel)); }, timeout);
}

bool TunnelClient::AwaitAll(const std::function<bool(const TunnelReport&)>& condition,
                            Duration timeout) const {
  return changes_.Await(
      [&] {
        const std::vector<TunnelReport> all = reports();
        return std::all_of(all.begin(), all.end(), condition);
      },
      timeout);
}

void TunnelClient::OnTunnelChanged(const TunnelReport&) { changes_.Notify(); }

}  // namespace sstplb::tunnel
