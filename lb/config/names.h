// Names: what may be called what. Listeners, pools and backends are named in metrics, URLs and the
// state file, so their names are kept plain; server names are compared with what clients send.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sstplb::config {

// The largest weight and session cap that a backend may have, by file or by operator.
inline constexpr std::uint32_t kMaxWeight = 10000;
inline constexpr std::uint32_t kMaxSessions = 10'000'000;

// Why `name` cannot be the name of a listener, pool or backend; nullopt when it can. A name is 1 to
// 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit.
std::optional<std::string> NameProblem(std::string_view name);

// Why `name` cannot be a host name to compare a server_name with (RFC 6066, section 3); nullopt
// when it can. Lower case is expected. `wildcard` allows "*." in front, standing for one label.
std::optional<std::string> ServerNameProblem(std::string_view name, bool wildcard);

// ASCII only; other bytes stay.
std::string ToLower(std::string_view text);

// How a key with this name is written in TOML and in messages: quoted unless it is a bare key.
std::string KeyText(std::string_view name);

// How many single letters must change, go, come or be swapped to make `a` into `b`.
std::size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace sstplb::config
