// The state file with many clients in it: what the control loop waits for, and what its thread
// does.
//
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "lb/control/affinity.h"
#include "lb/control/state_keeper.h"

namespace sstplb::control {
namespace {

namespace fs = std::filesystem;

// A file in a folder of its own, and a table with so many clients, half of them with a session.
class Farm {
 public:
  explicit Farm(std::int64_t clients)
      : table_(std::make_shared<balance::StickTable>(std::chrono::hours(8))) {
    std::string name = (fs::temp_directory_path() / "sstplb-bench-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    for (std::uint32_t i = 0; i < clients; ++i) {
      const auto client =
          IpAddress::V4({10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                         static_cast<std::uint8_t>(i)});
      table_->Remember(client, "vpn" + std::to_string(i % 10), Clock::now());
      if (i % 2 == 0) table_->SessionEnded(client, Clock::now());
    }
  }
  ~Farm() { fs::remove_all(folder_); }

  std::string Path() const { return (folder_ / "state").string(); }
  StateKeeper::Tables Tables() const { return {{"main", table_}}; }
  std::vector<backend::PoolAffinity> Affinity() const {
    return ToAffinity({{"main", table_->Export(Clock::now())}}, WallClock::now());
  }
  static backend::State Decision() {
    backend::State state;
    state.decisions = {{.pool = "main", .backend = "vpn1", .weight = 7u}};
    return state;
  }

 private:
  std::shared_ptr<balance::StickTable> table_;
  fs::path folder_;
};

// On the thread: the table into the words of the file.
void StateWords(benchmark::State& state) {
  const Farm farm(state.range(0));
  for (auto _ : state) {
    auto text = backend::FormatAffinity(farm.Affinity());
    benchmark::DoNotOptimize(text);
  }
}

// In the control loop: a decision, with that list in the file, on the disk.
void StateDecision(benchmark::State& state) {
  const Farm farm(state.range(0));
  const auto log = Logger::Null();
  {
    StateKeeper keeper(*log);
    (void)keeper.Begin(farm.Path());
    keeper.Finish(farm.Tables());
  }
  StateKeeper keeper(*log);
  (void)keeper.Begin(farm.Path());
  for (auto _ : state) keeper.Save(Farm::Decision());
  if (fs::file_size(farm.Path()) < 20 * static_cast<std::uint64_t>(state.range(0))) {
    state.SkipWithError("the list is not in the file");
  }
}

// At the start: the file read and its clients in a table.
void StateRead(benchmark::State& state) {
  const Farm farm(state.range(0));
  backend::State kept = Farm::Decision();
  kept.affinity = farm.Affinity();
  if (!backend::SaveStateFile(farm.Path(), kept, WallClock::now())) {
    state.SkipWithError("cannot write");
  }
  backend::Snapshot snapshot;
  snapshot.pools.push_back({.name = "main"});
  for (int i = 0; i < 10; ++i) {
    snapshot.pools[0].backends.push_back({.name = "vpn" + std::to_string(i)});
  }
  for (auto _ : state) {
    const auto read = backend::LoadStateFile(farm.Path(), WallClock::now());
    balance::StickTable table{std::chrono::hours(8)};
    table.Restore(ToSticks(read->affinity, snapshot, WallClock::now())[0].entries, Clock::now());
    if (table.Size() == 0) state.SkipWithError("nothing came back");
  }
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1000)->Arg(100000)->Unit(benchmark::kMillisecond)->UseRealTime();
}
BENCHMARK(StateWords)->Apply(Sizes);
BENCHMARK(StateDecision)->Apply(Sizes);
BENCHMARK(StateRead)->Apply(Sizes);

}  // namespace
}  // namespace sstplb::control
