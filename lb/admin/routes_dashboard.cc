// The dashboard: three fixed files.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/dashboard.h"
#include "lb/admin/routes.h"

namespace sstplb::admin {
namespace {

Router::Handler File(std::string_view content, std::string_view type) {
  return [content, type](const Request&, const Router::Parts&) {
    Response response;
    response.content_type = type;
    response.body = content;
    return response;
  };
}

}  // namespace

void AddDashboardRoutes(Router& router) {
  router.Add("GET", "/", File(kDashboardHtml, "text/html; charset=utf-8"));
  router.Add("GET", "/app.js", File(kDashboardScript, "text/javascript; charset=utf-8"));
  router.Add("GET", "/style.css", File(kDashboardStyle, "text/css; charset=utf-8"));
}

}  // namespace sstplb::admin
