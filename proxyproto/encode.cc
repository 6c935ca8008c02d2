// SPDX-License-Identifier: Apache-2.0
#include "proxyproto/encode.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string>

#include "proxyproto/crc32c.h"
#include "proxyproto/header.h"

namespace sstplb::proxyproto {
namespace {

constexpr std::uint8_t kVersion2 = 0x20;
constexpr std::size_t kTlvFixedSize = 3;
constexpr std::size_t kCrcSize = 4;

std::string Groups(const IpAddress& ip) {
  std::string text;
  for (std::size_t i = 0; i < 16; i += 2) {
    const unsigned group = static_cast<unsigned>(ip.bytes()[i] << 8 | ip.bytes()[i + 1]);
    char hex[4];
    const auto written = std::to_chars(std::begin(hex), std::end(hex), group, 16);
    if (i != 0) text += ':';
    text.append(std::begin(hex), written.ptr);
  }
  return text;
}

// Version 1 knows groups of hex digits only, no dotted tail as inet_ntop writes it for ::/96.
std::string V6Text(const IpAddress& ip) {
  const std::string text = ip.ToString();
  return text.find('.') == std::string::npos ? text : Groups(ip);
}

void PutAddress(Writer& writer, const IpAddress& ip, Family family) {
  if (family == Family::kInet) {
    writer.Raw(ByteView(ip.v4_bytes()));
  } else {
    writer.Raw(ByteView(ip.bytes()));
  }
}

Family CommonFamily(const SocketAddress& a, const SocketAddress& b) {
  return a.ip.is_v4() && b.ip.is_v4() ? Family::kInet : Family::kInet6;
}

std::size_t Bound(std::uint8_t type) {
  switch (type) {
    case tlv_type::kAuthority:
      return kMaxAuthority;
    case tlv_type::kAlpn:
      return kMaxAlpn;
    case tlv_type::kUniqueId:
      return kMaxUniqueId;
    default:
      return kMaxEncodedSize;
  }
}

void PutFixed(Writer& writer, Command command, Family family, Transport transport) {
  writer.Raw(kV2Signature);
  writer.U8(kVersion2 | static_cast<std::uint8_t>(command));
  writer.U8(static_cast<std::uint8_t>(static_cast<unsigned>(family) << 4 |
                                      static_cast<unsigned>(transport)));
  writer.U16(0);  // the length, once it is known
}

void Set(Bytes& out, std::size_t at, ByteView bytes) {
  std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

void EncodeV1(const SocketAddress& source, const SocketAddress& destination, Bytes& out) {
  const bool v4 = CommonFamily(source, destination) == Family::kInet;
  std::string line = v4 ? "PROXY TCP4 " : "PROXY TCP6 ";
  line += v4 ? source.ip.ToString() : V6Text(source.ip);
  line += ' ';
  line += v4 ? destination.ip.ToString() : V6Text(destination.ip);
  line += ' ' + std::to_string(source.port) + ' ' + std::to_string(destination.port) + "\r\n";
  Writer(out).Raw(line);
}

void EncodeV2(const SocketAddress& source, const SocketAddress& destination,
              std::span<const TlvView> fields, Bytes& out) {
  const std::size_t start = out.size();
  const Family family = CommonFamily(source, destination);
  Writer writer(out);
  PutFixed(writer, Command::kProxy, family, Transport::kStream);
  PutAddress(writer, source.ip, family);
  PutAddress(writer, destination.ip, family);
  writer.U16(source.port);
  writer.U16(destination.port);

  std::optional<std::size_t> crc_at;
  for (const TlvView& field : fields) {
    constexpr std::uint8_t kZero[kCrcSize] = {};
    const bool crc = field.type == tlv_type::kCrc32c;
    const ByteView value = crc ? ByteView(kZero) : field.value;
    if (value.size() > Bound(field.type) || (crc && crc_at)) continue;
    if (out.size() - start + kTlvFixedSize + value.size() > kMaxEncodedSize) continue;
    writer.U8(field.type);
    writer.U16(static_cast<std::uint16_t>(value.size()));
    if (crc) crc_at = out.size();
    writer.Raw(value);
  }

  const std::size_t length = out.size() - start - kV2FixedSize;
  Bytes number;
  Writer(number).U16(static_cast<std::uint16_t>(length));
  Set(out, start + kV2FixedSize - number.size(), number);
  if (crc_at) {
    number.clear();
    Writer(number).U32(Crc32c(ByteView(out).subspan(start)));
    Set(out, *crc_at, number);
  }
}

void EncodeV2Local(Bytes& out) {
  Writer writer(out);
  PutFixed(writer, Command::kLocal, Family::kUnspec, Transport::kUnspec);
}

}  // namespace sstplb::proxyproto
