// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/load_screen.h"

#include "lb/cli/load_text.h"

namespace sstplb::cli {
namespace {

constexpr Duration kWriteEvery = std::chrono::seconds(10);

}  // namespace

void LoadScreen::OnPhase(const load::Progress& progress) {
  if (Redraws()) {
    Draw(progress);
  } else {
    WriteLine(progress);
  }
}

void LoadScreen::OnProgress(const load::Progress& progress) {
  if (Redraws()) {
    Draw(progress);
  } else if (Clock::now() - written_ >= kWriteEvery) {
    WriteLine(progress);
  }
}

void LoadScreen::OnReport(const load::Report& report) {
  if (drawn_) console_.out << "\r\x1b[K";
  console_.out << (json_ ? LoadJson(report) : LoadText(report, console_.colour)) << std::flush;
}

void LoadScreen::Draw(const load::Progress& progress) {
  console_.out << "\r\x1b[K" << LoadBar(progress) << std::flush;
  drawn_ = true;
}

void LoadScreen::WriteLine(const load::Progress& progress) {
  console_.err << LoadLine(progress) << std::endl;
  written_ = Clock::now();
}

}  // namespace sstplb::cli
