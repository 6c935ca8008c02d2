// SPDX-License-Identifier: Apache-2.0
#include "probes/server_hint.h"

#include <optional>
#include <string_view>

#include "probes/server_kind.h"

namespace sstplb::probes {
namespace {

using config::ServerKind;

// A row is for one kind of server, or for those that no row of their own speaks of.
struct StatusRow {
  int status;
  std::optional<ServerKind> server;
  std::string_view hint;
};
constexpr StatusRow kStatusRows[] = {
    {301, ServerKind::kAccelPpp,
     "accel-ppp sends this to who is no SSTP client to it (http-error): its host-name is another"},
    {401, {}, "the path is not the one of SSTP: leave probe.path empty"},
    {403, {}, "a web server or a filter in front answers for it"},
    {404, ServerKind::kAccelPpp,
     "its host-name is another than the Host that the probe shows: set probe.sni to it"},
    {404, {}, "the server does not know this path or this host name: see probe.path and probe.sni"},
    {501, ServerKind::kSoftEther, "SSTP is switched off there: ProtoOptionsSet SSTP in vpncmd"},
    {501, {}, "the server does not do SSTP; on SoftEther it is switched off"},
    {503, {}, "the server is overloaded or out of ports"},
};

// Which status RRAS has for it is in no document: whatever no row of its own has.
constexpr std::string_view kRrasFull =
    "RRAS is out of ports, which it tells by an HTTP error, or its service is stopped: see its WAN "
    "Miniport";

struct OutcomeRow {
  Outcome outcome;
  ServerKind server;
  std::string_view hint;
};
constexpr OutcomeRow kOutcomeRows[] = {
    {Outcome::kClosedAtOnce, ServerKind::kAccelPpp,
     "accel-ppp does so when max-sessions or max-starting is reached, when connlimit has had "
     "enough "
     "of this address, and with accept=proxy when no PROXY header comes"},
    {Outcome::kClosedAtOnce, ServerKind::kSstpServer,
     "with --proxy-protocol it waits for a PROXY header, and speaks no TLS then"},
    {Outcome::kProxyRejected, ServerKind::kRras,
     "RRAS reads no PROXY header: use proxy_protocol = \"none\""},
    {Outcome::kProxyRejected, ServerKind::kSoftEther,
     "SoftEther reads no PROXY header: use proxy_protocol = \"none\""},
    {Outcome::kProxyRejected, ServerKind::kSstpServer,
     "sstp-server reads a PROXY header only where it speaks no TLS: use proxy_protocol = \"none\""},
    {Outcome::kProxyRejected, ServerKind::kAccelPpp,
     "accel-ppp is full (max-sessions, max-starting, connlimit), or lacks accept=ssl,proxy"},
    {Outcome::kHttpClosed, ServerKind::kAccelPpp,
     "accel-ppp with http-error=deny does so to who is no SSTP client to it: its host-name is "
     "another, set probe.sni to it"},
    {Outcome::kHttpTimeout, ServerKind::kSoftEther,
     "Debian's own package of SoftEther never answers SSTP: run a build of upstream's"},
    {Outcome::kServerFull, ServerKind::kSstpServer,
     "all addresses of its --remote network are given out"},
    {Outcome::kServerFull, ServerKind::kAccelPpp, "its address pool or max-sessions is used up"},
    {Outcome::kCallTimeout, ServerKind::kSstpServer,
     "sstp-server does not answer a call that it does not like; see its log"},
};

std::string_view OfStatus(ServerKind server, int status) {
  const bool known = status == 401 || status == 404;
  if (server == ServerKind::kRras && status >= 400 && !known) return kRrasFull;
  for (const StatusRow& row : kStatusRows) {
    if (row.status == status && (!row.server || row.server == server)) return row.hint;
  }
  return status >= 500 ? "the server itself is in trouble; see its log" : "";
}

std::string_view OfAlert(const ProbeRequest& request, ServerKind server) {
  const bool name = server == ServerKind::kAccelPpp || server == ServerKind::kAuto;
  if (request.server_name.empty() && name) {
    return "no server name was shown, which accel-ppp with host-name refuses: set probe.sni";
  }
  if (server != ServerKind::kAccelPpp) return {};
  return "with host-name accel-ppp refuses other names: set probe.sni to it";
}

}  // namespace

std::string ServerHint(const ProbeRequest& request, const ProbeReport& report) {
  if (request.settings.kind != config::ProbeKind::kSstp || report.good()) return {};
  const std::string& learned = report.server_kind.empty() ? request.learned : report.server_kind;
  const ServerKind server = TreatedAs(request.settings.server, learned);
  if (report.outcome == Outcome::kHttpStatus) {
    return std::string(OfStatus(server, report.http_status));
  }
  if (report.outcome == Outcome::kTlsAlert) return std::string(OfAlert(request, server));
  for (const OutcomeRow& row : kOutcomeRows) {
    if (row.outcome == report.outcome && row.server == server) return std::string(row.hint);
  }
  return {};
}

}  // namespace sstplb::probes
