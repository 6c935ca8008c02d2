// Rules: what the value of a key may be. The schema gives every key one; reading, printing and
// comparing values all go by it (values.h).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lb/base/time.h"

namespace sstplb::config {

struct FlagRule {};  // bool: true, false

struct CountRule {  // std::uint32_t: min..max, or 0 where `or_zero`
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  bool or_zero = false;
};

struct RealRule {  // double
  double min = 0;
  double max = 0;
  bool or_zero = false;
};

struct SpanRule {  // Duration: "30s"
  Duration min{};
  Duration max{};
  bool or_zero = false;
};

struct SizeRule {  // std::uint64_t: "64KiB" or a plain number of bytes
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  bool or_zero = false;
};

struct TextRule {             // std::string
  std::string_view expected;  // "a path"
  // Says what is wrong with the text, beginning with a verb ("is empty"), and may rewrite it to its
  // canonical form; nullptr: any text without control characters.
  std::optional<std::string> (*problem)(std::string& text) = nullptr;
  bool or_empty = true;
};

struct WordRule {         // an enumeration with words (words.h)
  std::string_view noun;  // "policy"
};

struct AddressRule {};   // SocketAddress: "0.0.0.0:443"
struct HostPortRule {};  // HostPort: "vpn1.example.com:443"
struct IpRule {};        // IpAddress, not 0.0.0.0
struct BlockRule {};     // Cidr
struct OctalRule {};     // std::uint32_t: "0660"
struct WindowRule {};    // DayWindow: "02:00-05:00"
struct RateRule {        // Rate: "20/s burst 50"
  double most = 1e6;     // per second
};

template <class Item>
struct ListRule {  // std::vector of what Item describes
  Item item;
  bool not_empty = false;
  bool unique = true;
};

template <class Value>
struct OptionalRule {  // std::optional of what Value describes; "" is nullopt
  Value value;
};

}  // namespace sstplb::config
