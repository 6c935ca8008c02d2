// What runs, and where a client would go.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/query.h"
#include "lb/admin/routes.h"

namespace sstplb::admin {
namespace {

Response GetStatus(control::Api& api, const Request& request) {
  if (const auto problem = Query(request).Problem()) return ErrorResponse(*problem);
  return Respond(api.GetStatus());
}

Response DrainAll(control::Api& api, const Request& request) {
  const control::Answer<control::DrainWish> wish = ParseDrain(request.body);
  if (!wish) return ErrorResponse(wish.error());
  return Respond(api.DrainAll(*wish));
}

Response GetPools(control::Api& api, const Request& request) {
  if (const auto problem = Query(request).Problem()) return ErrorResponse(*problem);
  return Respond(api.GetPools());
}

Response GetExplanation(control::Api& api, const Request& request) {
  Query query(request);
  control::ExplainRequest ask;
  const std::string source = query.Text("source");
  const std::optional<IpAddress> ip = IpAddress::Parse(source);
  if (!ip) query.Fail("source", "must be the IP address of a client");
  ask.source = ip.value_or(IpAddress());
  ask.sni = query.Text("sni");
  ask.listener = query.Text("listener");
  ask.alpn = query.Texts("alpn");
  if (const auto problem = query.Problem()) return ErrorResponse(*problem);
  return Respond(api.Explain(ask));
}

}  // namespace

void AddStatusRoutes(Router& router, control::Api& api) {
  router.Add("GET", "/api/v1/status",
             [&api](const Request& request, const auto&) { return GetStatus(api, request); });
  router.Add("POST", "/api/v1/drain",
             [&api](const Request& request, const auto&) { return DrainAll(api, request); });
  router.Add("DELETE", "/api/v1/drain",
             [&api](const Request&, const auto&) { return Respond(api.UndrainAll()); });
  router.Add("GET", "/api/v1/pools",
             [&api](const Request& request, const auto&) { return GetPools(api, request); });
  router.Add("GET", "/api/v1/explain",
             [&api](const Request& request, const auto&) { return GetExplanation(api, request); });
}

}  // namespace sstplb::admin
