// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/check_options.h"

#include "lb/cli/option_text.h"
#include "lb/cli/when.h"
#include "lb/config/finding_list.h"

namespace sstplb::cli {
namespace {

std::string EntryProblem(const std::string& text) {
  const auto problem = config::IgnoreProblem(text);
  return problem ? "\"" + text + "\" " + *problem : "";
}

}  // namespace

CheckOptions CheckTexts::Read() const {
  CheckOptions read = options;
  read.within = ParseDuration(within).value_or(options.within);
  return read;
}

std::shared_ptr<CheckTexts> AddCheckOptions(CLI::App& check, const std::string& default_config) {
  auto texts = std::make_shared<CheckTexts>();
  texts->options.config = default_config;
  texts->within = ExactDuration(texts->options.within);
  check.add_option("-c,--config", texts->options.config, "The configuration")
      ->type_name("FILE")
      ->capture_default_str();
  check
      .add_option("--ignore", texts->options.ignore,
                  "Do not tell this finding, everywhere or at one place; may be given again")
      ->check(Check(EntryProblem))
      ->allow_extra_args(false)
      ->type_name("NAME[:KEY]");
  CLI::Option* online = check.add_flag(
      "--online", texts->options.online,
      "Probe every backend once, and judge what it shows: its answer, its certificate, its kind");
  check.add_option("--within", texts->within, "How long --online may take")
      ->check(Check(SpanProblem))
      ->needs(online)
      ->type_name("DURATION")
      ->capture_default_str();
  CLI::Option* json = check.add_flag("--json", texts->options.json, "Print the result as JSON");
  check.add_flag("--list", texts->options.list, "Print every finding there is, and end")
      ->excludes(json);
  return texts;
}

}  // namespace sstplb::cli
