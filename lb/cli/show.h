// Show: what the API answered, as text for people. The only part of the command line that looks
// into its JSON. Everything here throws std::exception on JSON that is not what it should be.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lb/base/time.h"

namespace sstplb::cli {

std::string ShowStatus(std::string_view json, bool colour);
std::string ShowBackends(std::string_view json, bool colour);
std::string ShowBackend(std::string_view json, bool colour);  // in one line
std::string ShowSessions(std::string_view json, bool colour);
std::string ShowSession(std::string_view json, bool colour);
std::string ShowClosed(std::string_view json, bool colour);
std::string ShowRebalance(std::string_view json, bool colour);
std::string ShowExplanation(std::string_view json, bool colour);
std::string ShowReload(std::string_view json, bool colour);
std::string ShowEvents(std::string_view json, bool colour);
std::string ShowEvent(std::string_view json, bool colour);
std::string ShowConfig(std::string_view json, bool colour);
std::string ShowNothing(std::string_view json, bool colour);

// The message of an error answer with the field it is about.
std::string ErrorText(std::string_view json);

// Whether an explanation ends at a backend.
bool LeadsSomewhere(std::string_view json);

struct DrainProgress {
  bool draining = false;  // or about to
  bool removed = false;   // when it is empty it will not be there any more
  bool waiting = false;   // for its begin
  std::uint64_t remaining = 0;
  std::optional<WallTime> deadline;
  std::string name;  // "main/vpn1"
  std::string text;  // "12 sessions left, closed in 24m54s"
};
DrainProgress ReadDrain(std::string_view json);
DrainProgress ReadDrainOfAll(std::string_view json);  // of a status

// The pid of the process that was started.
std::int64_t ReadPid(std::string_view json);
struct UpgradeProgress {
  std::int64_t pid = 0;  // who answers
  bool upgrading = false;
  std::string failed;
  std::string done;  // "upgraded: process 4711 took over 9000 sessions, which paused for 14ms"
};
UpgradeProgress ReadUpgrade(std::string_view json);  // of a status

// Bodies of requests.
std::string DrainBody(std::optional<Duration> within, std::optional<double> pace, bool idle_first,
                      std::optional<WallTime> at);
std::string RebalanceBody(std::optional<double> per_second, std::optional<Duration> within);
std::string AddBody(std::string_view pool, std::string_view name, std::string_view address,
                    std::optional<unsigned> weight, std::optional<unsigned> max_sessions,
                    bool disabled);

}  // namespace sstplb::cli
