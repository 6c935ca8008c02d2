// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/daemon.h"

#include <csignal>
#include <cstdio>
#include <thread>
#include <utility>

#include "lb/admin/listen.h"
#include "lb/admin/server.h"
#include "lb/base/event_ring.h"
#include "lb/base/inherited_sockets.h"
#include "lb/base/log.h"
#include "lb/base/loop.h"
#include "lb/config/read.h"
#include "lb/control/controller.h"
#include "lb/control/steering.h"
#include "lb/daemon/host.h"
#include "lb/daemon/service_manager.h"
#include "lb/daemon/service_watch.h"
#include "lb/daemon/takeover.h"
#include "lb/daemon/upgrader.h"
#include "lb/handoff/channel.h"
#include "lb/worker/worker.h"

namespace sstplb::daemon {
namespace {

constexpr std::size_t kEventsKept = 2000;
// Who asked this process is answered by it, the upgrade's own answer above all.
constexpr Duration kLastAnswers = std::chrono::seconds(1);

}  // namespace

// From the ground up: each part may use those above it, and is destroyed before them.
struct Daemon::Parts {
  Parts(std::unique_ptr<Logger> logger, std::unique_ptr<Takeover> from)
      : manager(from == nullptr ? ServiceManager::Origin::kStarted
                                : ServiceManager::Origin::kSucceeded),
        log(std::move(logger)),
        takeover(std::move(from)),
        terminate(loop.ev()),
        interrupt(loop.ev()),
        hang_up(loop.ev()),
        upgrade(loop.ev()) {
    log->SetListener([this](LogLevel level, std::string_view what, std::span<const LogField> f) {
      events.Add(WallClock::now(), level, what, f);
    });
  }

  Status Open(config::Config config, std::string config_file);
  Status OpenHandoff(const config::Config& opened, const std::string& config_file);

  void OnStopSignal(ev::sig&, int) { BeginStop(); }
  void OnHangUp(ev::sig&, int) {
    log->Reopen();
    (void)controller->Reload(/*dry_run=*/false);  // says itself what came of it
  }

  void OnUpgrade(ev::sig&, int) { (void)BeginUpgrade(); }

  control::Answer<std::int64_t> BeginUpgrade() {
    control::Answer<std::int64_t> pid = control::Failure{
        control::FailureCode::kConflict, "an upgrade needs admin.socket, which is off", ""};
    if (upgrader != nullptr) pid = upgrader->Begin();
    if (!pid) log->Event(LogLevel::kError, "upgrade refused", {{"why", pid.error().message}});
    return pid;
  }

  // The new process answers at the admin sockets: what comes here is not for us any more.
  void OnGiven() {
    given = true;
    manager.HandedOver();
    ender = std::thread([this] {
      events.Close();
      admin->Stop(kLastAnswers);
      loop.Post([this] { OnLast(); });
    });
  }
  void OnLast() {
    if (std::exchange(last, true)) loop.Stop();
  }

  void BeginStop() {
    if (given) return;  // it is about to end, and nothing here is its own
    const Duration grace = stopping ? Duration{} : controller->config().global.shutdown_grace;
    stopping = true;
    service->OnStop(grace);
    controller->BeginStop(grace, [this] {
      // The admin server's threads may be waiting for this loop: it runs on until they are done.
      ender = std::thread([this] {
        events.Close();
        admin->Stop();
        loop.Stop();
      });
    });
  }

  ServiceManager manager;
  EventRing events{kEventsKept};
  std::unique_ptr<Logger> log;
  Loop loop;
  std::unique_ptr<Takeover> takeover;  // until all is well
  std::unique_ptr<control::Controller> controller;
  std::unique_ptr<control::Steering> steering;
  std::unique_ptr<admin::AdminServer> admin;
  std::unique_ptr<Upgrader> upgrader;
  std::unique_ptr<ServiceWatch> service;
  ev::sig terminate;
  ev::sig interrupt;
  ev::sig hang_up;
  ev::sig upgrade;
  bool stopping = false;
  bool given = false;
  bool last = false;  // one of the two that OnLast() waits for has come
  std::thread ender;
};

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Daemon::~Daemon() {
  if (parts_->ender.joinable()) parts_->ender.join();
}

Result<std::unique_ptr<Daemon>> Daemon::Open(config::Config config, std::string config_file,
                                             std::unique_ptr<Takeover> takeover) {
  auto log = Logger::Open(config.global.log);
  if (!log) return log.error();
  auto parts = std::make_unique<Parts>(std::move(*log), std::move(takeover));
  if (const auto opened = parts->Open(std::move(config), std::move(config_file)); !opened) {
    if (parts->takeover != nullptr) parts->takeover->Abort(opened.error().message);
    return opened.error();
  }
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

Result<std::unique_ptr<Daemon>> Daemon::Open(config::Config config, std::string config_file) {
  return Open(std::move(config), std::move(config_file), nullptr);
}

Status Daemon::Parts::Open(config::Config config, std::string config_file) {
  const std::uint32_t workers = worker::WorkerCount(config.global.workers);
  // What the files allow; a reload may change what the configuration does.
  const std::uint32_t room = MaxSessions({}, workers, RaiseOpenFiles());
  const config::Config opened = config;
  if (takeover != nullptr) {
    const auto begun = takeover->Begin(*log);
    if (!begun) return begun.error();
    if (!*begun) takeover.reset();
  }

  controller =
      std::make_unique<control::Controller>(loop, *log, std::move(config), config_file, room);
  steering = std::make_unique<control::Steering>(loop, *controller, events);
  steering->SetUpgrade([this] { return BeginUpgrade(); });
  if (takeover != nullptr) {
    if (const auto inherited = takeover->InheritTo(*controller); !inherited) return inherited;
  }
  auto passed = TakeInheritedSockets();
  if (!passed) return passed.error();
  admin::PassedSockets at;
  if (takeover != nullptr) at = takeover->AdminSockets(opened.admin);
  if (!at.socket.valid()) {
    at.socket = admin::TakeAdminSocket(*passed, opened.admin.socket);
    at.keep_file = at.socket.valid();
  }
  if (const auto listening = controller->Open(std::move(*passed)); !listening) return listening;
  auto server = admin::AdminServer::Open(opened.admin, *steering, *log, std::move(at));
  if (!server) return server.error();
  admin = std::move(*server);
  if (const auto door = OpenHandoff(opened, config_file); !door) return door;
  if (const auto dropped = DropPrivileges(opened); !dropped) return dropped;
  service = std::make_unique<ServiceWatch>(loop, *log, *controller, manager);
  controller->OnReload([this](bool under_way) { service->OnReload(under_way); });
  controller->Prepare();
  if (takeover == nullptr) return Done{};
  return takeover->TakeSessions(*controller);
}

Status Daemon::Parts::OpenHandoff(const config::Config& opened, const std::string& config_file) {
  if (opened.admin.socket.empty()) return Done{};
  const std::string path = handoff::HandoffPath(opened.admin.socket);
  Fd socket = takeover == nullptr ? Fd() : takeover->HandoffSocket(path);
  if (!socket.valid()) {
    auto listening = handoff::ListenAt(path);
    if (!listening) return listening.error();
    socket = std::move(*listening);
    // A successor is started by the user, and has to get there.
    GiveTo(opened.global.user, path);
  }
  upgrader = std::make_unique<Upgrader>(
      std::move(socket), path, config_file, loop, *log, *controller, *admin,
      Upgrader::Events{.given = [this] { OnGiven(); }, .over = [this] { OnLast(); }});
  return Done{};
}

void Daemon::Run() {
  Parts& parts = *parts_;
  // First of all: sessions that were taken over wait for it.
  parts.controller->Start();
  if (parts.takeover != nullptr) parts.takeover->Tell(*parts.controller, *parts.log);
  std::signal(SIGPIPE, SIG_IGN);  // a log on a closed pipe must not end the balancer
  parts.terminate.set<Parts, &Parts::OnStopSignal>(&parts);
  parts.interrupt.set<Parts, &Parts::OnStopSignal>(&parts);
  parts.hang_up.set<Parts, &Parts::OnHangUp>(&parts);
  parts.terminate.start(SIGTERM);
  parts.interrupt.start(SIGINT);
  parts.upgrade.set<Parts, &Parts::OnUpgrade>(&parts);
  parts.hang_up.start(SIGHUP);
  parts.upgrade.start(SIGUSR2);
  parts.admin->OwnFile();
  parts.admin->Start();
  if (parts.upgrader != nullptr) parts.upgrader->Start();
  parts.service->Start([&parts] { parts.takeover.reset(); });
  parts.log->Event(LogLevel::kInfo, "started", {{"version", SSTPLB_VERSION}});
  parts.loop.Run();
  parts.log->Event(LogLevel::kInfo, "stopped", {});
}

void Daemon::RequestStop() {
  parts_->loop.Post([parts = parts_.get()] { parts->BeginStop(); });
}

control::Api& Daemon::api() { return *parts_->steering; }

Result<std::string> AdminSocketOf(const std::string& config_file) {
  const auto config = config::ReadFile(config_file);
  if (!config) return Error{config.error().front().ToString()};
  return config->admin.socket;
}

int RunDaemon(const RunOptions& options) {
  auto config = config::ReadFile(options.config);
  std::string trouble;
  if (!config) {
    for (const auto& diagnostic : config.error()) {
      trouble += (trouble.empty() ? "" : "\n") + diagnostic.ToString();
    }
  }
  std::string path = options.takeover_path;
  if (path.empty() && config) path = handoff::HandoffPath(config->admin.socket);
  std::unique_ptr<Takeover> takeover;
  if (options.takeover && !path.empty()) {
    auto connected = Takeover::Connect(path);
    if (!connected) {
      std::fprintf(stderr, "sstplb: %s\n", connected.error().message.c_str());
      return 2;
    }
    takeover = std::move(*connected);
  }
  if (!config) {
    std::fprintf(stderr, "%s\n", trouble.c_str());
    if (takeover != nullptr) takeover->Abort(trouble);
    return 2;
  }
  auto daemon = Daemon::Open(std::move(*config), options.config, std::move(takeover));
  if (!daemon) {
    std::fprintf(stderr, "sstplb: %s\n", daemon.error().message.c_str());
    return 2;
  }
  (*daemon)->Run();
  return 0;
}

}  // namespace sstplb::daemon
