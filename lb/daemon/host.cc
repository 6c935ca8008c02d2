// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/host.h"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "lb/config/host_check.h"
#include "lb/session/buffers.h"

namespace sstplb::daemon {

std::uint64_t RaiseOpenFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

std::uint32_t MaxSessions(const config::Global& global, std::uint32_t workers,
                          std::uint64_t open_files) {
  static_assert(config::kDescriptorsPerWorker > 2 * session::Buffers::kMaxPipes);
  static_assert(config::kPipeBytesPerWorker ==
                session::Buffers::kMaxPipes * session::Buffers::kPipeSize);
  const std::uint64_t reserve =
      config::kDescriptorReserve + workers * config::kDescriptorsPerWorker;
  const std::uint64_t usable = open_files > reserve ? open_files - reserve : 0;
  std::uint64_t most = std::max<std::uint64_t>(1, usable / config::kDescriptorsPerSession);
  if (global.max_sessions != 0) most = std::min<std::uint64_t>(most, global.max_sessions);
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(most, std::numeric_limits<std::int32_t>::max()));
}

namespace {

// Capabilities that came by inheritance (a successor's, AmbientCapabilities= of a unit) are this
// process's alone: what it starts, an exec probe above all, is not to have them.
void KeepToOurselves() {
  if (capng_get_caps_process() != 0) return;
  for (unsigned cap = 0; cap <= CAP_LAST_CAP; ++cap) {
    capng_update(CAPNG_DROP, CAPNG_INHERITABLE, cap);
  }
  capng_apply(CAPNG_SELECT_CAPS);  // an ambient one goes with it
}

}  // namespace

Status DropPrivileges(const config::Config& config) {
  if (geteuid() != 0) KeepToOurselves();
  const std::string& user = config.global.user;
  if (user.empty()) return Done{};
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) {
    return Error{"global.user: there is no user \"" + user +
                 "\" on this host; create it, or leave " + "the key empty"};
  }
  if (geteuid() != 0) {
    if (entry->pw_uid == geteuid()) return Done{};
    return Error{"global.user: only root can become " + user + "; start as root or as that user"};
  }
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  if (initgroups(user.c_str(), gid) != 0) {
    return Error{"global.user: cannot take the groups of " + user};
  }
  capng_clear(CAPNG_SELECT_BOTH);
  constexpr auto kKept = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
  capng_update(CAPNG_ADD, kKept, CAP_NET_BIND_SERVICE);
  const bool transparent = std::any_of(config.pools.begin(), config.pools.end(),
                                       [](const config::Pool& pool) { return pool.transparent; });
  if (transparent) capng_update(CAPNG_ADD, kKept, CAP_NET_ADMIN);
  if (capng_change_id(static_cast<int>(uid), static_cast<int>(gid), CAPNG_NO_FLAG) != 0) {
    return Error{"global.user: cannot become " + user + " with the capabilities that are needed"};
  }
  return Done{};
}

void GiveTo(const std::string& user, const std::string& path) {
  if (user.empty() || geteuid() != 0) return;
  const passwd* entry = getpwnam(user.c_str());
  // DropPrivileges() says what is wrong with the user.
  if (entry != nullptr) (void)!::chown(path.c_str(), entry->pw_uid, entry->pw_gid);
}

}  // namespace sstplb::daemon
