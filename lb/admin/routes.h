// The routes of the API, one function per group; docs/api.md lists them.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/admin/json.h"
#include "lb/admin/router.h"
#include "lb/control/api.h"

namespace sstplb::admin {

// `api` must outlive the router.
void AddStatusRoutes(Router& router, control::Api& api);     // status, pools, explain
void AddBackendRoutes(Router& router, control::Api& api);    // backends…
void AddRebalanceRoutes(Router& router, control::Api& api);  // pools/…/rebalance
void AddSessionRoutes(Router& router, control::Api& api);    // sessions…
void AddEventRoutes(Router& router, control::Api& api);      // events
void AddConfigRoutes(Router& router, control::Api& api);     // config, reload
void AddWatchRoutes(Router& router, control::Api& api);      // /metrics, /healthz, /readyz
void AddDashboardRoutes(Router& router);                     // /, /app.js, /style.css

inline Router MakeRouter(control::Api& api) {
  Router router;
  AddStatusRoutes(router, api);
  AddBackendRoutes(router, api);
  AddRebalanceRoutes(router, api);
  AddSessionRoutes(router, api);
  AddEventRoutes(router, api);
  AddConfigRoutes(router, api);
  AddWatchRoutes(router, api);
  AddDashboardRoutes(router);
  return router;
}

// Either the failure or the value as JSON.
template <class T>
Response Respond(const control::Answer<T>& answer, int status = 200) {
  if (!answer) return ErrorResponse(answer.error());
  return JsonResponse(ToJson(*answer), status);
}

}  // namespace sstplb::admin
