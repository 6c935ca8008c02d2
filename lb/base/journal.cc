// SPDX-License-Identifier: Apache-2.0
#include "lb/base/journal.h"

#include <sys/uio.h>
#include <syslog.h>
#define SD_JOURNAL_SUPPRESS_LOCATION  // every line would come from this file
#include <systemd/sd-journal.h>

namespace sstplb {
namespace {

int ToPriority(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return LOG_DEBUG;
    case LogLevel::kInfo:
      return LOG_INFO;
    case LogLevel::kWarning:
      return LOG_WARNING;
    case LogLevel::kError:
      break;
  }
  return LOG_ERR;
}

// The journal takes capital letters, digits and underscores; the prefix keeps our names from
// meaning something to others.
std::string FieldName(std::string_view key) {
  std::string name = "SSTPLB_";
  for (const char c : key) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += lower ? static_cast<char>(c - 'a' + 'A') : plain ? c : '_';
  }
  return name;
}

}  // namespace

std::vector<std::string> JournalFields(LogLevel level, std::string_view message,
                                       std::string_view what, std::span<const LogField> fields) {
  std::vector<std::string> out = {"MESSAGE=" + std::string(message),
                                  "PRIORITY=" + std::to_string(ToPriority(level)),
                                  "SYSLOG_IDENTIFIER=sstplb", "SSTPLB_EVENT=" + std::string(what)};
  for (const LogField& field : fields) out.push_back(FieldName(field.key) + "=" + field.value);
  return out;
}

void SendToJournal(std::span<const std::string> fields) {
  std::vector<iovec> parts;
  parts.reserve(fields.size());
  for (const std::string& field : fields) {
    parts.push_back({.iov_base = const_cast<char*>(field.data()), .iov_len = field.size()});
  }
  (void)sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

}  // namespace sstplb
