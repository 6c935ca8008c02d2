// Router: which function answers which method and path. Pure; no regular expressions.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lb/admin/message.h"

namespace sstplb::admin {

// Filled once, then only read: Handle() may be called from any thread.
class Router {
 public:
  // The parts of the path that stand for "{}" in the pattern, in order.
  using Parts = std::vector<std::string>;
  using Handler = std::function<Response(const Request& request, const Parts& parts)>;

  // `pattern`: "/api/v1/backends/{}/{}".
  void Add(std::string_view method, std::string_view pattern, Handler handler);

  // 404 for a path nobody has, 405 with Allow for a method the path does not have.
  Response Handle(const Request& request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> pattern;
    Handler handler;
  };
  std::vector<Route> routes_;
};

// "/a//b/" is {"a", "b"}.
std::vector<std::string> SplitPath(std::string_view path);

}  // namespace sstplb::admin
