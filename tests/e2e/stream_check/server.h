// The server side: accepts sessions and does what the client's plan says, until a signal.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/e2e/stream_check/options.h"

namespace stream_check {

// Runs `stream_check server`; returns its exit code.
int Serve(const Options& options);

}  // namespace stream_check
