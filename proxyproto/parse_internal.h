// What the two halves of the parser share; included by parse*.cc only.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <utility>

#include "proxyproto/parse.h"

namespace sstplb::proxyproto::internal {

inline constexpr std::string_view kV1Prefix = "PROXY ";

// `data` starts with kV1Prefix, or with kV2Signature; Parse() has seen to it.
ParseResult ParseV1(ByteView data);
ParseResult ParseV2(ByteView data, std::size_t max_size);

inline ParseResult NeedMore(std::size_t size) {
  ParseResult result;
  result.size = size;
  return result;
}

inline ParseResult Ok(std::size_t size, Header header) {
  ParseResult result;
  result.verdict = Verdict::kOk;
  result.size = size;
  result.header = std::move(header);
  return result;
}

inline ParseResult Refuse(Verdict verdict, std::string_view why) {
  ParseResult result;
  result.verdict = verdict;
  result.why = why;
  return result;
}

inline ParseResult Bad(std::string_view why) { return Refuse(Verdict::kBad, why); }

}  // namespace sstplb::proxyproto::internal
