// SPDX-License-Identifier: Apache-2.0
#include "lb/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "lb/base/journal.h"

namespace sstplb {
namespace {

bool IsPlain(std::string_view value) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '='; };
  return !value.empty() && std::all_of(value.begin(), value.end(), plain);
}

void AppendEscaped(std::string& out, std::string_view value) {
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= ' ' && c < 0x7f) {
      out += c;
    } else {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
      out += hex;
    }
  }
  out += '"';
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

// JSON brings time and level itself.
std::unique_ptr<spdlog::formatter> NewFormatter(LogFormat format) {
  return std::make_unique<spdlog::pattern_formatter>(
      format == LogFormat::kJson ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
      spdlog::pattern_time_type::utc);
}

}  // namespace

std::string_view ToString(LogLevel level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string FormatLogfmt(std::string_view what, std::span<const LogField> fields) {
  std::string out(what);
  for (const LogField& field : fields) {
    out += ' ';
    out += field.key;
    out += '=';
    if (IsPlain(field.value)) {
      out += field.value;
    } else {
      AppendEscaped(out, field.value);
    }
  }
  return out;
}

std::string FormatJson(WallTime time, LogLevel level, std::string_view what,
                       std::span<const LogField> fields) {
  nlohmann::ordered_json line;
  line["time"] = FormatWallTime(time);
  line["level"] = ToString(level);
  line["event"] = what;
  for (const LogField& field : fields) line[field.key] = field.value;
  // ASCII alone: a client must not reach a terminal with control characters above 0x7f either.
  // Bytes that are no UTF-8 are replaced, not thrown at.
  return line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

struct Logger::Sink {
  std::shared_ptr<spdlog::logger> out;  // null: the journal, or nowhere
  bool journal = false;
  std::atomic<LogFormat> format = LogFormat::kLogfmt;
  // Between the logger and a file, so that the file can be changed under its lock.
  std::shared_ptr<spdlog::sinks::dist_sink_mt> files;
  std::string path;
};

Logger::Logger(std::unique_ptr<Sink> sink, LogLevel level)
    : sink_(std::move(sink)), level_(level) {}

Logger::~Logger() = default;

Result<std::unique_ptr<Logger>> Logger::Open(const LogOptions& options) {
  auto sink = std::make_unique<Sink>();
  sink->format = options.format;
  if (options.target == "journald") {
    sink->journal = true;
    return std::unique_ptr<Logger>(new Logger(std::move(sink), options.level));
  }
  spdlog::sink_ptr target;
  try {
    if (options.target == "stderr") {
      target = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink->path = options.target;
      sink->files = std::make_shared<spdlog::sinks::dist_sink_mt>();
      sink->files->add_sink(std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.target));
      target = sink->files;
    }
  } catch (const spdlog::spdlog_ex& e) {
    return Error{"log.target: cannot open " + options.target + ": " + e.what() +
                 "; choose a writable path, \"stderr\" or \"journald\""};
  }
  target->set_formatter(NewFormatter(options.format));
  sink->out = std::make_shared<spdlog::logger>("sstplb", target);
  sink->out->set_level(spdlog::level::debug);
  sink->out->flush_on(spdlog::level::debug);
  // Logging must never end the process nor print to a terminal of its own accord.
  sink->out->set_error_handler([](const std::string&) {});
  return std::unique_ptr<Logger>(new Logger(std::move(sink), options.level));
}

std::unique_ptr<Logger> Logger::Null() {
  return std::unique_ptr<Logger>(new Logger(std::make_unique<Sink>(), LogLevel::kError));
}

void Logger::Write(LogLevel level, std::string_view what, std::span<const LogField> fields) {
  if ((!sink_->out && !sink_->journal) || !Enabled(level)) return;
  const std::string line = sink_->format == LogFormat::kJson
                               ? FormatJson(WallClock::now(), level, what, fields)
                               : FormatLogfmt(what, fields);
  if (sink_->journal) {
    SendToJournal(JournalFields(level, line, what, fields));
  } else {
    sink_->out->log(ToSpdlog(level), line);
  }
}

void Logger::Event(LogLevel level, std::string_view what, std::span<const LogField> fields) {
  if (listener_) listener_(level, what, fields);
  Write(level, what, fields);
}

// A line of another thread may still get the time of the one format and the text of the other.
void Logger::SetFormat(LogFormat format) {
  sink_->format = format;
  if (!sink_->out) return;
  for (const auto& sink : sink_->out->sinks()) sink->set_formatter(NewFormatter(format));
}

void Logger::Reopen() {
  if (!sink_->files) return;
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(sink_->path);
    file->set_formatter(NewFormatter(sink_->format));
    sink_->files->set_sinks({file});
  } catch (const spdlog::spdlog_ex&) {
    // The old file stays open: lines are not lost for want of a new one.
  }
}

}  // namespace sstplb
