// The journal of systemd: one entry per line, its fields apart, for journalctl to filter by.
//
//   session close reason=client_eof  ->  MESSAGE, PRIORITY, SYSLOG_IDENTIFIER=sstplb,
//                                        SSTPLB_EVENT=session close, SSTPLB_REASON=client_eof
//
// libsystemd sends them; it is included by journal.cc alone.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lb/base/log.h"

namespace sstplb {

// The fields of an entry, each "NAME=value"; values may hold any byte. `message` is what a person
// reads: the whole line.
std::vector<std::string> JournalFields(LogLevel level, std::string_view message,
                                       std::string_view what, std::span<const LogField> fields);

// Thread-safe. What cannot be sent is dropped, silently so when this host has no journal.
void SendToJournal(std::span<const std::string> fields);

}  // namespace sstplb
