// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/daemon.h"

#include <csignal>
#include <cstdio>
#include <thread>
#include <utility>

#include "lb/admin/server.h"
#include "lb/base/event_ring.h"
#include "lb/base/log.h"
#include "lb/base/loop.h"
#include "lb/config/read.h"
#include "lb/control/controller.h"
#include "lb/control/steering.h"
#include "lb/daemon/host.h"
#include "lb/daemon/service_manager.h"
#include "lb/daemon/service_watch.h"
#include "lb/worker/worker.h"

namespace sstplb::daemon {
namespace {

constexpr std::size_t kEventsKept = 2000;

}  // namespace

// From the ground up: each part may use those above it, and is destroyed before them.
struct Daemon::Parts {
  explicit Parts(std::unique_ptr<Logger> logger)
      : log(std::move(logger)), terminate(loop.ev()), interrupt(loop.ev()), hang_up(loop.ev()) {
    log->SetListener([this](LogLevel level, std::string_view what, std::span<const LogField> f) {
      events.Add(WallClock::now(), level, what, f);
    });
  }

  void OnStopSignal(ev::sig&, int) { BeginStop(); }
  void OnHangUp(ev::sig&, int) {
    log->Reopen();
    (void)controller->Reload(/*dry_run=*/false);  // says itself what came of it
  }

  void BeginStop() {
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

  ServiceManager manager{ServiceManager::Origin::kStarted};
  EventRing events{kEventsKept};
  std::unique_ptr<Logger> log;
  Loop loop;
  std::unique_ptr<control::Controller> controller;
  std::unique_ptr<control::Steering> steering;
  std::unique_ptr<admin::AdminServer> admin;
  std::unique_ptr<ServiceWatch> service;
  ev::sig terminate;
  ev::sig interrupt;
  ev::sig hang_up;
  bool stopping = false;
  std::thread ender;
};

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Daemon::~Daemon() {
  if (parts_->ender.joinable()) parts_->ender.join();
}

Result<std::unique_ptr<Daemon>> Daemon::Open(config::Config config, std::string config_file) {
  auto log = Logger::Open(config.global.log);
  if (!log) return log.error();
  auto parts = std::make_unique<Parts>(std::move(*log));
  const std::uint32_t workers = worker::WorkerCount(config.global.workers);
  // What the files allow; a reload may change what the configuration does.
  const std::uint32_t room = MaxSessions({}, workers, RaiseOpenFiles());
  const config::Config opened = config;

  parts->controller = std::make_unique<control::Controller>(
      parts->loop, *parts->log, std::move(config), std::move(config_file), room);
  parts->steering =
      std::make_unique<control::Steering>(parts->loop, *parts->controller, parts->events);
  if (const auto listening = parts->controller->Open(); !listening) return listening.error();
  auto admin = admin::AdminServer::Open(opened.admin, *parts->steering, *parts->log);
  if (!admin) return admin.error();
  parts->admin = std::move(*admin);
  if (const auto dropped = DropPrivileges(opened); !dropped) return dropped.error();
  parts->service =
      std::make_unique<ServiceWatch>(parts->loop, *parts->log, *parts->controller, parts->manager);
  parts->controller->OnReload(
      [service = parts->service.get()](bool under_way) { service->OnReload(under_way); });
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

void Daemon::Run() {
  Parts& parts = *parts_;
  std::signal(SIGPIPE, SIG_IGN);  // a log on a closed pipe must not end the balancer
  parts.terminate.set<Parts, &Parts::OnStopSignal>(&parts);
  parts.interrupt.set<Parts, &Parts::OnStopSignal>(&parts);
  parts.hang_up.set<Parts, &Parts::OnHangUp>(&parts);
  parts.terminate.start(SIGTERM);
  parts.interrupt.start(SIGINT);
  parts.hang_up.start(SIGHUP);
  parts.controller->Start();
  parts.admin->Start();
  parts.service->Start();
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

int RunDaemon(const std::string& config_file) {
  auto config = config::ReadFile(config_file);
  if (!config) {
    for (const auto& diagnostic : config.error()) {
      std::fprintf(stderr, "%s\n", diagnostic.ToString().c_str());
    }
    return 2;
  }
  auto daemon = Daemon::Open(std::move(*config), config_file);
  if (!daemon) {
    std::fprintf(stderr, "sstplb: %s\n", daemon.error().message.c_str());
    return 2;
  }
  (*daemon)->Run();
  return 0;
}

}  // namespace sstplb::daemon
