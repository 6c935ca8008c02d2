// SPDX-License-Identifier: Apache-2.0
#include "lb/session/status.h"

#include <charconv>

namespace sstplb::session {

std::string ToString(SessionId id) {
  char text[17];
  const auto end = std::to_chars(text, text + sizeof text, id, 16).ptr;
  return {text, end};
}

std::optional<SessionId> ParseSessionId(std::string_view text) {
  SessionId id = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, id, 16);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return id;
}

std::string_view ToString(Phase phase) {
  constexpr std::string_view kNames[] = {"greeting", "queued", "connecting", "relaying",
                                         "finishing"};
  return kNames[static_cast<std::size_t>(phase)];
}

bool SessionFilter::Matches(const SessionStatus& session) const {
  return (!id || *id == session.id) && (pool.empty() || pool == session.pool) &&
         (backend.empty() || backend == session.backend) &&
         (listener.empty() || listener == session.listener) &&
         (sni.empty() || sni == session.sni) && (!source || source->Contains(session.client.ip)) &&
         (!older || session.age >= *older) && (!idle || session.idle >= *idle) &&
         (!liveness || session.liveness == liveness);
}

bool SessionFilter::IsEmpty() const {
  return !id && pool.empty() && backend.empty() && listener.empty() && sni.empty() && !source &&
         !older && !idle && !liveness;
}

}  // namespace sstplb::session
