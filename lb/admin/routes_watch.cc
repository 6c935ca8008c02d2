// For machines that watch: metrics, liveness and readiness.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/routes.h"

namespace sstplb::admin {
namespace {

Response Metrics(control::Api& api) {
  const control::Answer<std::string> text = api.GetMetrics();
  if (!text) return ErrorResponse(text.error());
  Response response = TextResponse(*text);
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

// Alive is who still answers questions; what the answer is does not matter here.
Response Health(control::Api& api) {
  const control::Answer<control::DaemonStatus> status = api.GetStatus();
  if (!status) return TextResponse("no answer: " + status.error().message + "\n", 503);
  return TextResponse("ok\n");
}

Response Readiness(control::Api& api) {
  const control::Answer<control::DaemonStatus> status = api.GetStatus();
  if (!status) return TextResponse("not ready: " + status.error().message + "\n", 503);
  if (status->stopping) return TextResponse("not ready: stopping\n", 503);
  if (!status->ready) return TextResponse("not ready: " + status->not_ready + "\n", 503);
  return TextResponse("ready\n");
}

}  // namespace

void AddWatchRoutes(Router& router, control::Api& api) {
  router.Add("GET", "/metrics", [&api](const Request&, const auto&) { return Metrics(api); });
  router.Add("GET", "/healthz", [&api](const Request&, const auto&) { return Health(api); });
  router.Add("GET", "/readyz", [&api](const Request&, const auto&) { return Readiness(api); });
}

}  // namespace sstplb::admin
