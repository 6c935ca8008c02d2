// The log: one line per event, each with its evidence as key=value fields.
//
//   session close id=7f3a01 reason=client_eof age=3h12m4s
//
// spdlog writes the lines; it is included by log.cc alone.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "lb/base/result.h"
#include "lb/base/time.h"

namespace sstplb {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
std::string_view ToString(LogLevel level);

enum class LogFormat : std::uint8_t { kLogfmt, kJson };

struct LogField {
  std::string key;
  std::string value;

  LogField(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  template <std::integral T>
  LogField(std::string_view k, T v) : key(k), value(std::to_string(v)) {}
};

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kLogfmt;
  std::string target = "stderr";  // "stderr", "journald" or the path of a file to append to
};

// Thread-safe. Values may hold bytes that a client sent: they are quoted and escaped, so that a
// line stays one line. Lines that cannot be written are dropped, never waited for.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;
  // Called for every line that Event() writes, on the thread that writes it.
  using Listener =
      std::function<void(LogLevel level, std::string_view what, std::span<const LogField> fields)>;

  static Result<std::unique_ptr<Logger>> Open(const LogOptions& options);
  // Writes nowhere: for tests and for commands that talk to a person.
  static std::unique_ptr<Logger> Null();
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  bool Enabled(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }
  // From the next line on.
  void SetLevel(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  void SetFormat(LogFormat format);

  // A line that only the log keeps.
  void Write(LogLevel level, std::string_view what, std::span<const LogField> fields);
  void Write(LogLevel level, std::string_view what, Fields fields) {
    Write(level, what, std::span(fields.begin(), fields.size()));
  }
  // A line that is also an event: a change of state or a refusal (see EventRing).
  void Event(LogLevel level, std::string_view what, std::span<const LogField> fields);
  void Event(LogLevel level, std::string_view what, Fields fields) {
    Event(level, what, std::span(fields.begin(), fields.size()));
  }

  // Set before other threads use the logger.
  void SetListener(Listener listener) { listener_ = std::move(listener); }
  // Opens a log file anew (after it was rotated).
  void Reopen();

 private:
  struct Sink;
  explicit Logger(std::unique_ptr<Sink> sink, LogLevel level);

  std::unique_ptr<Sink> sink_;
  std::atomic<LogLevel> level_;
  Listener listener_;
};

// `what key=value key="quoted \x00 value"`: what a logfmt line holds after its time and level.
std::string FormatLogfmt(std::string_view what, std::span<const LogField> fields);
// One JSON object in one line.
std::string FormatJson(WallTime time, LogLevel level, std::string_view what,
                       std::span<const LogField> fields);

}  // namespace sstplb
