// Commands about backends; draining can be waited for.
//
// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <thread>

#include "lb/cli/commands.h"
#include "lb/cli/show.h"

namespace sstplb::cli {
namespace {

using namespace std::chrono_literals;

constexpr int kNotFound = 404;
constexpr Duration kClosingTime = 15s;  // how long closing the rest at the deadline may take

// One line that is drawn again on a terminal; elsewhere a line for every change.
class ProgressLine {
 public:
  ProgressLine(Console& console, bool silent) : console_(console), silent_(silent) {}

  void Show(const DrainProgress& progress) {
    if (silent_) return;
    most_ = std::max(most_, progress.remaining);
    if (console_.terminal) {
      const std::string line = progress.name + ": " + Bar(progress.remaining) + progress.text;
      if (line == drawn_) return;
      console_.out << "\r\x1b[K" << line << std::flush;
      drawn_ = line;
    } else if (progress.remaining != last_ || progress.waiting != waited_) {
      console_.out << progress.name << ": " << progress.text << std::endl;
    }
    last_ = progress.remaining;
    waited_ = progress.waiting;
  }

  void End() {
    if (!drawn_.empty()) console_.out << "\n";
    drawn_.clear();
  }

 private:
  // "[######--------------] ": how many of those that were there are gone.
  std::string Bar(std::uint64_t remaining) const {
    constexpr std::uint64_t kWidth = 20;
    const std::uint64_t gone = most_ == 0 ? kWidth : (most_ - remaining) * kWidth / most_;
    return "[" + std::string(gone, '#') + std::string(kWidth - gone, '-') + "] ";
  }

  Console& console_;
  bool silent_;
  std::string drawn_;
  std::optional<std::uint64_t> last_;
  bool waited_ = false;
  std::uint64_t most_ = 0;
};

// What is drained: where it is begun, where it is looked at, and how that is read.
struct Drained {
  std::string path;
  std::string look;
  DrainProgress (*read)(std::string_view json);
  Show show;
};

// Looks until it is empty, the deadline has passed or the drain is over otherwise.
class DrainWatch {
 public:
  DrainWatch(Session& session, Drained what)
      : session_(session), what_(std::move(what)), line_(session.console, session.json) {}

  int Wait(const std::string& body) {
    const Result<Reply> started = session_.client.Ask("POST", what_.path, {}, body);
    if (const std::optional<int> result = Look(started)) return *result;
    return Watch();
  }

  // What has begun already.
  int Watch() {
    while (true) {
      std::this_thread::sleep_for(session_.console.wait_step);
      if (const auto result = Look(session_.client.Ask("GET", what_.look))) return *result;
    }
  }

 private:
  // The exit code, or nullopt to look again.
  std::optional<int> Look(const Result<Reply>& reply) {
    if (!reply || reply->status != 200) {
      if (reply && reply->status == kNotFound && removed_) return End(kDone);
      line_.End();
      return reply ? Complain(session_, *reply) : NoDaemon(session_, reply.error());
    }
    try {
      const std::optional<int> result = Judge(what_.read(reply->body));
      if (result && session_.json) session_.console.out << reply->body;
      return result;
    } catch (const std::exception&) {
      line_.End();
      return Print(session_, reply->body, what_.show);  // which says what is wrong
    }
  }

  std::optional<int> Judge(const DrainProgress& now) {
    line_.Show(now);
    if (now.deadline) deadline_ = now.deadline;
    const bool late = deadline_ && WallClock::now() >= *deadline_;
    removed_ = now.removed;
    if (now.waiting) return std::nullopt;
    if (now.remaining == 0) return End(late && last_ > 0 ? TimedOut() : kDone);
    if (!now.draining) {
      return End(Refused("the drain was taken back before it was done"));
    }
    if (late && WallClock::now() >= *deadline_ + kClosingTime) {
      return End(Refused("the time is up, and sessions are still there"));
    }
    last_ = now.remaining;
    return std::nullopt;
  }

  int TimedOut() {
    return Refused("the time was up: the last " + std::to_string(last_) + " were closed");
  }
  int Refused(const std::string& why) {
    line_.End();
    session_.console.err << why << "\n";
    return kRefused;
  }
  int End(int result) {
    line_.End();
    return result;
  }

  Session& session_;
  Drained what_;
  ProgressLine line_;
  std::optional<WallTime> deadline_;
  std::uint64_t last_ = 0;
  bool removed_ = false;
};

}  // namespace

int ListBackends(Session& session, const std::string& pool) {
  Parameters parameters;
  if (!pool.empty()) parameters.emplace_back("pool", pool);
  return Perform(session, "GET", "/api/v1/backends", parameters, "", ShowBackends);
}

int AddBackend(Session& session, const AddOptions& o) {
  const std::string body =
      AddBody(o.backend.pool, o.backend.name, o.address, o.weight, o.max_sessions, o.disabled);
  return Perform(session, "POST", "/api/v1/backends", {}, body, ShowBackend);
}

int RemoveBackend(Session& session, const RemoveOptions& options) {
  Parameters parameters;
  if (options.force) parameters.emplace_back("force", "1");
  const std::string path = options.backend.Path();
  const int removed = Perform(session, "DELETE", path, parameters, "", ShowNothing);
  if (removed != kDone || session.json) return removed;
  // It is there as long as it has sessions.
  const Result<Reply> left = session.client.Ask("GET", path);
  if (!left || left->status != 200) return kDone;
  if (!options.wait) return Print(session, left->body, ShowBackend);
  return DrainWatch(session, {path, path, ReadDrain, ShowBackend}).Watch();
}

int SetAdmin(Session& session, const BackendName& backend, std::string_view state) {
  const std::string body = "{\"admin\":\"" + std::string(state) + "\"}";
  return Perform(session, "PATCH", backend.Path(), {}, body, ShowBackend);
}

int SetWeight(Session& session, const BackendName& backend, unsigned weight) {
  const std::string body = "{\"weight\":" + std::to_string(weight) + "}";
  return Perform(session, "PATCH", backend.Path(), {}, body, ShowBackend);
}

int ResetBackend(Session& session, const BackendName& backend) {
  return Perform(session, "POST", backend.Path() + "/reset", {}, "", ShowNothing);
}

int Rebalance(Session& session, const RebalanceOptions& options) {
  const std::string path = "/api/v1/pools/" + Encode(options.pool) + "/rebalance";
  if (options.dry_run) return Perform(session, "GET", path, {}, "", ShowRebalance);
  if (options.stop) return Perform(session, "DELETE", path, {}, "", ShowRebalance);
  const std::string body = RebalanceBody(options.per_second, options.within);
  return Perform(session, "POST", path, {}, body, ShowRebalance);
}

namespace {

int Drain(Session& session, const Drained& what, const DrainOptions& options) {
  if (options.undo) return Perform(session, "DELETE", what.path, {}, "", what.show);
  const std::string body = DrainBody(options.within, options.pace, options.idle_first, options.at);
  if (!options.wait) return Perform(session, "POST", what.path, {}, body, what.show);
  return DrainWatch(session, what).Wait(body);
}

}  // namespace

int DrainBackend(Session& session, const DrainOptions& options) {
  const std::string path = options.backend.Path();
  return Drain(session, {path + "/drain", path, ReadDrain, ShowBackend}, options);
}

int DrainAll(Session& session, const DrainOptions& options) {
  return Drain(session, {"/api/v1/drain", "/api/v1/status", ReadDrainOfAll, ShowStatus}, options);
}

}  // namespace sstplb::cli
