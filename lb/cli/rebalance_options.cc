// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/rebalance_options.h"

#include "lb/cli/option_text.h"
#include "lb/cli/when.h"

namespace sstplb::cli {
RebalanceOptions RebalanceTexts::Read() const {
  RebalanceOptions out = options;
  out.within = ParseDuration(within);
  out.per_second = ParsePace(budget);
  return out;
}

std::shared_ptr<RebalanceTexts> AddRebalanceOptions(CLI::App& rebalance) {
  auto texts = std::make_shared<RebalanceTexts>();
  rebalance.add_option("pool", texts->options.pool, "The pool")->required()->type_name("POOL");
  CLI::Option* budget =
      rebalance
          .add_option("--budget", texts->budget,
                      "Move so many sessions, as 60/h (default: what the configuration says)")
          ->check(Check(PaceProblem))
          ->type_name("RATE");
  CLI::Option* within =
      rebalance.add_option("--within", texts->within, "Go on for so long (default: 1h)")
          ->check(Check(SpanProblem))
          ->type_name("DURATION");
  CLI::Option* dry_run = rebalance.add_flag("--dry-run", texts->options.dry_run,
                                            "Only print who would be moved where");
  dry_run->excludes(budget)->excludes(within);
  rebalance.add_flag("--stop", texts->options.stop, "End what was begun by command")
      ->excludes(budget)
      ->excludes(within)
      ->excludes(dry_run);
  return texts;
}

}  // namespace sstplb::cli
