// Guard: which requests are refused before they are looked at further. Pure.
//
// The admin socket is guarded by its file mode. `admin.http` can be reached by everything on the
// host, a browser included, so there
//   - only GET is answered, or with a token the rest too,
//   - a listener on a loopback address answers only to names that DNS cannot have given out: a page
//     somewhere must not read the state through a name that it lets point to 127.0.0.1,
//   - a change that says it comes from another site's page is refused, token or not,
//   - a body must say that it is JSON, which a form of another site cannot.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lb/admin/message.h"

namespace sstplb::admin {

struct Policy {
  bool trusted = false;   // the admin socket: its file mode says who may
  bool loopback = false;  // `admin.http` on a loopback address
  std::string token;      // "": no changes over http
};

// What a request says about itself; "" for a header that is absent.
struct Claims {
  std::string method;
  std::string host;
  std::string origin;
  std::string fetch_site;  // Sec-Fetch-Site
  std::string authorization;
  std::string content_type;
  bool has_body = false;
};

std::optional<Response> Refuse(const Policy& policy, const Claims& claims);

// Compares in a time that does not depend on where the two differ.
bool SameSecret(std::string_view a, std::string_view b);

}  // namespace sstplb::admin
