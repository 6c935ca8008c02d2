// Rebalancing a pool: look, begin, end.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/query.h"
#include "lb/admin/routes.h"

namespace sstplb::admin {
namespace {

using Parts = Router::Parts;  // {pool}

Response Get(control::Api& api, const Request& request, const Parts& parts) {
  if (const auto problem = Query(request).Problem()) return ErrorResponse(*problem);
  return Respond(api.GetRebalance(parts[0]));
}

Response Begin(control::Api& api, const Request& request, const Parts& parts) {
  const control::Answer<control::RebalanceWish> wish = ParseRebalance(request.body);
  if (!wish) return ErrorResponse(wish.error());
  return Respond(api.BeginRebalance(parts[0], *wish));
}

}  // namespace

void AddRebalanceRoutes(Router& router, control::Api& api) {
  const std::string path = "/api/v1/pools/{}/rebalance";
  router.Add("GET", path, [&api](const Request& request, const Parts& parts) {
    return Get(api, request, parts);
  });
  router.Add("POST", path, [&api](const Request& request, const Parts& parts) {
    return Begin(api, request, parts);
  });
  router.Add("DELETE", path, [&api](const Request&, const Parts& parts) {
    return Respond(api.EndRebalance(parts[0]));
  });
}

}  // namespace sstplb::admin
