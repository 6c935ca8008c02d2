// The running configuration, reading it anew, and handing over to a new process.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/query.h"
#include "lb/admin/routes.h"

namespace sstplb::admin {
namespace {

Response Export(control::Api& api, const Request& request) {
  if (const auto problem = Query(request).Problem()) return ErrorResponse(*problem);
  const control::Answer<std::string> toml = api.ExportConfig();
  if (!toml) return ErrorResponse(toml.error());
  return JsonResponse(ConfigJson(*toml));
}

Response Reload(control::Api& api, const Request& request) {
  Query query(request);
  const bool dry_run = query.Flag("dry_run");
  if (const auto problem = query.Problem()) return ErrorResponse(*problem);
  const control::Answer<Done> nothing = ParseNothing(request.body);
  if (!nothing) return ErrorResponse(nothing.error());
  return Respond(api.Reload(dry_run));
}

Response Upgrade(control::Api& api, const Request& request) {
  if (const auto problem = Query(request).Problem()) return ErrorResponse(*problem);
  const control::Answer<Done> nothing = ParseNothing(request.body);
  if (!nothing) return ErrorResponse(nothing.error());
  const control::Answer<std::int64_t> pid = api.Upgrade();
  if (!pid) return ErrorResponse(pid.error());
  return JsonResponse(StartedJson(*pid), 202);
}

}  // namespace

void AddConfigRoutes(Router& router, control::Api& api) {
  router.Add("GET", "/api/v1/config",
             [&api](const Request& request, const auto&) { return Export(api, request); });
  router.Add("POST", "/api/v1/reload",
             [&api](const Request& request, const auto&) { return Reload(api, request); });
  router.Add("POST", "/api/v1/upgrade",
             [&api](const Request& request, const auto&) { return Upgrade(api, request); });
}

}  // namespace sstplb::admin
