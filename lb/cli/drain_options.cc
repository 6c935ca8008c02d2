// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/drain_options.h"

#include <vector>

#include "lb/cli/option_text.h"
#include "lb/cli/when.h"

namespace sstplb::cli {

DrainOptions DrainTexts::Read() const {
  DrainOptions out = options;
  out.within = ParseDuration(within);
  out.pace = ParsePace(pace);
  out.at = ParseWhen(at, WallClock::now());
  return out;
}

std::shared_ptr<DrainTexts> AddDrainOptions(CLI::App& drain) {
  auto texts = std::make_shared<DrainTexts>();
  const std::vector<CLI::Option*> how = {
      drain
          .add_option("--within", texts->within,
                      "Close its sessions evenly over this time (with a pace: the rest then)")
          ->check(Check(SpanProblem))
          ->type_name("DURATION"),
      drain.add_option("--pace", texts->pace, "Close so many of its sessions, as 5/s or 30/m")
          ->check(Check(PaceProblem))
          ->type_name("RATE"),
      drain.add_flag("--idle-first", texts->options.idle_first,
                     "The longest idle first (default: the oldest first)"),
      drain
          .add_option("--at", texts->at,
                      "Begin then: 22:00 today or tomorrow, 2h from now, or an RFC 3339 time")
          ->check(Check(WhenProblem))
          ->type_name("TIME"),
      drain.add_flag("--wait", texts->options.wait,
                     "Until it is empty: 0; 1 when the time was up before")};
  CLI::Option* undo = drain.add_flag("--undo", texts->options.undo, "Take the drain back");
  for (CLI::Option* option : how) undo->excludes(option);
  return texts;
}

}  // namespace sstplb::cli
