// Newest: the sessions that were opened last, out of an API that lists them by id.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/control/api.h"

namespace sstplb::admin {

// The `count` youngest sessions that match, youngest first. Looks at 20,000 sessions at most, so
// that a page that refreshes itself stays cheap: with more, it is the youngest of those.
control::Answer<control::SessionPage> NewestSessions(control::Api& api,
                                                     const session::SessionFilter& filter,
                                                     std::size_t count);

}  // namespace sstplb::admin
