// Controller: the one thread that changes things.
//
// It owns the configuration, the registry of backends, what probes have found and the plan that
// workers follow; everything that alters one of them (a command, a reload, a probe's answer, a
// look-up, a deadline) is a call on its loop. Out of each change it makes a new plan and gives it
// to the workers. It never waits for them.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev++.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lb/backend/registry.h"
#include "lb/backend/resolver.h"
#include "lb/backend/state_text.h"
#include "lb/base/log.h"
#include "lb/base/loop.h"
#include "lb/config/config.h"
#include "lb/control/api.h"
#include "lb/control/ask.h"
#include "lb/control/certificate_book.h"
#include "lb/control/departures.h"
#include "lb/control/drainer.h"
#include "lb/control/ejector.h"
#include "lb/control/inheritance.h"
#include "lb/control/listeners.h"
#include "lb/control/plan_builder.h"
#include "lb/control/probe_book.h"
#include "lb/control/state_keeper.h"
#include "lb/control/upgrade_book.h"
#include "lb/handoff/estate.h"
#include "lb/rebalance/rebalancer.h"
#include "probes/scheduler.h"

namespace sstplb::control {

// Belongs to the control loop's thread; `loop` and `log` must outlive it. `room` is how many
// sessions the host allows.
class Controller {
 public:
  Controller(Loop& loop, Logger& log, config::Config config, std::string config_file,
             std::uint32_t room);
  // Closes what is left.
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Opens every listening socket, but for those that the service manager has `passed`: before
  // privileges are dropped. The error has every failure.
  Status Open(std::vector<InheritedSocket> passed = {});
  // Starts workers and probes, and takes clients.
  void Start();

  // Handing over to another process (controller_handoff.cc). While that goes on nothing is decided;
  // the reason why it cannot begin, for a person.
  Result<handoff::State> BeginHandoff();
  void EndHandoff() { upgrades_.EndHandoff(); }
  // The new process serves. What is kept is its own.
  void HandedOver();
  const Listeners& listeners() const { return listeners_; }

  // Taking over from one: before Open(), what it had. Its configuration is in force until Start(),
  // which then applies this one's as a reload does.
  Status Inherit(handoff::Estate estate);
  // After Open(): a plan for its sessions is made, and the workers are not started.
  void Prepare();
  // What GetStatus() says of handoffs and upgrades.
  UpgradeBook& upgrades() { return upgrades_; }
  // No new sessions from here on; live ones run until `grace` has passed. Then, or when the last
  // one has ended, `done` is called.
  void BeginStop(Duration grace, std::function<void()> done);

  // `tell` is called when a reload begins (true) and when it is over, whatever came of it (false).
  void OnReload(std::function<void(bool under_way)> tell) { on_reload_ = std::move(tell); }

  // Reads the configuration file anew. Nothing changes when anything is wrong with it or with what
  // this host makes of it (the error has every reason), or when the balancer is stopping.
  Answer<ReloadReport> Reload(bool dry_run);

  // Decisions of the operator; they are logged, kept in the state file and in force on return.
  Answer<Done> Add(std::string_view pool, const config::Backend& backend);
  Answer<Done> Remove(std::string_view pool, std::string_view name, bool force);
  Answer<Done> Change(std::string_view pool, std::string_view name, const BackendChange& change);
  Answer<Done> Drain(std::string_view pool, std::string_view name, const DrainWish& wish);
  Answer<Done> Undrain(std::string_view pool, std::string_view name);
  // The whole balancer; not kept.
  Answer<Done> DrainAll(const DrainWish& wish);
  Answer<Done> UndrainAll();
  Answer<Done> Reset(std::string_view pool, std::string_view name);

  // Moving sessions (controller_rebalance.cc).
  Answer<Done> BeginRebalance(std::string_view pool, const RebalanceWish& wish);
  Answer<Done> EndRebalance(std::string_view pool);
  RebalanceStatus RebalanceOf(const config::Pool& pool) const;
  const rebalance::MovedClients& moved_clients() const { return moved_clients_; }

  // Views, as copies.
  DaemonStatus GetStatus() const;
  Summary GetSummary() const;
  std::vector<PoolStatus> GetPools() const;
  Answer<BackendStatus> GetBackend(std::string_view pool, std::string_view name) const;
  std::string ExportConfig() const;

  // For those that ask the workers themselves (Steering).
  const Workers& workers() const { return workers_; }
  std::shared_ptr<const session::Plan> plan() const { return plan_; }
  const config::Config& config() const { return config_; }
  const ProbeBook& probe_book() const { return probe_book_; }
  const Ejector& ejector() const { return ejector_; }
  const EjectionCounts& ejections() const { return ejections_; }
  const Departures& departures() const { return departures_; }
  bool refusing() const { return refusing_; }  // the whole balancer is drained
  const session::SessionBudget& budget() const { return budget_; }

 private:
  struct Target {
    HostPort address;
    probes::ProbeRequest request;
  };

  static backend::Health ToHealth(probes::Health health);
  static std::string TransparentTrouble(const config::Config& config);
  std::vector<std::string> Warnings(const config::Config& wanted) const;
  ReloadReport Compare(const config::Config& wanted) const;
  std::vector<std::string> HostTroubles(const config::Config& wanted) const;
  Failure Refuse(FailureCode code, const std::vector<std::string>& reasons);
  void ApplyGlobal(const config::Global& wanted);
  std::uint32_t MostSessions(const config::Global& global) const;
  void OnRegistryChange(const std::shared_ptr<const backend::Snapshot>& snapshot);
  void PublishPlan();
  void UpdateTargets();
  void OnProbeAnswer(const probes::ProbeAnswer& answer);
  void TellFull();
  void TellServerKind(const ProbeBook::Key& key, const probes::ProbeAnswer& answer);
  void WatchCertificate(const ProbeBook::Key& key, const probes::ProbeReport& report);
  void GatherCertificates();
  void RestoreCertificates();
  void OnResolved(const std::string& pool, const std::string& backend,
                  std::optional<SocketAddress> address, const std::string& error);
  void OnTick();
  Answer<BackendStatus> Present(std::string_view pool, std::string_view name) const;
  std::optional<backend::Drain> DrainUnderWay(std::string_view pool, std::string_view name) const;
  void Depart(const backend::Snapshot& before, const backend::Snapshot& after);
  void SweepDepartures();
  void Sense(TimePoint now);
  void TakeSightings();
  // Of one backend, for a process that takes over, and from one.
  void ExportSensed(handoff::BackendState& out) const;
  void RestoreSensed(const handoff::BackendState& backend);
  void OnSightings(const std::vector<session::BackendSightings>& sightings);
  void JudgeEjections(TimePoint now);
  void LogEjection(const std::string& pool, const Ejector::Change& change);
  void Pardon(std::string_view pool, std::string_view name);
  SensedStatus SensedOf(const std::string& pool, const std::string& name) const;
  std::optional<EjectionStatus> EjectionOf(const std::string& pool, const std::string& name) const;
  void BeginDrains(WallTime now);
  void RunDrains();
  void BeginDrainAll(WallTime now);
  void RunRebalances();
  void NoteRebalances(WallTime now);
  void OnMoved(const std::string& pool, const rebalance::Move& move);
  void RestoreRebalances();
  std::optional<DrainStatus> DrainOfAll() const;
  std::optional<DrainStatus> DrainOf(const backend::PoolView& pool,
                                     const backend::BackendView& backend) const;
  static DrainStatus DrainOf(const Departures::Departed& departed);
  void CloseSessions(std::string_view pool, std::string_view backend, session::CloseReason reason);

  Answer<Done> Decided(const Status& status, std::string_view what, std::string_view pool,
                       std::string_view name, const std::string& detail);
  void PrepareProber();
  void RestoreInherited();
  void ApplyOurs();
  void GatherState();
  void SaveState();
  void SaveLater();
  void SaveWhenDue();
  StateKeeper::Tables StickTables() const;

  BackendStatus ToStatus(const backend::PoolView& pool, const backend::BackendView& backend) const;
  static BackendStatus ToStatus(const std::string& pool, const Departures::Departed& departed);
  std::string NotReady() const;

  Loop& loop_;
  Logger& log_;
  config::Config config_;
  const std::string config_file_;
  const WallTime started_ = WallClock::now();
  bool stopping_ = false;
  TimePoint stop_deadline_;
  std::function<void()> stopped_;
  std::function<void(bool)> on_reload_;

  const std::uint32_t room_;
  session::SessionBudget budget_;
  Workers workers_;
  Listeners listeners_;
  std::vector<worker::Renaming> renamings_;  // for the next plan
  Listeners::Opened opened_;                 // between Open() and Start()
  PlanBuilder plan_builder_;
  std::shared_ptr<const session::Plan> plan_ = std::make_shared<const session::Plan>();
  backend::State state_;  // as it is in the file, but for the affinity
  backend::Registry registry_;
  backend::Resolver resolver_;
  std::map<ProbeBook::Key, Target> targets_;  // what the prober and the resolver were told
  std::set<ProbeBook::Key> full_;             // of which the prober was told (Prober::SetFull)
  ProbeBook probe_book_;
  CertificateBook certificate_book_;
  std::map<ProbeBook::Key, WallTime> down_;        // backends that are dead, and since when
  std::shared_ptr<const backend::Snapshot> seen_;  // the registry's, before it changed
  Departures departures_;
  StateKeeper keeper_;
  Drainer drainer_;
  rebalance::MovedClients moved_clients_;
  rebalance::Rebalancer rebalancer_;
  std::map<std::string, backend::RebalanceRun> rebalance_runs_;  // by command
  std::map<std::string, std::uint64_t> moved_;                   // sessions, of each pool
  std::set<std::string> rebalancing_;                            // pools, as last logged
  std::optional<TimePoint> unsaved_;                             // SaveLater(): since when
  Ejector ejector_;
  EjectionCounts ejections_;
  TimePoint sensed_;  // when signals were last taken
  std::optional<backend::Drain> drain_all_;
  bool refusing_ = false;  // drain_all_ has begun: listeners do not listen
  Inheritance inheritance_;
  UpgradeBook upgrades_;
  LoopThread probe_thread_;
  std::unique_ptr<probes::Prober> prober_;  // from Prepare() on
  bool probing_ = false;                    // its thread runs
  ev::timer tick_;
};

// As the API tells it.
CertificateStatus ToStatus(const CertificatePage& page);

}  // namespace sstplb::control
