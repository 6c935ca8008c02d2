// SPDX-License-Identifier: Apache-2.0
#include "lb/config/words.h"

namespace sstplb::config {
namespace {

constexpr Word<PoolOrRefuse> kPoolOrRefuse[] = {{PoolOrRefuse::kPool, "pool"},
                                                {PoolOrRefuse::kRefuse, "refuse"}};
constexpr Word<Balance> kBalance[] = {{Balance::kConsistentHash, "consistent-hash"},
                                      {Balance::kSourceIp, "source-ip"},
                                      {Balance::kLeastSessions, "least-sessions"},
                                      {Balance::kRoundRobin, "round-robin"}};
constexpr Word<HashKey> kHashKey[] = {{HashKey::kSource, "source"},
                                      {HashKey::kSourceAndSni, "source-and-sni"}};
constexpr Word<ProxyProtocol> kProxyProtocol[] = {
    {ProxyProtocol::kNone, "none"}, {ProxyProtocol::kV1, "v1"}, {ProxyProtocol::kV2, "v2"}};
constexpr Word<ProxyTlv> kProxyTlv[] = {{ProxyTlv::kAuthority, "authority"},
                                        {ProxyTlv::kAlpn, "alpn"},
                                        {ProxyTlv::kUniqueId, "unique-id"},
                                        {ProxyTlv::kCrc32c, "crc32c"}};
constexpr Word<OnDown> kOnDown[] = {
    {OnDown::kKeep, "keep"}, {OnDown::kDrain, "drain"}, {OnDown::kClose, "close"}};
constexpr Word<OnOverload> kOnOverload[] = {{OnOverload::kAlert, "alert"},
                                            {OnOverload::kReset, "reset"}};
constexpr Word<AdminState> kAdminState[] = {{AdminState::kActive, "active"},
                                            {AdminState::kDraining, "draining"},
                                            {AdminState::kDisabled, "disabled"}};
constexpr Word<ProbeKind> kProbeKind[] = {{ProbeKind::kNone, "none"}, {ProbeKind::kTcp, "tcp"},
                                          {ProbeKind::kTls, "tls"},   {ProbeKind::kSstp, "sstp"},
                                          {ProbeKind::kHttp, "http"}, {ProbeKind::kExec, "exec"}};
constexpr Word<ServerKind> kServerKind[] = {{ServerKind::kAuto, "auto"},
                                            {ServerKind::kRras, "rras"},
                                            {ServerKind::kSoftEther, "softether"},
                                            {ServerKind::kAccelPpp, "accel-ppp"},
                                            {ServerKind::kSstpServer, "sstp-server"},
                                            {ServerKind::kMikrotik, "mikrotik"}};
constexpr Word<ProbeDepth> kProbeDepth[] = {{ProbeDepth::kPost, "post"},
                                            {ProbeDepth::kCall, "call"}};
constexpr Word<Verify> kVerify[] = {
    {Verify::kNone, "none"}, {Verify::kChain, "chain"}, {Verify::kName, "name"}};
constexpr Word<ProbeProxyProtocol> kProbeProxyProtocol[] = {{ProbeProxyProtocol::kSame, "same"},
                                                            {ProbeProxyProtocol::kNone, "none"},
                                                            {ProbeProxyProtocol::kV1, "v1"},
                                                            {ProbeProxyProtocol::kV2, "v2"}};
constexpr Word<LogLevel> kLogLevel[] = {{LogLevel::kDebug, "debug"},
                                        {LogLevel::kInfo, "info"},
                                        {LogLevel::kWarning, "warning"},
                                        {LogLevel::kError, "error"}};
constexpr Word<LogFormat> kLogFormat[] = {{LogFormat::kLogfmt, "logfmt"},
                                          {LogFormat::kJson, "json"}};

}  // namespace

template <>
std::span<const Word<PoolOrRefuse>> Words() {
  return kPoolOrRefuse;
}
template <>
std::span<const Word<Balance>> Words() {
  return kBalance;
}
template <>
std::span<const Word<HashKey>> Words() {
  return kHashKey;
}
template <>
std::span<const Word<ProxyProtocol>> Words() {
  return kProxyProtocol;
}
template <>
std::span<const Word<ProxyTlv>> Words() {
  return kProxyTlv;
}
template <>
std::span<const Word<OnDown>> Words() {
  return kOnDown;
}
template <>
std::span<const Word<OnOverload>> Words() {
  return kOnOverload;
}
template <>
std::span<const Word<AdminState>> Words() {
  return kAdminState;
}
template <>
std::span<const Word<ProbeKind>> Words() {
  return kProbeKind;
}
template <>
std::span<const Word<ServerKind>> Words() {
  return kServerKind;
}
template <>
std::span<const Word<ProbeDepth>> Words() {
  return kProbeDepth;
}
template <>
std::span<const Word<Verify>> Words() {
  return kVerify;
}
template <>
std::span<const Word<ProbeProxyProtocol>> Words() {
  return kProbeProxyProtocol;
}
template <>
std::span<const Word<LogLevel>> Words() {
  return kLogLevel;
}
template <>
std::span<const Word<LogFormat>> Words() {
  return kLogFormat;
}

}  // namespace sstplb::config
