// The dashboard's files, put into the program when it is built (dashboard/embed.cmake).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace sstplb::admin {

extern const std::string_view kDashboardHtml;
extern const std::string_view kDashboardScript;
extern const std::string_view kDashboardStyle;

}  // namespace sstplb::admin
