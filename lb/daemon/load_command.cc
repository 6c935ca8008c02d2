// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/load_command.h"

#include <cstdio>
#include <utility>

#include "lb/base/loop.h"
#include "lb/daemon/host.h"
#include "lb/daemon/interrupts.h"
#include "lb/daemon/lookup.h"
#include "lb/load/generator.h"
#include "lb/load/limits.h"

namespace sstplb::daemon {
namespace {

constexpr int kGood = 0;
constexpr int kNotGood = 1;
constexpr int kNotAllowed = 2;

int Fail(int code, const Error& error) {
  std::fprintf(stderr, "sstplb load: %s\n", error.message.c_str());
  return code;
}

// Passes everything on, and ends the loop with the report.
class Ending final : public load::Watcher {
 public:
  Ending(Loop& loop, load::Watcher& watcher) : loop_(loop), watcher_(watcher) {}

  void OnPhase(const load::Progress& progress) override { watcher_.OnPhase(progress); }
  void OnProgress(const load::Progress& progress) override { watcher_.OnProgress(progress); }
  void OnReport(const load::Report& report) override {
    good_ = report.Good();
    watcher_.OnReport(report);
    loop_.Stop();
  }
  bool good() const { return good_; }

 private:
  Loop& loop_;
  load::Watcher& watcher_;
  bool good_ = false;
};

}  // namespace

int RunLoad(const HostPort& target, load::Options options, load::Watcher& watcher) {
  Loop loop;
  const Result<SocketAddress> server = Resolve(loop, target);
  if (!server) return Fail(kNotGood, server.error());
  options.server = *server;
  RaiseOpenFiles();
  for (const Status& allowed :
       {CheckLimits(options, load::ReadHostLimits()), CheckSources(options)}) {
    if (!allowed) return Fail(kNotAllowed, allowed.error());
  }
  Ending ending(loop, watcher);
  load::Generator generator(loop, std::move(options), ending);
  const Interrupts interrupts(loop, [&generator] { generator.Stop(); });
  const Status started = generator.Start();
  if (!started) return Fail(kNotGood, started.error());
  loop.Run();
  return ending.good() ? kGood : kNotGood;
}

}  // namespace sstplb::daemon
