// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/demo.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include "lb/config/config.h"
#include "lb/config/write.h"
#include "lb/daemon/daemon.h"
#include "lb/daemon/demo_report.h"
#include "lb/demo/farm.h"
#include "lb/tunnel/tunnel_client.h"

namespace sstplb::daemon {
namespace {

constexpr std::size_t kServers = 3;
constexpr std::size_t kAddresses = 60000;  // of each server: what fits below its gateway's 10.x
constexpr Duration kCheckTimeout = std::chrono::seconds(45);
constexpr Duration kLookEvery = std::chrono::milliseconds(200);
constexpr Duration kReportEvery = std::chrono::seconds(5);

// A private folder for the admin socket and the configuration; gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sstplb-demo-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<std::unique_ptr<demo::Farm>> StartFarm() {
  constexpr demo::Kind kKinds[kServers] = {demo::Kind::kRras, demo::Kind::kSoftether,
                                           demo::Kind::kAccelPpp};
  // One certificate for all, as a farm behind one name should have it.
  auto certificate = demo::MakeCertificate({});
  if (!certificate.ok()) return certificate.error();
  std::vector<demo::ServerOptions> servers;
  for (std::size_t i = 0; i < kServers; ++i) {
    demo::ServerOptions server;
    server.certificate = *certificate;
    server.personality = demo::PersonalityOf(kKinds[i]);
    server.gateway = IpAddress::V4({10, static_cast<std::uint8_t>(99 + i), 0, 1});
    server.addresses = kAddresses;
    servers.push_back(std::move(server));
  }
  return demo::Farm::Start(std::move(servers));
}

config::Config MakeConfig(const DemoOptions& options, const demo::Farm& farm,
                          const std::string& folder) {
  config::Config config;
  config.global.log.level = LogLevel::kWarning;
  config.global.shutdown_grace = std::chrono::seconds(2);
  config.admin.socket = folder + "/admin.sock";
  config.admin.http = options.http;
  config::Listener& listener = config.listeners.emplace_back();
  listener.name = "vpn";
  listener.bind = {options.listen};
  listener.pool = "main";
  config::Pool& pool = config.pools.emplace_back();
  pool.name = "main";
  pool.probe.interval = std::chrono::seconds(2);
  for (std::size_t i = 0; i < farm.size(); ++i) {
    config::Backend& backend = pool.backends.emplace_back();
    backend.name = "vpn" + std::to_string(i + 1);
    backend.address = {farm.address(i).ip.ToString(), farm.address(i).port};
  }
  return config;
}

// The clients, on a thread beside the balancer.
class Clients {
 public:
  Clients(Daemon& daemon, const DemoOptions& options, const config::Config& config)
      : daemon_(daemon), options_(options), config_(config), thread_([this] { Run(); }) {}
  ~Clients() {
    stop_ = true;
    thread_.join();
  }
  int exit_code() const { return exit_code_; }

 private:
  void Run();
  bool StartTunnels(tunnel::TunnelClient& client, const control::DaemonStatus& status) const;
  void Greet(const control::DaemonStatus& status) const;
  void Watch(tunnel::TunnelClient& client);

  Daemon& daemon_;
  const DemoOptions& options_;
  const config::Config& config_;
  std::atomic<bool> stop_{false};
  std::atomic<int> exit_code_{0};
  std::thread thread_;
};

void Clients::Greet(const control::DaemonStatus& status) const {
  const std::string http = options_.http.ToString();
  std::printf("sstplb demo: %zu SSTP servers behind one balancer\n\n", kServers);
  std::printf("  clients dial    %s\n", status.listeners.front().bind.front().ToString().c_str());
  std::printf("  dashboard       http://%s/\n", http.c_str());
  std::printf("  metrics         http://%s/metrics\n", http.c_str());
  std::printf("  commands        sstplb status --socket %s\n", config_.admin.socket.c_str());
  std::printf(
      "                  sstplb backend drain main/vpn1 --within 20s --wait --socket %s\n\n",
      config_.admin.socket.c_str());
  std::fflush(stdout);
}

bool Clients::StartTunnels(tunnel::TunnelClient& client,
                           const control::DaemonStatus& status) const {
  for (std::uint32_t i = 0; i < options_.tunnels; ++i) {
    tunnel::TunnelOptions tunnel;
    tunnel.server = status.listeners.front().bind.front();
    // Each client has an address of its own, as out in the world: 127.0.1.1, 127.0.1.2, ...
    if (tunnel.server.ip.is_v4()) {
      tunnel.source = IpAddress::V4(
          {127, 0, static_cast<std::uint8_t>(1 + i / 250), static_cast<std::uint8_t>(1 + i % 250)});
    }
    tunnel.ping_interval = std::chrono::milliseconds(500);
    tunnel.reconnect = true;
    client.Add(tunnel);
  }
  return options_.tunnels > 0;
}

void Clients::Run() {
  const auto status = daemon_.api().GetStatus();
  auto client = tunnel::TunnelClient::Start();
  if (!status || !client) {
    std::fprintf(stderr, "sstplb demo: %s\n",
                 status ? client.error().message.c_str() : status.error().message.c_str());
    exit_code_ = 1;
    return daemon_.RequestStop();
  }
  Greet(*status);
  StartTunnels(**client, *status);
  Watch(**client);
  (*client)->StopAll();
  daemon_.RequestStop();
}

void Clients::Watch(tunnel::TunnelClient& client) {
  const TimePoint give_up = Clock::now() + kCheckTimeout;
  TimePoint next_report = Clock::now() + std::chrono::seconds(1);
  while (!stop_) {
    std::this_thread::sleep_for(kLookEvery);
    const auto pools = daemon_.api().GetPools();
    if (!pools) continue;
    const DemoFigures figures = Figures(client.reports(), *pools);
    const bool complete = Complete(figures);
    const bool late = options_.check && Clock::now() > give_up;
    if (Clock::now() >= next_report || (options_.check && (complete || late))) {
      std::printf("%s\n", ToText(figures).c_str());
      std::fflush(stdout);
      next_report = Clock::now() + kReportEvery;
    }
    if (options_.check && (complete || late)) {
      std::printf("%s\n", complete ? "check passed: tunnels are up over every backend"
                                   : "check failed: not every backend has live tunnels");
      exit_code_ = complete ? 0 : 1;
      return;
    }
  }
}

}  // namespace

int RunDemo(const DemoOptions& options) {
  const Folder folder;
  auto farm = StartFarm();
  if (!farm) {
    std::fprintf(stderr, "sstplb demo: %s\n", farm.error().message.c_str());
    return 1;
  }
  const config::Config config = MakeConfig(options, **farm, folder.path());
  // A reload reads what is running.
  const std::string file = folder.path() + "/sstplb.toml";
  if (std::FILE* out = std::fopen(file.c_str(), "w")) {
    std::fputs(config::WriteToml(config).c_str(), out);
    std::fclose(out);
  }
  auto daemon = Daemon::Open(config, file);
  if (!daemon) {
    std::fprintf(stderr, "sstplb demo: %s\n", daemon.error().message.c_str());
    return 1;
  }
  Clients clients(**daemon, options, config);
  (*daemon)->Run();
  return clients.exit_code();
}

}  // namespace sstplb::daemon
