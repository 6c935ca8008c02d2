// The binary header of version 2 (proxy-protocol.txt, section 2.2): signature, version and command,
// family and transport, length, address block, fields.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "proxyproto/crc32c.h"
#include "proxyproto/parse_internal.h"

namespace sstplb::proxyproto::internal {
namespace {

constexpr std::uint8_t kVersion2 = 0x20;
constexpr std::size_t kTlvFixedSize = 3;
constexpr std::size_t kCrcSize = 4;

bool TakeIp(Reader& reader, Family family, IpAddress& out) {
  ByteView bytes;
  if (family == Family::kInet) {
    std::array<std::uint8_t, 4> v4{};
    if (!reader.Take(v4.size(), bytes)) return false;
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    out = IpAddress::V4(v4);
    return true;
  }
  std::array<std::uint8_t, 16> v6{};
  if (!reader.Take(v6.size(), bytes)) return false;
  std::copy(bytes.begin(), bytes.end(), v6.begin());
  out = IpAddress::V6(v6);
  return true;
}

// A path ends at its first NUL, or fills its field.
bool TakePath(Reader& reader, std::string& out) {
  ByteView bytes;
  if (!reader.Take(AddressBlockSize(Family::kUnix) / 2, bytes)) return false;
  out = AsText(bytes.first(static_cast<std::size_t>(
      std::find(bytes.begin(), bytes.end(), std::uint8_t{0}) - bytes.begin())));
  return true;
}

bool TakeAddresses(Reader& reader, Header& header) {
  if (header.family == Family::kUnix) {
    return TakePath(reader, header.unix_source) && TakePath(reader, header.unix_destination);
  }
  SocketAddress source;
  SocketAddress destination;
  if (!TakeIp(reader, header.family, source.ip)) return false;
  if (!TakeIp(reader, header.family, destination.ip)) return false;
  if (!reader.U16(source.port) || !reader.U16(destination.port)) return false;
  header.source = source;
  header.destination = destination;
  return true;
}

// The checksum is over the whole header with its own four bytes taken as zero.
bool ChecksumHolds(ByteView whole, std::size_t crc_at) {
  constexpr std::array<std::uint8_t, kCrcSize> kZero{};
  std::uint32_t crc = Crc32c(whole.first(crc_at));
  crc = Crc32c(kZero, crc);
  crc = Crc32c(whole.subspan(crc_at + kCrcSize), crc);
  std::uint32_t sent = 0;
  return Reader(whole.subspan(crc_at)).U32(sent) && sent == crc;
}

// What is wrong with the fields, or "". They start at `at` within the header.
std::string_view CheckTlvs(ByteView whole, std::size_t at, Header& header) {
  for (const Tlv& tlv : header.tlvs) {
    if (tlv.type == tlv_type::kSsl && !ReadSsl(tlv.value)) return "v2: a broken SSL field";
    if (tlv.type == tlv_type::kCrc32c) {
      if (tlv.value.size() != kCrcSize) return "v2: a checksum that is not four bytes long";
      if (header.checksummed) return "v2: two checksums";
      if (!ChecksumHolds(whole, at + kTlvFixedSize)) return "v2: wrong checksum";
      header.checksummed = true;
    }
    at += kTlvFixedSize + tlv.value.size();
  }
  return {};
}

bool KnownPair(std::uint8_t family, std::uint8_t transport) {
  return family <= static_cast<std::uint8_t>(Family::kUnix) &&
         transport <= static_cast<std::uint8_t>(Transport::kDatagram);
}

// The block of a LOCAL or UNSPEC header is to be skipped over, whatever it holds; fields are kept
// where there is nothing but fields.
ParseResult ReadIgnored(ByteView whole, Header header) {
  const std::size_t addresses = AddressBlockSize(header.family);
  const ByteView body = whole.subspan(kV2FixedSize);
  if (body.size() < addresses) return Ok(whole.size(), std::move(header));
  auto tlvs = ReadTlvs(body.subspan(addresses));
  if (!tlvs) return Ok(whole.size(), std::move(header));
  header.tlvs = std::move(*tlvs);
  const auto why = CheckTlvs(whole, kV2FixedSize + addresses, header);
  if (!why.empty()) return Bad(why);
  return Ok(whole.size(), std::move(header));
}

ParseResult ReadProxied(ByteView whole, Header header) {
  Reader reader(whole.subspan(kV2FixedSize));
  if (!TakeAddresses(reader, header)) return Bad("v2: too short for its addresses");
  auto tlvs = ReadTlvs(reader.rest());
  if (!tlvs) return Bad("v2: a field reaches past the end of the header");
  header.tlvs = std::move(*tlvs);
  const auto why = CheckTlvs(whole, whole.size() - reader.left(), header);
  if (!why.empty()) return Bad(why);
  return Ok(whole.size(), std::move(header));
}

}  // namespace

ParseResult ParseV2(ByteView data, std::size_t max_size) {
  Reader reader(data.subspan(kV2Signature.size()));
  std::uint8_t version_command = 0;
  std::uint8_t pair = 0;
  std::uint16_t length = 0;

  if (!reader.U8(version_command)) return NeedMore(kV2FixedSize);
  if ((version_command & 0xf0) != kVersion2) return Bad("v2: not version 2");
  const std::uint8_t command = version_command & 0x0f;
  if (command > 1) return Bad("v2: unknown command");
  Header header;
  header.command = static_cast<Command>(command);

  if (!reader.U8(pair)) return NeedMore(kV2FixedSize);
  const auto family = static_cast<std::uint8_t>(pair >> 4);
  const auto transport = static_cast<std::uint8_t>(pair & 0x0f);
  const bool local = header.command == Command::kLocal;
  if (KnownPair(family, transport)) {
    header.family = static_cast<Family>(family);
    header.transport = static_cast<Transport>(transport);
  } else if (!local) {  // "including the family which is ignored"
    return Bad("v2: unknown family or transport");
  }

  if (!reader.U16(length)) return NeedMore(kV2FixedSize);
  const std::size_t size = kV2FixedSize + length;
  if (size > max_size) return Refuse(Verdict::kTooLarge, "v2: longer than allowed");
  const bool ignored =
      local || header.family == Family::kUnspec || header.transport == Transport::kUnspec;
  if (!ignored && length < AddressBlockSize(header.family)) {
    return Bad("v2: too short for its addresses");
  }
  if (data.size() < size) return NeedMore(size);
  return ignored ? ReadIgnored(data.first(size), std::move(header))
                 : ReadProxied(data.first(size), std::move(header));
}

}  // namespace sstplb::proxyproto::internal
