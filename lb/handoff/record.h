// Records: how values are laid out in a handoff (docs/handoff_format.md).
//
// A record may be longer than its reader knows, or shorter: what is unknown is skipped and what is
// missing is zero or empty, so that both processes need not be of one version.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lb/base/address.h"
#include "lb/base/bytes.h"
#include "lb/base/time.h"

namespace sstplb::handoff {

// Appends one record to `out`, which it does not own; complete when destroyed.
class RecordWriter {
 public:
  explicit RecordWriter(Bytes& out);
  ~RecordWriter();
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  void U8(std::uint8_t v) { writer_.U8(v); }
  void U16(std::uint16_t v) { writer_.U16(v); }
  void U32(std::uint32_t v) { writer_.U32(v); }
  void U64(std::uint64_t v);
  void String(ByteView bytes);
  void String(std::string_view text) { String(AsBytes(text)); }
  void Address(const std::optional<SocketAddress>& address);
  void Time(TimePoint time) { U64(static_cast<std::uint64_t>(time.time_since_epoch().count())); }
  void Wall(WallTime time);
  void Span(Duration span) { U64(static_cast<std::uint64_t>(span.count())); }

 private:
  Bytes& out_;
  Writer writer_;
  const std::size_t begin_;
};

// Reads the fields of one record in order. Every call returns the field, or zero where the record
// ends before it; a field that is cut short or cannot be makes ok() false.
class RecordReader {
 public:
  explicit RecordReader(ByteView fields) : reader_(fields) {}
  // Takes the next record off `body`; nullopt when there is none in it.
  static std::optional<RecordReader> Next(Reader& body);

  bool ok() const { return ok_; }

  std::uint8_t U8();
  std::uint16_t U16();
  std::uint32_t U32();
  std::uint64_t U64();
  ByteView String();
  std::string Text() { return std::string(AsText(String())); }
  std::optional<SocketAddress> Address();
  TimePoint Time() { return TimePoint(Duration(static_cast<std::int64_t>(U64()))); }
  WallTime Wall();
  Duration Span() { return Duration(static_cast<std::int64_t>(U64())); }

 private:
  template <class T, class Read>
  T Field(Read read);

  Reader reader_;
  bool ok_ = true;
};

}  // namespace sstplb::handoff
