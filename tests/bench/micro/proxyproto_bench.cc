// Writing the PROXY header that goes ahead of a session, as pools ask for it.
//
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <array>

#include "lb/base/bytes.h"
#include "proxyproto/encode.h"

namespace sstplb::proxyproto {
namespace {

const SocketAddress kClient{IpAddress::V4({198, 51, 100, 7}), 50123};
const SocketAddress kServer{IpAddress::V4({203, 0, 113, 1}), 443};

template <class Encode>
void EncodeOver(benchmark::State& state, Encode encode) {
  Bytes out;
  for (auto _ : state) {
    out.clear();
    encode(out);
    benchmark::DoNotOptimize(out.data());
  }
  if (out.empty()) state.SkipWithError("nothing was written");
}

void ProxyV1(benchmark::State& state) {
  EncodeOver(state, [](Bytes& out) { EncodeV1(kClient, kServer, out); });
}
BENCHMARK(ProxyV1);

void ProxyV2(benchmark::State& state) {
  EncodeOver(state, [](Bytes& out) { EncodeV2(kClient, kServer, {}, out); });
}
BENCHMARK(ProxyV2);

// What a pool sends by default: authority, unique-id, crc32c.
void ProxyV2WithFields(benchmark::State& state) {
  const std::array<TlvView, 3> fields = {
      TlvView{tlv_type::kAuthority, AsBytes("vpn.example.com")},
      TlvView{tlv_type::kUniqueId, AsBytes("sstplb-1234567890abcdef")},
      TlvView{tlv_type::kCrc32c, {}}};
  EncodeOver(state, [&](Bytes& out) { EncodeV2(kClient, kServer, fields, out); });
}
BENCHMARK(ProxyV2WithFields);

}  // namespace
}  // namespace sstplb::proxyproto
