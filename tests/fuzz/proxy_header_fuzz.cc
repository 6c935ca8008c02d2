// PROXY headers from hostile bytes: the parser stays within them, answers alike however much of a
// header has come, and reads back what the encoder writes.
// Seeds: pp
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "proxyproto/encode.h"
#include "proxyproto/parse.h"

namespace {

using sstplb::Bytes;
using sstplb::ByteView;
using namespace sstplb::proxyproto;

void Check(bool holds) {
  if (!holds) std::abort();
}

// A prefix may ask for more; if it says anything else, that is the answer for good.
void CheckPrefix(ByteView data, std::size_t size, const ParseResult& whole) {
  // The exact allocation lets the sanitizer see a byte read too far.
  const Bytes cut(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size));
  const ParseResult prefix = Parse(cut);
  if (prefix.verdict == Verdict::kNeedMore) {
    Check(prefix.size > size);
    if (whole.verdict == Verdict::kOk) Check(prefix.size <= whole.size);
    return;
  }
  Check(prefix.verdict == whole.verdict);
  Check(prefix.size == whole.size && prefix.header == whole.header);
}

void CheckRoundTrip(const Header& header) {
  if (!header.source || header.transport != Transport::kStream) return;
  Bytes line;
  EncodeV1(*header.source, *header.destination, line);
  const ParseResult v1 = Parse(line);
  Check(v1.verdict == Verdict::kOk && v1.size == line.size());
  Check(v1.header.source == header.source && v1.header.destination == header.destination);

  std::vector<TlvView> fields;
  for (const Tlv& tlv : header.tlvs) fields.push_back({tlv.type, tlv.value});
  Bytes binary;
  EncodeV2(*header.source, *header.destination, fields, binary);
  Check(binary.size() <= kMaxEncodedSize);
  const ParseResult v2 = Parse(binary);
  Check(v2.verdict == Verdict::kOk && v2.size == binary.size());
  Check(v2.header.source == header.source && v2.header.destination == header.destination);
  Check(v2.header.tlvs.size() <= header.tlvs.size());

  Bytes again;
  fields.clear();
  for (const Tlv& tlv : v2.header.tlvs) fields.push_back({tlv.type, tlv.value});
  EncodeV2(*v2.header.source, *v2.header.destination, fields, again);
  Check(again == binary);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const ParseResult whole = Parse(input);
  Check(whole.verdict != Verdict::kTooLarge);
  Check(whole.verdict != Verdict::kNeedMore || whole.size > size);
  Check(whole.verdict != Verdict::kOk || whole.size <= size);
  // The first bytes decide the most; after them, a few cuts are enough.
  const std::size_t dense = std::min<std::size_t>(size, 128);
  for (std::size_t cut = 0; cut < dense; ++cut) CheckPrefix(input, cut, whole);
  for (std::size_t cut = dense; cut < size; cut += 1 + cut / 4) CheckPrefix(input, cut, whole);
  if (whole.verdict == Verdict::kOk) CheckRoundTrip(whole.header);

  const ParseResult bounded = Parse(input, 512);
  Check(bounded.verdict == Verdict::kTooLarge || bounded.verdict == whole.verdict);
  return 0;
}
