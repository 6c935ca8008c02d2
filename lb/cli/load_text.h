// A load as text: how it goes, and what came of it. Pure.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lb/load/report.h"

namespace sstplb::cli {

// "ramp  34 of 100  30 up  4 setting up  0 failed  9.8/s  3.2 MiB/s".
std::string LoadLine(const load::Progress& progress);
// The same behind a bar that shows how far the phase is.
std::string LoadBar(const load::Progress& progress);

// Tables for people; several lines.
std::string LoadText(const load::Report& report, bool colour);

// One JSON document, see docs/load.md.
std::string LoadJson(const load::Report& report);

}  // namespace sstplb::cli
