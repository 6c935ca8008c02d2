// Reading a ClientHello: from one that fits a packet to one that comes in records and crumbs.
//
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "lb/tls/client_hello.h"
#include "lb/tls/ja4.h"

namespace sstplb::tls {
namespace {

Bytes Vector(const std::string& name) {
  std::ifstream file(std::string(SSTPLB_TEST_VECTORS) + "/hello/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void Hello(benchmark::State& state, const std::string& name) {
  const Bytes stream = Vector(name);
  for (auto _ : state) {
    HelloReader reader;
    if (reader.Look(stream) != HelloVerdict::kParsed) state.SkipWithError("not parsed");
    benchmark::DoNotOptimize(reader.hello().sni);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(stream.size()));
}
BENCHMARK_CAPTURE(Hello, openssl, "ossl-default.bin");
BENCHMARK_CAPTURE(Hello, sstp_client, "sstpc.bin");
BENCHMARK_CAPTURE(Hello, chromium, "chromium-2-c2.bin");
BENCHMARK_CAPTURE(Hello, firefox, "firefox.bin");
BENCHMARK_CAPTURE(Hello, two_records, "split-2rec-half-ossl.bin");
BENCHMARK_CAPTURE(Hello, four_records_of_16k, "large-65000-4rec-snilast.bin");

// As a slow client sends it: so many bytes more at every look.
void HelloInPieces(benchmark::State& state) {
  const Bytes stream = Vector("ossl-default.bin");
  const auto piece = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    HelloReader reader;
    for (std::size_t have = piece; have < stream.size() + piece; have += piece) {
      reader.Look(ByteView(stream).first(std::min(have, stream.size())));
    }
    if (reader.verdict() != HelloVerdict::kParsed) state.SkipWithError("not parsed");
  }
}
BENCHMARK(HelloInPieces)->Arg(1)->Arg(100);

void Ja4OfHello(benchmark::State& state) {
  const Bytes stream = Vector("ossl-default.bin");
  HelloReader reader;
  if (reader.Look(stream) != HelloVerdict::kParsed) return state.SkipWithError("not parsed");
  for (auto _ : state) benchmark::DoNotOptimize(Ja4(reader.hello()));
}
BENCHMARK(Ja4OfHello);

}  // namespace
}  // namespace sstplb::tls
