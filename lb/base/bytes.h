// Bytes and a bounded cursor over them: parsers read through Reader and never index by hand.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sstplb {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view AsText(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Reads big-endian integers and slices from a view that must outlive it. Every read either takes
// all it asked for and returns true, or takes nothing and returns false.
class Reader {
 public:
  explicit Reader(ByteView data) : data_(data) {}

  std::size_t left() const { return data_.size(); }
  bool empty() const { return data_.empty(); }
  ByteView rest() const { return data_; }

  bool U8(std::uint8_t& out) { return Integer<1>(out); }
  bool U16(std::uint16_t& out) { return Integer<2>(out); }
  bool U24(std::uint32_t& out) { return Integer<3>(out); }
  bool U32(std::uint32_t& out) { return Integer<4>(out); }

  bool Take(std::size_t size, ByteView& out) {
    if (size > data_.size()) return false;
    out = data_.first(size);
    data_ = data_.subspan(size);
    return true;
  }
  bool Skip(std::size_t size) {
    ByteView ignored;
    return Take(size, ignored);
  }

  // A vector that is preceded by its own length in 1, 2 or 3 bytes (RFC 8446, section 3.4).
  bool Vector8(ByteView& out) { return Vector<1>(out); }
  bool Vector16(ByteView& out) { return Vector<2>(out); }
  bool Vector24(ByteView& out) { return Vector<3>(out); }

 private:
  template <std::size_t kSize, class T>
  bool Integer(T& out) {
    if (data_.size() < kSize) return false;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < kSize; ++i) value = value << 8 | data_[i];
    out = static_cast<T>(value);
    data_ = data_.subspan(kSize);
    return true;
  }
  template <std::size_t kSize>
  bool Vector(ByteView& out) {
    const ByteView before = data_;
    std::uint32_t size = 0;
    if (Integer<kSize>(size) && Take(size, out)) return true;
    data_ = before;
    return false;
  }

  ByteView data_;
};

// Appends big-endian integers and bytes to a vector it does not own.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  void U8(std::uint8_t v) { out_.push_back(v); }
  void U16(std::uint16_t v) {
    U8(static_cast<std::uint8_t>(v >> 8));
    U8(static_cast<std::uint8_t>(v));
  }
  void U32(std::uint32_t v) {
    U16(static_cast<std::uint16_t>(v >> 16));
    U16(static_cast<std::uint16_t>(v));
  }
  void Raw(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void Raw(std::string_view text) { Raw(AsBytes(text)); }

 private:
  Bytes& out_;
};

}  // namespace sstplb
