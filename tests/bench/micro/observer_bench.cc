// What the record observer costs a session: the handshake that it sees, in the portions of a relay.
//
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <algorithm>

#include "lb/tls/record_observer.h"
#include "tests/dialogue/handshake.h"

namespace sstplb::tls {
namespace {

void ObserveHandshake(benchmark::State& state) {
  Bytes hello = dialogue::Record(311);
  hello.front() = dialogue::kHandshakeRecord;
  const Bytes server = dialogue::ServerFlight();
  const Bytes client = dialogue::ClientFlight();
  for (auto _ : state) {
    RecordObserver observer;
    observer.FromClient(hello);
    observer.FromServer(server);
    observer.FromClient(client);
    if (!observer.facts().handshake_done) state.SkipWithError("no handshake seen");
    benchmark::DoNotOptimize(observer);
  }
}
BENCHMARK(ObserveHandshake);

void ObserveHandshakeInPieces(benchmark::State& state) {
  Bytes hello = dialogue::Record(311);
  hello.front() = dialogue::kHandshakeRecord;
  const Bytes server = dialogue::ServerFlight();
  const Bytes client = dialogue::ClientFlight();
  const auto piece = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    RecordObserver observer;
    observer.FromClient(hello);
    for (ByteView rest(server); !rest.empty();) {
      const std::size_t size = std::min(piece, rest.size());
      observer.FromServer(rest.first(size));
      rest = rest.subspan(size);
    }
    observer.FromClient(client);
    if (!observer.facts().handshake_done) state.SkipWithError("no handshake seen");
  }
}
BENCHMARK(ObserveHandshakeInPieces)->Arg(1)->Arg(100);

}  // namespace
}  // namespace sstplb::tls
