// Request and Response: what the routes see of HTTP. The library that speaks it stays in door.cc.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lb/control/api.h"

namespace sstplb::admin {

struct Request {
  std::string method;             // a HEAD is a GET here
  std::vector<std::string> path;  // "/api/v1/pools" is {"api", "v1", "pools"}; decoded
  std::multimap<std::string, std::string> query;
  std::string body;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // Set instead of `body` for an answer that goes on: called until it returns nullopt, on the
  // connection's own thread. Gives what to send next; "" when there is nothing yet. One call takes
  // well under a second, so that a stopping server is not held up.
  std::function<std::optional<std::string>()> follow;
};

// What every answer of the server carries: nothing may be framed, kept, guessed or loaded from
// elsewhere.
std::span<const std::pair<std::string_view, std::string_view>> StandardHeaders();

Response JsonResponse(std::string json, int status = 200);
Response TextResponse(std::string text, int status = 200);

// {"error": {"code": …, "message": …, "field": …}}
Response ErrorResponse(int status, std::string_view code, std::string_view message,
                       std::string_view field = "");
Response ErrorResponse(const control::Failure& failure);

}  // namespace sstplb::admin
