// Picking a backend out of ten, a hundred and a thousand, by every policy, and making the policy.
//
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "lb/balance/make_policy.h"
#include "tests/balance/farm.h"

namespace sstplb::balance {
namespace {

using config::Balance;

// Everybody carries something, nobody the same as his neighbour.
void SpreadLoad(FakeLoads& loads) {
  std::uint32_t sessions = 100;
  for (std::uint32_t& active : loads.active) active = 100 + (sessions += 7) % 13;
}

void PickAll(benchmark::State& state, const Policy& policy, std::size_t members,
             std::string_view why) {
  FakeLoads loads(members);
  SpreadLoad(loads);
  Candidates out;
  std::uint32_t client = 0;
  for (auto _ : state) {
    policy.Pick(Client(++client % 10000), loads, out);
    benchmark::DoNotOptimize(out);
  }
  if (out.why() != why) state.SkipWithError("picked in another way than this is about");
}

void Pick(benchmark::State& state, Balance balance, double max_load, std::string_view why) {
  const auto members = static_cast<std::size_t>(state.range(0));
  const auto policy = MakePolicy(balance, EqualFarm(members), max_load);
  PickAll(state, *policy, members, why);
}

// The key included: ClientKey() of the address.
void Sizes(benchmark::internal::Benchmark* benchmark) { benchmark->Arg(10)->Arg(100)->Arg(1000); }
BENCHMARK_CAPTURE(Pick, consistent_hash, Balance::kConsistentHash, 0, "hash")->Apply(Sizes);
BENCHMARK_CAPTURE(Pick, consistent_hash_max_load, Balance::kConsistentHash, 1.25, "hash")
    ->Apply(Sizes);
BENCHMARK_CAPTURE(Pick, source_ip_new, Balance::kSourceIp, 0, "least_sessions")->Apply(Sizes);
BENCHMARK_CAPTURE(Pick, least_sessions, Balance::kLeastSessions, 0, "least_sessions")->Apply(Sizes);
BENCHMARK_CAPTURE(Pick, round_robin, Balance::kRoundRobin, 0, "turn")->Apply(Sizes);

void PickRemembered(benchmark::State& state) {
  const auto members = static_cast<std::size_t>(state.range(0));
  const auto table = std::make_shared<StickTable>(std::chrono::hours(8));
  for (std::uint32_t i = 0; i < 10000; ++i) {
    const Key key = Client(i);
    table->Remember(key.source, "vpn" + std::to_string(1 + i % members), key.now);
  }
  const auto policy = MakePolicy(Balance::kSourceIp, EqualFarm(members), 0, table);
  PickAll(state, *policy, members, "remembered");
}
BENCHMARK(PickRemembered)->Apply(Sizes);

void MakeMaglev(benchmark::State& state) {
  const auto members = EqualFarm(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(MakePolicy(Balance::kConsistentHash, members, 1.25));
  }
}
BENCHMARK(MakeMaglev)->Apply(Sizes)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sstplb::balance
