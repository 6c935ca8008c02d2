// LoadScreen: a load on the console: a line that is drawn again while it runs, the report at its
// end.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "lb/cli/cli.h"
#include "lb/load/report.h"

namespace sstplb::cli {

// On a terminal one line shows how it goes; elsewhere each phase, and every 10 s, has a line on the
// error stream. The report is on the output, and with `json` nothing else is.
class LoadScreen final : public load::Watcher {
 public:
  LoadScreen(Console& console, bool json) : console_(console), json_(json) {}

  void OnPhase(const load::Progress& progress) override;
  void OnProgress(const load::Progress& progress) override;
  void OnReport(const load::Report& report) override;

 private:
  bool Redraws() const { return console_.terminal && !json_; }
  void Draw(const load::Progress& progress);
  void WriteLine(const load::Progress& progress);

  Console& console_;
  const bool json_;
  bool drawn_ = false;
  TimePoint written_;
};

}  // namespace sstplb::cli
