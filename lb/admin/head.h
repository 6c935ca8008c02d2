// Head: the first look at a request, before the HTTP library sees a byte of it.
//
// The library reads bodies of unknown length until the connection ends, unpacks compressed ones
// without a bound and matches some headers with a recursive regular expression. Here is decided
// how many bytes it gets, and what it never gets. Pure.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "lb/admin/message.h"

namespace sstplb::admin {

inline constexpr std::size_t kMaxHead = 16 * 1024;
inline constexpr std::size_t kMaxTarget = 4096;
inline constexpr std::size_t kMaxBody = 64 * 1024;

struct NeedMore {};
struct Head {
  std::string text;           // up to and with the empty line, without what is not passed on
  std::size_t size = 0;       // how many bytes of the input it was
  std::size_t body_size = 0;  // how many bytes follow; without Content-Length none
};
using HeadVerdict = std::variant<NeedMore, Head, Response>;  // a Response refuses

HeadVerdict InspectHead(std::string_view input);

// A whole answer, for what is refused before the library is asked.
std::string Render(const Response& response);

}  // namespace sstplb::admin
