// Server names: what a client sent, made comparable, and a map from names to whatever they choose.
//
// A name in SNI is bytes from a stranger (RFC 6066, 3). Real SSTP clients send `host:port` and a
// trailing dot, so one of each is cut; what is then no host name (a NUL, a space, UTF-8, an empty
// or long label, an address literal) has no normal form and so can match nothing.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sstplb::tls {

// Lower case, without one `:port` (1 to 5 digits) and one trailing dot. Absent unless what is left
// is 1 to 253 bytes of labels of 1 to 63 bytes a-z 0-9 - _ (RFC 1035, 2.3.4; the underscore is in
// wide use), the last of which is not all digits (an IPv4 literal is no HostName: RFC 6066, 3). The
// result is safe to log.
std::optional<std::string> NormaliseServerName(std::string_view raw);

// A pattern of a configuration in its normal form: a host name, or `*.` and a host name. Nothing is
// cut from it: a port or a trailing dot in a pattern is a mistake, and then it is absent.
std::optional<std::string> NormalisePattern(std::string_view text);
inline bool IsValidPattern(std::string_view text) { return NormalisePattern(text).has_value(); }

// Patterns to numbers. An exact name beats a wildcard; `*.example.com` stands for exactly one
// label, so it covers vpn.example.com and neither example.com nor a.vpn.example.com. Built once,
// then only read: any number of threads may call Find. A lookup allocates nothing.
class NameMap {
 public:
  // False, and nothing changes, if the pattern is invalid or already there.
  bool Add(std::string_view pattern, int id);

  // `name` as NormaliseServerName() gave it.
  std::optional<int> Find(std::string_view name) const;
  // The two halves of Find(), for a caller with a further condition on what it finds.
  std::optional<int> FindExact(std::string_view name) const;
  std::optional<int> FindWildcard(std::string_view name) const;

  bool empty() const { return exact_.empty() && wildcard_.empty(); }
  std::size_t size() const { return exact_.size() + wildcard_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Map = std::unordered_map<std::string, int, Hash, std::equal_to<>>;

  static std::optional<int> Look(const Map& map, std::string_view key);

  Map exact_;
  Map wildcard_;  // by what follows the star: ".example.com"
};

}  // namespace sstplb::tls
