// Client: asks the running balancer at its admin socket.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lb/base/result.h"

namespace sstplb::cli {

struct Reply {
  int status = 0;
  std::string body;
};

// Parameters of a URL; encoded by the client.
using Parameters = std::vector<std::pair<std::string, std::string>>;

class Client {
 public:
  explicit Client(std::string socket) : socket_(std::move(socket)) {}

  // Errors say that, and why, no balancer answers. Waits 20 s at most.
  Result<Reply> Ask(std::string_view method, const std::string& path,
                    const Parameters& parameters = {}, const std::string& body = "") const;

  // Server-sent events: calls `on_data` with the data of each until it returns false or the
  // balancer ends, which is an error. A status other than 200 is returned.
  Result<Reply> Follow(const std::string& path, const Parameters& parameters,
                       const std::function<bool(std::string_view data)>& on_data) const;

 private:
  // Why there was no answer, with what to do.
  Error Explain(bool timed_out) const;

  std::string socket_;
};

// "%2F" for "/": one part of a path, or a parameter.
std::string Encode(std::string_view text);

}  // namespace sstplb::cli
