// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/record.h"

#include <algorithm>

namespace sstplb::handoff {
namespace {

constexpr std::size_t kSizeBytes = 4;
constexpr std::uint8_t kNoAddress = 0;
constexpr std::uint8_t kV4 = 4;
constexpr std::uint8_t kV6 = 6;

}  // namespace

RecordWriter::RecordWriter(Bytes& out) : out_(out), writer_(out), begin_(out.size()) {
  writer_.U32(0);
}

RecordWriter::~RecordWriter() {
  const std::size_t size = out_.size() - begin_ - kSizeBytes;
  for (std::size_t i = 0; i < kSizeBytes; ++i) {
    out_[begin_ + i] = static_cast<std::uint8_t>(size >> (8 * (kSizeBytes - 1 - i)));
  }
}

void RecordWriter::U64(std::uint64_t v) {
  U32(static_cast<std::uint32_t>(v >> 32));
  U32(static_cast<std::uint32_t>(v));
}

void RecordWriter::String(ByteView bytes) {
  U32(static_cast<std::uint32_t>(bytes.size()));
  writer_.Raw(bytes);
}

void RecordWriter::Address(const std::optional<SocketAddress>& address) {
  if (!address) return U8(kNoAddress);
  U8(address->ip.is_v4() ? kV4 : kV6);
  if (address->ip.is_v4()) {
    writer_.Raw(ByteView(address->ip.v4_bytes()));
  } else {
    writer_.Raw(ByteView(address->ip.bytes()));
  }
  U16(address->port);
}

void RecordWriter::Wall(WallTime time) {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch());
  U64(static_cast<std::uint64_t>(since.count()));
}

std::optional<RecordReader> RecordReader::Next(Reader& body) {
  std::uint32_t size = 0;
  ByteView fields;
  if (!body.U32(size) || !body.Take(size, fields)) return std::nullopt;
  return RecordReader(fields);
}

template <class T, class Read>
T RecordReader::Field(Read read) {
  T value{};
  if (reader_.empty() || !ok_) return value;
  if (!read(value)) ok_ = false;
  return value;
}

std::uint8_t RecordReader::U8() {
  return Field<std::uint8_t>([this](auto& v) { return reader_.U8(v); });
}
std::uint16_t RecordReader::U16() {
  return Field<std::uint16_t>([this](auto& v) { return reader_.U16(v); });
}
std::uint32_t RecordReader::U32() {
  return Field<std::uint32_t>([this](auto& v) { return reader_.U32(v); });
}
std::uint64_t RecordReader::U64() {
  return Field<std::uint64_t>([this](auto& v) {
    std::uint32_t high = 0;
    std::uint32_t low = 0;
    if (!reader_.U32(high) || !reader_.U32(low)) return false;
    v = static_cast<std::uint64_t>(high) << 32 | low;
    return true;
  });
}

ByteView RecordReader::String() {
  return Field<ByteView>([this](auto& v) {
    std::uint32_t size = 0;
    return reader_.U32(size) && reader_.Take(size, v);
  });
}

std::optional<SocketAddress> RecordReader::Address() {
  return Field<std::optional<SocketAddress>>([this](auto& v) {
    std::uint8_t family = 0;
    reader_.U8(family);
    if (family == kNoAddress) return true;
    if (family != kV4 && family != kV6) return false;
    ByteView ip;
    std::uint16_t port = 0;
    if (!reader_.Take(family == kV4 ? 4 : 16, ip) || !reader_.U16(port)) return false;
    std::array<std::uint8_t, 4> v4{};
    std::array<std::uint8_t, 16> v6{};
    std::copy(ip.begin(), ip.end(), family == kV4 ? v4.begin() : v6.begin());
    v = SocketAddress{family == kV4 ? IpAddress::V4(v4) : IpAddress::V6(v6), port};
    return true;
  });
}

WallTime RecordReader::Wall() {
  const auto since = std::chrono::nanoseconds(static_cast<std::int64_t>(U64()));
  return WallTime(std::chrono::duration_cast<WallClock::duration>(since));
}

}  // namespace sstplb::handoff
