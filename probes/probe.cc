// SPDX-License-Identifier: Apache-2.0
#include "probes/probe.h"

#include <utility>

#include "probes/exec_probe.h"
#include "probes/http_probe.h"
#include "probes/sstp_probe.h"
#include "probes/tcp_probe.h"
#include "probes/tls_probe.h"

namespace sstplb::probes {
namespace {

config::ProxyProtocol ResolveProxyProtocol(const config::Pool& pool) {
  switch (pool.probe.proxy_protocol) {
    case config::ProbeProxyProtocol::kSame:
      return pool.proxy_protocol;
    case config::ProbeProxyProtocol::kNone:
      return config::ProxyProtocol::kNone;
    case config::ProbeProxyProtocol::kV1:
      return config::ProxyProtocol::kV1;
    case config::ProbeProxyProtocol::kV2:
      return config::ProxyProtocol::kV2;
  }
  return config::ProxyProtocol::kNone;
}

}  // namespace

ProbeRequest MakeRequest(const config::Config& config, const config::Pool& pool,
                         const config::Backend& backend, std::optional<SocketAddress> address) {
  ProbeRequest request;
  request.pool = pool.name;
  request.backend = backend.name;
  request.address = address;
  request.settings = pool.probe;
  request.server_name = config::ProbeServerName(config, pool);
  request.proxy_protocol = ResolveProxyProtocol(pool);
  for (const IpAddress& source : pool.source) {
    if (!address || source.is_v4() != address->ip.is_v4()) continue;
    request.source = source;
    break;
  }
  return request;
}

std::unique_ptr<Probe> MakeProbe(Loop& loop, TlsContexts& contexts, ProbeRequest request) {
  switch (request.settings.kind) {
    case config::ProbeKind::kTls:
      return std::make_unique<TlsProbe>(loop, contexts, std::move(request));
    case config::ProbeKind::kSstp:
      return std::make_unique<SstpProbe>(loop, contexts, std::move(request));
    case config::ProbeKind::kHttp:
      return std::make_unique<HttpProbe>(loop, contexts, std::move(request));
    case config::ProbeKind::kExec:
      return std::make_unique<ExecProbe>(loop, std::move(request));
    case config::ProbeKind::kNone:
    case config::ProbeKind::kTcp:
      break;
  }
  return std::make_unique<TcpProbe>(loop, contexts, std::move(request));
}

}  // namespace sstplb::probes
