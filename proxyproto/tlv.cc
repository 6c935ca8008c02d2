// SPDX-License-Identifier: Apache-2.0
#include "proxyproto/tlv.h"

#include <algorithm>
#include <utility>

namespace sstplb::proxyproto {

std::optional<std::vector<Tlv>> ReadTlvs(ByteView bytes) {
  std::vector<Tlv> tlvs;
  Reader reader(bytes);
  while (!reader.empty()) {
    Tlv tlv;
    ByteView value;
    if (!reader.U8(tlv.type) || !reader.Vector16(value)) return std::nullopt;
    tlv.value.assign(value.begin(), value.end());
    tlvs.push_back(std::move(tlv));
  }
  return tlvs;
}

std::optional<Ssl> ReadSsl(ByteView value) {
  Ssl ssl;
  Reader reader(value);
  if (!reader.U8(ssl.client) || !reader.U32(ssl.verify)) return std::nullopt;
  auto fields = ReadTlvs(reader.rest());
  if (!fields) return std::nullopt;
  ssl.fields = std::move(*fields);
  return ssl;
}

const Tlv* Find(const std::vector<Tlv>& tlvs, std::uint8_t type) {
  const auto found =
      std::find_if(tlvs.begin(), tlvs.end(), [type](const Tlv& tlv) { return tlv.type == type; });
  return found == tlvs.end() ? nullptr : &*found;
}

}  // namespace sstplb::proxyproto
