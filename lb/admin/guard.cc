// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/guard.h"

#include <algorithm>

#include "lb/base/address.h"

namespace sstplb::admin {
namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

bool IsRead(const Claims& claims) { return claims.method == "GET" || claims.method == "HEAD"; }

bool HasToken(const Policy& policy, const Claims& claims) {
  constexpr std::string_view kScheme = "bearer ";
  if (policy.token.empty() || claims.authorization.size() < kScheme.size()) return false;
  const std::string_view given = claims.authorization;
  return Lower(given.substr(0, kScheme.size())) == kScheme &&
         SameSecret(given.substr(kScheme.size()), policy.token);
}

// "localhost" or an address, with or without a port. Absent is fine: browsers always send it.
bool IsFixedHost(std::string_view host) {
  if (host.empty() || IpAddress::Parse(host) || SocketAddress::Parse(host)) return true;
  if (host.front() == '[' && host.back() == ']') {
    return IpAddress::Parse(host.substr(1, host.size() - 2)).has_value();
  }
  return Lower(host.substr(0, host.find(':'))) == "localhost";
}

bool FromAnotherSite(const Claims& claims) {
  if (!claims.fetch_site.empty() && claims.fetch_site != "same-origin" &&
      claims.fetch_site != "none") {
    return true;
  }
  if (claims.origin.empty()) return false;
  const std::string origin = Lower(claims.origin);
  const std::string host = Lower(claims.host);
  return origin != "http://" + host && origin != "https://" + host;
}

bool IsJson(std::string_view content_type) {
  std::string type = Lower(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  return type == "application/json";
}

Response Unauthorized() {
  Response response = ErrorResponse(
      401, "unauthorized", "changes over http need the token: Authorization: Bearer TOKEN");
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"sstplb\"");
  return response;
}

}  // namespace

bool SameSecret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

std::optional<Response> Refuse(const Policy& policy, const Claims& claims) {
  const bool has_token = HasToken(policy, claims);
  if (policy.loopback && !has_token && !IsFixedHost(claims.host)) {
    return ErrorResponse(403, "forbidden",
                         "admin.http listens on a loopback address and answers to localhost and "
                         "addresses only, not to other names; with the token it does");
  }
  if (!IsRead(claims)) {
    if (FromAnotherSite(claims)) {
      return ErrorResponse(403, "forbidden", "a page of another site may not change anything");
    }
    if (!policy.trusted && policy.token.empty()) {
      return ErrorResponse(403, "forbidden",
                           "over http nothing can be changed: use the admin socket, or set "
                           "admin.http_token_file");
    }
    if (!policy.trusted && !has_token) return Unauthorized();
  }
  if (claims.has_body && !IsJson(claims.content_type)) {
    return ErrorResponse(415, "unsupported_media_type",
                         "a body must come as Content-Type: application/json");
  }
  return std::nullopt;
}

}  // namespace sstplb::admin
