// What the daemon asks of the host before it serves: descriptors, and fewer privileges.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "lb/base/result.h"
#include "lb/config/config.h"

namespace sstplb::daemon {

// Raises the soft limit of open files to the hard one; returns it.
std::uint64_t RaiseOpenFiles();

// How many sessions fit: two descriptors each, with a reserve for `workers` and for everything
// else, and never more than the configuration says.
std::uint32_t MaxSessions(const config::Global& global, std::uint32_t workers,
                          std::uint64_t open_files);

// Becomes `global.user` and its groups for good, keeping only the capabilities that a later change
// needs: to bind low ports and, for transparent pools, to use clients' addresses. Nothing happens
// when `user` is empty. Must run before any thread is started.
Status DropPrivileges(const config::Config& config);

// Makes the file at `path` that user's, who is to be this process's (global.user); "": nobody else.
void GiveTo(const std::string& user, const std::string& path);

}  // namespace sstplb::daemon
