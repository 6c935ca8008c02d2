// SPDX-License-Identifier: Apache-2.0
#include "proxyproto/parse.h"

#include <algorithm>

#include "proxyproto/parse_internal.h"

namespace sstplb::proxyproto {
namespace {

// Whether `data` starts with `prefix`, or may still come to.
bool Agrees(ByteView data, ByteView prefix) {
  const std::size_t size = std::min(data.size(), prefix.size());
  return std::equal(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size), prefix.begin());
}

}  // namespace

ParseResult Parse(ByteView data, std::size_t max_size) {
  constexpr std::size_t kShortestV1 = std::string_view("PROXY UNKNOWN\r\n").size();
  if (data.empty()) return internal::NeedMore(kShortestV1);
  if (Agrees(data, AsBytes(internal::kV1Prefix))) {
    if (data.size() < internal::kV1Prefix.size()) return internal::NeedMore(kShortestV1);
    return internal::ParseV1(data);
  }
  if (Agrees(data, kV2Signature)) {
    if (data.size() < kV2Signature.size()) return internal::NeedMore(kV2FixedSize);
    return internal::ParseV2(data, max_size);
  }
  return internal::Refuse(Verdict::kNoHeader, "the first bytes are no PROXY header");
}

}  // namespace sstplb::proxyproto
