// Sessions: list with filters and pages, show and close.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/newest.h"
#include "lb/admin/query.h"
#include "lb/admin/routes.h"

namespace sstplb::admin {
namespace {

using Parts = Router::Parts;  // {id}

constexpr std::uint64_t kMaxLimit = 1000;
constexpr std::size_t kDefaultLimit = 100;

session::SessionFilter ReadFilter(Query& query) {
  session::SessionFilter filter;
  filter.pool = query.Text("pool");
  filter.backend = query.Text("backend");
  filter.listener = query.Text("listener");
  filter.sni = query.Text("sni");
  const std::string source = query.Text("source");
  if (!source.empty()) {
    filter.source = Cidr::Parse(source);
    if (!filter.source) query.Fail("source", "must be an address or a block, as 10.0.0.0/8");
  }
  if (!filter.backend.empty() && filter.pool.empty()) {
    query.Fail("backend", "needs pool as well: two pools may have a backend of one name");
  }
  filter.older = query.SecondsOf("older_seconds");
  filter.idle = query.SecondsOf("idle_seconds");
  const std::string liveness = query.Text("liveness");
  if (!liveness.empty()) {
    filter.liveness = session::LivenessFromString(liveness);
    if (!filter.liveness) {
      query.Fail("liveness", "must be one of: handshaking, established, quiet, one_way, dead");
    }
  }
  return filter;
}

Response List(control::Api& api, const Request& request) {
  Query query(request);
  const session::SessionFilter filter = ReadFilter(query);
  const std::string after_text = query.Text("after");
  const auto after = session::ParseSessionId(after_text.empty() ? "0" : after_text);
  if (!after) query.Fail("after", "must be a session id");
  const std::size_t limit = query.Number("limit", kMaxLimit).value_or(kDefaultLimit);
  const std::string order = query.Text("order");
  if (!order.empty() && order != "id" && order != "newest") {
    query.Fail("order", "must be one of: id, newest");
  }
  if (order == "newest" && !after_text.empty()) {
    query.Fail("after", "pages go by id: leave order or after out");
  }
  if (limit == 0) query.Fail("limit", "must be from 1 to 1000");
  if (const auto problem = query.Problem()) return ErrorResponse(*problem);
  if (order == "newest") return Respond(NewestSessions(api, filter, limit));
  return Respond(api.GetSessions(filter, *after, limit));
}

Response CloseMatching(control::Api& api, const Request& request) {
  Query query(request);
  const session::SessionFilter filter = ReadFilter(query);
  const bool all = request.query.empty();
  if (const auto problem = query.Problem()) return ErrorResponse(*problem);
  if (all) return ErrorResponse(400, "invalid", "give a filter: closing every session is refused");
  const control::Answer<std::uint64_t> closed = api.CloseSessions(filter);
  if (!closed) return ErrorResponse(closed.error());
  return JsonResponse(ClosedJson(*closed));
}

Response NoSuchSession() {
  return ErrorResponse(404, "not_found", "no such session: it may have ended");
}

Response Show(control::Api& api, const Parts& parts) {
  session::SessionFilter filter;
  filter.id = session::ParseSessionId(parts[0]);
  if (!filter.id) return ErrorResponse(400, "invalid", "a session id is hexadecimal", "id");
  const control::Answer<control::SessionPage> page = api.GetSessions(filter, 0, 1);
  if (!page) return ErrorResponse(page.error());
  if (page->sessions.empty()) return NoSuchSession();
  return JsonResponse(ToJson(page->sessions.front()));
}

Response Close(control::Api& api, const Parts& parts) {
  session::SessionFilter filter;
  filter.id = session::ParseSessionId(parts[0]);
  if (!filter.id) return ErrorResponse(400, "invalid", "a session id is hexadecimal", "id");
  const control::Answer<std::uint64_t> closed = api.CloseSessions(filter);
  if (!closed) return ErrorResponse(closed.error());
  if (*closed == 0) return NoSuchSession();
  return JsonResponse(ClosedJson(*closed));
}

}  // namespace

void AddSessionRoutes(Router& router, control::Api& api) {
  router.Add("GET", "/api/v1/sessions",
             [&api](const Request& request, const Parts&) { return List(api, request); });
  router.Add("DELETE", "/api/v1/sessions",
             [&api](const Request& request, const Parts&) { return CloseMatching(api, request); });
  router.Add("GET", "/api/v1/sessions/{}",
             [&api](const Request&, const Parts& parts) { return Show(api, parts); });
  router.Add("DELETE", "/api/v1/sessions/{}",
             [&api](const Request&, const Parts& parts) { return Close(api, parts); });
}

}  // namespace sstplb::admin
