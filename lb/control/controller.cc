// SPDX-License-Identifier: Apache-2.0
#include "lb/control/controller.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <utility>

#include "lb/config/words.h"
#include "lb/control/affinity.h"
#include "lb/session/tcp_socket.h"
#include "probes/server_kind.h"

namespace sstplb::control {
namespace {

// How often drains and the deadline of stopping are looked at.
constexpr Duration kTick = std::chrono::milliseconds(200);
constexpr Duration kSaveLater = std::chrono::seconds(30);
// How long probes that are under way may take to end politely when the balancer stops.
constexpr Duration kProbesEnd = std::chrono::seconds(3);

}  // namespace

backend::Health Controller::ToHealth(probes::Health health) {
  switch (health) {
    case probes::Health::kUp:
      return backend::Health::kUp;
    case probes::Health::kDown:
      return backend::Health::kDown;
    case probes::Health::kUnknown:
      break;
  }
  return backend::Health::kUnknown;
}

Controller::Controller(Loop& loop, Logger& log, config::Config config, std::string config_file,
                       std::uint32_t room)
    : loop_(loop),
      log_(log),
      config_(std::move(config)),
      config_file_(std::move(config_file)),
      room_(room),
      budget_(MostSessions(config_.global)),
      listeners_(worker::WorkerCount(config_.global.workers)),
      registry_([this](const auto& snapshot) { OnRegistryChange(snapshot); }),
      resolver_(loop,
                [this](const std::string& pool, const std::string& backend,
                       std::optional<SocketAddress> address,
                       const std::string& error) { OnResolved(pool, backend, address, error); }),
      keeper_(log),
      drainer_(loop, workers_),
      rebalancer_(
          loop, workers_, moved_clients_,
          [this](const std::string& pool, const rebalance::Move& move) { OnMoved(pool, move); }),
      probe_thread_("prober"),
      tick_(loop.ev()) {
  const std::uint32_t count = worker::WorkerCount(config_.global.workers);
  for (std::uint32_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<worker::Worker>(i, log_, budget_, count));
  }
  tick_.set<Controller, &Controller::OnTick>(this);
}

Controller::~Controller() {
  tick_.stop();
  if (probing_) {
    auto closed = std::make_shared<std::promise<void>>();
    probe_thread_.loop().Post(
        [this, closed] { prober_->Shutdown([closed] { closed->set_value(); }); });
    closed->get_future().wait_for(kProbesEnd);
  }
  probe_thread_.Join();
  prober_.reset();
  for (const auto& worker : workers_) worker->Stop();
  if (unsaved_ || certificate_book_.TakeNews()) SaveState();
  keeper_.Finish(StickTables());
}

Status Controller::Open(std::vector<InheritedSocket> passed) {
  std::string misfits;
  for (const std::string& misfit : listeners_.Inherit(std::move(passed), config_)) {
    misfits += (misfits.empty() ? "" : "\n") + misfit;
  }
  if (!misfits.empty()) return Error{misfits};
  opened_ = listeners_.Open(config_, inheritance_.TakeSockets(), inheritance_.theirs());
  std::string all = TransparentTrouble(config_);
  for (const std::string& failure : opened_.failures) all += (all.empty() ? "" : "\n") + failure;
  if (all.empty()) return Done{};
  return Error{all};
}

// "" when this process may do what the pools want of it; else what it cannot.
std::string Controller::TransparentTrouble(const config::Config& config) {
  const auto pool =
      std::ranges::find_if(config.pools, [](const config::Pool& p) { return p.transparent; });
  if (pool == config.pools.end() || session::MayBeTransparent()) return "";
  return "pool." + pool->name +
         ".source: \"transparent\" needs CAP_NET_ADMIN, which this process does not have; start "
         "the daemon as root with it (global.user keeps it), or give the capability "
         "(AmbientCapabilities= in the unit)";
}

void Controller::PrepareProber() {
  probes::Prober::Options options;
  options.seed = static_cast<std::uint64_t>(started_.time_since_epoch().count()) ^
                 static_cast<std::uint64_t>(getpid());
  prober_ = std::make_unique<probes::Prober>(
      probe_thread_.loop(), options, [this](const probes::ProbeAnswer& answer) {
        loop_.Post([this, answer] { OnProbeAnswer(answer); });
      });
}

void Controller::Prepare() {
  PrepareProber();
  if (inheritance_.unsettled()) return RestoreInherited();
  state_ = keeper_.Begin(config_.global.state_file);
  RestoreRebalances();
  registry_.Restore(state_.decisions);
  registry_.ApplyConfig(config_);
  RestoreCertificates();
  plan_builder_.RestoreSticks(ToSticks(state_.affinity, *registry_.snapshot(), WallClock::now()),
                              Clock::now());
  state_.affinity.clear();  // the tables know better from here on
}

void Controller::Start() {
  if (prober_ == nullptr) Prepare();
  if (inheritance_.unsettled()) ApplyOurs();
  for (const auto& worker : workers_) worker->Start();
  listeners_.Apply(config_, std::move(opened_), workers_);
  if (refusing_) Listeners::StopListening(workers_);
  opened_ = {};
  TellFull();
  probe_thread_.Start();
  probing_ = true;
  tick_.start(EvSeconds(kTick), EvSeconds(kTick));
}

void Controller::BeginStop(Duration grace, std::function<void()> done) {
  stopping_ = true;
  stop_deadline_ = Clock::now() + grace;
  stopped_ = std::move(done);
  listeners_.CloseAll(workers_);
  PublishPlan();
  log_.Event(LogLevel::kInfo, "stopping",
             {{"sessions", budget_.active()}, {"grace", FormatDuration(grace)}});
  OnTick();
}

void Controller::OnTick() {
  if (upgrades_.handing_over()) return;
  RunDrains();
  RunRebalances();
  Sense(Clock::now());
  SweepDepartures();
  TellFull();
  SaveWhenDue();
  auto sticks = StickTables();
  for (const auto& [pool, table] : sticks) table->Expire(Clock::now());
  keeper_.Tick(Clock::now(), std::move(sticks));
  if (!stopped_) return;
  if (budget_.active() > 0 && Clock::now() < stop_deadline_) return;
  std::exchange(stopped_, nullptr)();
}

void Controller::OnRegistryChange(const std::shared_ptr<const backend::Snapshot>& snapshot) {
  if (seen_ != nullptr) Depart(*seen_, *snapshot);
  seen_ = snapshot;
  PublishPlan();
  UpdateTargets();
}

void Controller::PublishPlan() {
  plan_ = plan_builder_.Build(config_, *registry_.snapshot(), stopping_ || refusing_);
  const auto renamings = std::exchange(renamings_, {});
  for (const auto& worker : workers_) {
    worker->Post([plan = plan_, renamings](worker::Worker& w) {
      for (const worker::Renaming& renaming : renamings) w.RenameSockets(renaming);
      w.SetPlan(plan);
    });
  }
}

// Tells the prober and the resolver which backends there are now, where that has changed.
void Controller::UpdateTargets() {
  std::map<ProbeBook::Key, Target> wanted;
  const config::Config effective = registry_.Effective(config_);
  for (const config::Pool& pool : effective.pools) {
    const backend::PoolView* view = registry_.snapshot()->Find(pool.name);
    for (const config::Backend& backend : pool.backends) {
      const backend::BackendView* seen = view == nullptr ? nullptr : view->Find(backend.name);
      const auto resolved = seen == nullptr ? std::nullopt : seen->resolved;
      wanted[{pool.name, backend.name}] = {backend.address,
                                           probes::MakeRequest(effective, pool, backend, resolved)};
    }
  }
  for (const auto& [key, target] : targets_) {
    if (wanted.contains(key)) continue;
    resolver_.Remove(key.first, key.second);
    probe_book_.Remove(key);
    certificate_book_.Remove(key);
    down_.erase(key);
    ejector_.Forget(key);
    std::erase_if(ejections_, [&k = key](const auto& count) {
      return std::get<0>(count.first) == k.first && std::get<1>(count.first) == k.second;
    });
    full_.erase(key);
    probe_thread_.loop().Post([this, k = key] {
      prober_->Remove({k.first, k.second});
      prober_->SetFull({k.first, k.second}, false);
    });
  }
  for (const auto& [key, target] : wanted) {
    const auto before = targets_.find(key);
    if (before == targets_.end() || before->second.address != target.address) {
      ejector_.Forget(key);
      // From a task of its own: an address is reported at once, and changes the registry again.
      loop_.Post([this, k = key, address = target.address] {
        if (targets_.contains(k)) resolver_.Set(k.first, k.second, address);
      });
    }
    if (before == targets_.end() || before->second.request != target.request) {
      if (target.request.settings.kind == config::ProbeKind::kNone) {
        probe_book_.Remove(key);
        certificate_book_.Remove(key);
      }
      probe_thread_.loop().Post([this, request = target.request] { prober_->Set(request); });
    }
  }
  targets_ = std::move(wanted);
}

void Controller::OnProbeAnswer(const probes::ProbeAnswer& answer) {
  const ProbeBook::Key key(answer.request.pool, answer.request.backend);
  if (!targets_.contains(key)) return;  // removed while the probe was under way
  TellServerKind(key, answer);
  probe_book_.Record(key, answer);
  WatchCertificate(key, answer.report);
  if (answer.changed()) {
    const bool down = answer.state.health() == probes::Health::kDown;
    log_.Event(down ? LogLevel::kWarning : LogLevel::kInfo,
               "backend " + key.first + "/" + key.second, probes::AnswerFields(answer));
    registry_.SetHealth(key.first, key.second, ToHealth(answer.state.health()));
    JudgeEjections(Clock::now());  // one that is ejected may be needed now
  }
  if (answer.died) down_.try_emplace(key, WallClock::now());
  if (answer.state.health() == probes::Health::kUp) down_.erase(key);
  const config::Pool* pool = config_.FindPool(key.first);
  if (answer.died && pool != nullptr && pool->on_down == config::OnDown::kClose) {
    CloseSessions(key.first, key.second, session::CloseReason::kBackendDown);
  }
}

// Once for each server that a backend turns out to be.
void Controller::TellServerKind(const ProbeBook::Key& key, const probes::ProbeAnswer& answer) {
  const std::string was = probe_book_.ServerKindOf(key);
  if (answer.server_kind.empty() || answer.server_kind == was) return;
  const config::ServerKind configured = answer.request.settings.server;
  const bool other = !probes::ServerKindNote(configured, answer.server_kind).empty();
  log_.Event(other ? LogLevel::kWarning : LogLevel::kInfo, "server learned",
             {{"backend", key.first + "/" + key.second},
              {"server", answer.server_kind},
              {"was", was.empty() ? "-" : was},
              {"configured", config::ToWord(configured)}});
}

void Controller::OnResolved(const std::string& pool, const std::string& backend,
                            std::optional<SocketAddress> address, const std::string& error) {
  if (!error.empty()) {
    log_.Event(LogLevel::kWarning, "resolve failed",
               {{"backend", pool + "/" + backend},
                {"kept", address ? address->ToString() : "-"},
                {"error", error}});
  }
  const backend::PoolView* view = registry_.snapshot()->Find(pool);
  const backend::BackendView* known = view == nullptr ? nullptr : view->Find(backend);
  if (known != nullptr && address && address != known->resolved) {
    log_.Event(LogLevel::kInfo, "resolved",
               {{"backend", pool + "/" + backend},
                {"address", address->ToString()},
                {"was", known->resolved ? known->resolved->ToString() : "-"}});
  }
  registry_.SetResolved(pool, backend, address);
}

void Controller::CloseSessions(std::string_view pool, std::string_view backend,
                               session::CloseReason reason) {
  const backend::PoolView* view = registry_.snapshot()->Find(pool);
  const backend::BackendView* seen = view == nullptr ? nullptr : view->Find(backend);
  if (seen == nullptr || seen->load->active.load(std::memory_order_relaxed) == 0) return;
  session::SessionFilter filter;
  filter.pool = pool;
  filter.backend = backend;
  for (const auto& worker : workers_) {
    worker->Post([filter, reason](worker::Worker& w) { w.CloseMatching(filter, reason); });
  }
}

// But for the affinity.
void Controller::GatherState() {
  state_.decisions = registry_.decisions();
  state_.moved = moved_clients_.Export();
  state_.rebalances.clear();
  for (const auto& [pool, run] : rebalance_runs_) state_.rebalances.push_back(run);
  GatherCertificates();
}

// What can wait goes into the file now and then.
void Controller::SaveWhenDue() {
  if (certificate_book_.TakeNews()) SaveLater();
  if (unsaved_ && Clock::now() - *unsaved_ >= kSaveLater) SaveState();
}

void Controller::SaveLater() {
  if (!unsaved_) unsaved_ = Clock::now();
}

void Controller::SaveState() {
  GatherState();
  keeper_.Save(state_);
  unsaved_.reset();
}

StateKeeper::Tables Controller::StickTables() const {
  StateKeeper::Tables tables;
  for (const config::Pool& pool : config_.pools) {
    if (auto table = plan_builder_.Sticks(pool.name)) {
      tables.emplace_back(pool.name, std::move(table));
    }
  }
  return tables;
}

}  // namespace sstplb::control
