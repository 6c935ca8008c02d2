// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/router.h"

#include <algorithm>
#include <optional>

namespace sstplb::admin {
namespace {

std::optional<Router::Parts> Match(const std::vector<std::string>& pattern,
                                   const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  Router::Parts parts;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (pattern[i] == "{}") {
      parts.push_back(path[i]);
    } else if (pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return parts;
}

}  // namespace

std::vector<std::string> SplitPath(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) out.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return out;
}

void Router::Add(std::string_view method, std::string_view pattern, Handler handler) {
  routes_.push_back({std::string(method), SplitPath(pattern), std::move(handler)});
}

Response Router::Handle(const Request& request) const {
  std::string allow;
  for (const Route& route : routes_) {
    const std::optional<Parts> parts = Match(route.pattern, request.path);
    if (!parts) continue;
    if (route.method == request.method) return route.handler(request, *parts);
    allow += (allow.empty() ? "" : ", ") + route.method;
  }
  if (allow.empty()) {
    return ErrorResponse(404, "not_found", "nothing is served under this path");
  }
  Response response = ErrorResponse(405, "method_not_allowed", "this path takes only " + allow);
  response.headers.emplace_back("Allow", allow);
  return response;
}

}  // namespace sstplb::admin
