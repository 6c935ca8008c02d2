// State file: operator decisions and affinity that outlive a restart.
//
// The text is docs/state_file.md; here is how it gets to the disk whole, and what happens to a file
// that cannot be used. All calls block on the disk: they are never for a worker.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "lb/backend/state_text.h"
#include "lb/base/result.h"
#include "lb/base/time.h"

namespace sstplb::backend {

// No file is an empty state. A file that cannot be used is renamed to `path.bad-<now>`, so that the
// next SaveStateFile() does not overwrite it; the error says what is wrong and where it is kept.
// The caller may go on with an empty State.
Result<State> LoadStateFile(const std::string& path, WallTime now);

// Writes `path.new` (mode 0600), syncs it, renames it over `path` and syncs the folder: a crash
// leaves the old text or the new one. On an error `path` is as it was.
Status SaveStateFile(const std::string& path, const State& state, WallTime now);
// The same with what FormatState() gave.
Status SaveStateText(const std::string& path, std::string_view text);

// Whether a file can be made there, as far as that can be told without making it. "" can.
Status MayBeSaved(const std::string& path);

// Whether anything is there. Nothing is at "".
bool IsThere(const std::string& path);

// Moves away what is there, to `path.before-<now>`; returns that name, "" when nothing was there.
Result<std::string> KeepAside(const std::string& path, WallTime now);

}  // namespace sstplb::backend
