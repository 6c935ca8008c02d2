// The client side: opens sessions, each with a plan of its own, and waits for all of them.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/e2e/stream_check/options.h"

namespace stream_check {

// Runs `stream_check client`; returns its exit code.
int Ask(const Options& options);

}  // namespace stream_check
