// SPDX-License-Identifier: Apache-2.0
#include "lb/config/lint_farm.h"

#include <string>

#include "lb/config/names.h"
#include "lb/config/words.h"

namespace sstplb::config {
namespace {

std::string Path(const Pool& pool, const Backend& backend) {
  return "pool." + KeyText(pool.name) + ".backend." + KeyText(backend.name);
}

void Differ(std::string& text, std::string_view key, const std::string& there,
            const std::string& here) {
  if (there == here) return;
  text += (text.empty() ? "" : ", ") + std::string(key) + " is " + there + " there and " + here +
          " here";
}

// What of two pools' settings for one server cannot both be right. Weights may differ: they are a
// share of the pool's own clients.
std::string Differences(const Pool& a, const Backend& x, const Pool& b, const Backend& y) {
  std::string text;
  Differ(text, "proxy_protocol", std::string(ToWord(a.proxy_protocol)),
         std::string(ToWord(b.proxy_protocol)));
  Differ(text, "probe.server", std::string(ToWord(a.probe.server)),
         std::string(ToWord(b.probe.server)));
  Differ(text, "admin", std::string(ToWord(x.admin)), std::string(ToWord(y.admin)));
  Differ(text, "max_sessions", std::to_string(x.max_sessions), std::to_string(y.max_sessions));
  return text;
}

void Compare(Findings& out, const Pool& before, const Pool& pool, const Backend& backend) {
  for (const Backend& other : before.backends) {
    if (!(other.address == backend.address)) continue;
    const std::string differences = Differences(before, other, pool, backend);
    if (differences.empty()) continue;
    out.push_back({Severity::kWarning, "address_differs", Path(pool, backend),
                   "it is the same server as " + Path(before, other) + ", but " + differences,
                   "Give it the same settings in both pools (max_sessions counts each pool's own "
                   "sessions)"});
  }
}

}  // namespace

void LintSharedAddresses(Findings& out, const Config& config, const Pool& pool) {
  for (const Backend& backend : pool.backends) {
    for (const Pool& before : config.pools) {
      if (before.name == pool.name) break;
      Compare(out, before, pool, backend);
    }
  }
}

void LintLeaving(Findings& out, const Pool& pool) {
  const std::string key = "pool." + KeyText(pool.name);
  const ProbeKind kind = pool.probe.kind;
  if (pool.on_down == OnDown::kDrain && !pool.drain.pace && !pool.drain.within) {
    out.push_back({Severity::kWarning, "drain_open_ended", key + ".drain",
                   "neither pace nor within is set: 5 sessions of a dead backend are closed each "
                   "second, however many it has and however long that takes",
                   "Set pace to what the other backends can take, as \"20/s\", or within, as "
                   "\"10m\""});
  }
  if (pool.on_down != OnDown::kClose) return;
  if (kind == ProbeKind::kTcp || kind == ProbeKind::kExec) {
    out.push_back({Severity::kWarning, "on_down_hasty", key + ".on_down",
                   "a probe of kind " + std::string(ToWord(kind)) +
                       " cannot tell a dead server from one that is full: live tunnels of a full "
                       "server would be closed",
                   "Use probe.kind = \"sstp\", or on_down = \"keep\""});
  } else if (kind != ProbeKind::kNone && pool.probe.fall == 1) {
    out.push_back({Severity::kWarning, "on_down_hasty", key + ".on_down",
                   "with probe.fall = 1 one lost answer closes every tunnel of the backend",
                   "Use fall = 2 or more, or on_down = \"keep\""});
  }
}

}  // namespace sstplb::config
