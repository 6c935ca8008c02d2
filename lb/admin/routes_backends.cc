// Backends: list, add, remove, change, drain and reset.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/query.h"
#include "lb/admin/routes.h"

namespace sstplb::admin {
namespace {

using Parts = Router::Parts;  // {pool, name}

Response List(control::Api& api, const Request& request) {
  Query query(request);
  const std::string pool = query.Text("pool");
  if (const auto problem = query.Problem()) return ErrorResponse(*problem);
  control::Answer<std::vector<control::PoolStatus>> pools = api.GetPools();
  if (!pools) return ErrorResponse(pools.error());
  if (!pool.empty()) {
    const auto other = [&](const control::PoolStatus& p) { return p.name != pool; };
    std::erase_if(*pools, other);
    if (pools->empty()) return ErrorResponse(404, "not_found", "no pool \"" + pool + "\"", "pool");
  }
  return JsonResponse(BackendsJson(*pools));
}

Response Add(control::Api& api, const Request& request) {
  const control::Answer<NewBackend> wanted = ParseNewBackend(request.body);
  if (!wanted) return ErrorResponse(wanted.error());
  Response response = Respond(api.AddBackend(wanted->pool, wanted->backend), 201);
  if (response.status == 201) {
    response.headers.emplace_back("Location",
                                  "/api/v1/backends/" + wanted->pool + "/" + wanted->backend.name);
  }
  return response;
}

Response Get(control::Api& api, const Parts& parts) {
  return Respond(api.GetBackend(parts[0], parts[1]));
}

Response Change(control::Api& api, const Request& request, const Parts& parts) {
  const control::Answer<control::BackendChange> change = ParseBackendChange(request.body);
  if (!change) return ErrorResponse(change.error());
  return Respond(api.ChangeBackend(parts[0], parts[1], *change));
}

// What is gone or forgotten has nothing to show.
Response Empty(const control::Answer<Done>& answer) {
  if (!answer) return ErrorResponse(answer.error());
  return JsonResponse("{}");
}

Response Remove(control::Api& api, const Request& request, const Parts& parts) {
  Query query(request);
  const bool force = query.Flag("force");
  if (const auto problem = query.Problem()) return ErrorResponse(*problem);
  return Empty(api.RemoveBackend(parts[0], parts[1], force));
}

Response Drain(control::Api& api, const Request& request, const Parts& parts) {
  const control::Answer<control::DrainWish> wish = ParseDrain(request.body);
  if (!wish) return ErrorResponse(wish.error());
  return Respond(api.DrainBackend(parts[0], parts[1], *wish));
}

Response Reset(control::Api& api, const Request& request, const Parts& parts) {
  const control::Answer<Done> nothing = ParseNothing(request.body);
  if (!nothing) return ErrorResponse(nothing.error());
  return Empty(api.ResetBackend(parts[0], parts[1]));
}

}  // namespace

void AddBackendRoutes(Router& router, control::Api& api) {
  const std::string one = "/api/v1/backends/{}/{}";
  router.Add("GET", "/api/v1/backends",
             [&api](const Request& request, const Parts&) { return List(api, request); });
  router.Add("POST", "/api/v1/backends",
             [&api](const Request& request, const Parts&) { return Add(api, request); });
  router.Add("GET", one, [&api](const Request&, const Parts& parts) { return Get(api, parts); });
  router.Add("PATCH", one, [&api](const Request& request, const Parts& parts) {
    return Change(api, request, parts);
  });
  router.Add("DELETE", one, [&api](const Request& request, const Parts& parts) {
    return Remove(api, request, parts);
  });
  router.Add("POST", one + "/drain", [&api](const Request& request, const Parts& parts) {
    return Drain(api, request, parts);
  });
  router.Add("DELETE", one + "/drain", [&api](const Request&, const Parts& parts) {
    return Respond(api.UndrainBackend(parts[0], parts[1]));
  });
  router.Add("POST", one + "/reset", [&api](const Request& request, const Parts& parts) {
    return Reset(api, request, parts);
  });
}

}  // namespace sstplb::admin
