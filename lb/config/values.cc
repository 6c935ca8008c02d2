// SPDX-License-Identifier: Apache-2.0
#include "lb/config/values.h"

#include <array>
#include <charconv>
#include <cmath>

#include "lb/base/address.h"
#include "lb/base/time.h"

namespace sstplb::config {
namespace {

constexpr double kLargestBurst = 1e7;
constexpr std::uint32_t kLargestMode = 0777;

bool IsControl(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

// "1 to 64", "0 or 88 to 32767".
std::string Range(const std::string& min, const std::string& max, bool zero_apart) {
  return (zero_apart ? "0 or " : "") + min + " to " + max;
}

// A number in the shortest form that reads back as the same value, without exponent.
std::string PrintNumber(double value) {
  std::array<char, 512> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  return {buffer.data(), end.ptr};
}

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (parsed.ec != std::errc() || parsed.ptr != end || !(value >= 0)) return std::nullopt;
  return value;
}

// Reads a string node through a parser that says no by nullopt.
template <class T, class Parser>
bool ReadParsed(const Complain& complain, const Node& node, std::string_view expected, Parser parse,
                T& out) {
  if (!Expect(complain, node, Node::Kind::kString, expected)) return false;
  const auto value = parse(node.text);
  if (!value) {
    complain(node.at, Quote(node.text) + " is not " + std::string(expected));
    return false;
  }
  out = *value;
  return true;
}

}  // namespace

// "20/s", "300/m" or "60/h", with " burst 50" behind. Without a burst, it is what the unit brings.
std::optional<Rate> ParseRate(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 >= text.size()) return std::nullopt;
  const auto count = ParseNumber(text.substr(0, slash));
  const auto unit = std::string_view("smh").find(text[slash + 1]);
  if (!count || unit == std::string_view::npos) return std::nullopt;
  constexpr double kSeconds[] = {1, 60, 3600};
  Rate rate{*count / kSeconds[unit], *count};
  text.remove_prefix(slash + 2);
  constexpr std::string_view kBurst = " burst ";
  if (!text.empty()) {
    if (!text.starts_with(kBurst)) return std::nullopt;
    const auto burst = ParseNumber(text.substr(kBurst.size()));
    if (!burst) return std::nullopt;
    rate.burst = *burst;
  }
  return rate;
}

std::string Quote(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (IsControl(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool Expect(const Complain& complain, const Node& node, Node::Kind kind,
            std::string_view expected) {
  if (node.is(kind)) return true;
  complain(node.at,
           "expected " + std::string(expected) + ", got " + std::string(Describe(node.kind)));
  return false;
}

std::string UnknownWord(std::string_view noun, std::string_view word,
                        const std::vector<std::string_view>& words) {
  std::string list;
  for (const std::string_view w : words) list += (list.empty() ? "" : ", ") + std::string(w);
  return "unknown " + std::string(noun) + " " + Quote(word) + " (one of: " + list + ")";
}

bool ReadValue(const Complain& complain, const Node& node, const FlagRule&, bool& out) {
  if (!Expect(complain, node, Node::Kind::kBoolean, "true or false")) return false;
  out = node.boolean;
  return true;
}

bool ReadValue(const Complain& complain, const Node& node, const CountRule& rule,
               std::uint32_t& out) {
  if (!Expect(complain, node, Node::Kind::kInteger, "an integer")) return false;
  const bool in_range = node.integer >= rule.min && node.integer <= rule.max;
  if (!in_range && !(rule.or_zero && node.integer == 0)) {
    complain(node.at, std::to_string(node.integer) + " is out of range (" +
                          Range(std::to_string(rule.min), std::to_string(rule.max), rule.or_zero) +
                          ")");
    return false;
  }
  out = static_cast<std::uint32_t>(node.integer);
  return true;
}

bool ReadValue(const Complain& complain, const Node& node, const RealRule& rule, double& out) {
  if (!node.is(Node::Kind::kInteger) && !Expect(complain, node, Node::Kind::kFloat, "a number")) {
    return false;
  }
  const double value =
      node.is(Node::Kind::kInteger) ? static_cast<double>(node.integer) : node.number;
  const bool in_range = value >= rule.min && value <= rule.max;  // false for nan
  if (!in_range && !(rule.or_zero && value == 0)) {
    complain(node.at, "out of range (" +
                          Range(PrintNumber(rule.min), PrintNumber(rule.max), rule.or_zero) + ")");
    return false;
  }
  out = value == 0 ? 0 : value;  // no negative zero
  return true;
}

bool ReadValue(const Complain& complain, const Node& node, const SpanRule& rule, Duration& out) {
  constexpr std::string_view kExpected = "a duration with a unit, such as \"30s\" or \"1h30m\"";
  Duration value{};
  if (!ReadParsed(complain, node, kExpected, ParseDuration, value)) return false;
  const bool in_range = value >= rule.min && value <= rule.max;
  if (!in_range && !(rule.or_zero && value == Duration::zero())) {
    complain(node.at, Quote(node.text) + " is out of range (" +
                          Range(ExactDuration(rule.min), ExactDuration(rule.max), rule.or_zero) +
                          ")");
    return false;
  }
  out = value;
  return true;
}

bool ReadValue(const Complain& complain, const Node& node, const SizeRule& rule,
               std::uint64_t& out) {
  constexpr std::string_view kExpected = "a size, such as \"64KiB\"";
  std::uint64_t value = 0;
  if (node.is(Node::Kind::kInteger)) {
    // A negative number becomes one that no range holds.
    value = static_cast<std::uint64_t>(node.integer);
  } else if (!ReadParsed(complain, node, kExpected, ParseSize, value)) {
    return false;
  }
  const bool in_range = value >= rule.min && value <= rule.max;
  if (!in_range && !(rule.or_zero && value == 0)) {
    complain(node.at, "out of range (" +
                          Range(ExactSize(rule.min), ExactSize(rule.max), rule.or_zero) + ")");
    return false;
  }
  out = value;
  return true;
}

bool ReadValue(const Complain& complain, const Node& node, const TextRule& rule, std::string& out) {
  if (!Expect(complain, node, Node::Kind::kString, rule.expected)) return false;
  std::string text = node.text;
  std::optional<std::string> problem;
  if (text.empty()) {
    if (!rule.or_empty) problem = "is empty";
  } else if (std::any_of(text.begin(), text.end(), IsControl)) {
    problem = "holds a control character";
  } else if (rule.problem != nullptr) {
    problem = rule.problem(text);
  }
  if (problem) {
    complain(node.at, Quote(node.text) + " " + *problem);
    return false;
  }
  out = std::move(text);
  return true;
}

bool ReadValue(const Complain& complain, const Node& node, const AddressRule&, SocketAddress& out) {
  return ReadParsed(complain, node,
                    "an IP address with a port, such as \"0.0.0.0:443\" or \"[::]:443\"",
                    SocketAddress::Parse, out);
}

bool ReadValue(const Complain& complain, const Node& node, const HostPortRule&, HostPort& out) {
  HostPort value;
  if (!ReadParsed(complain, node,
                  "an address with a port, such as \"10.0.0.11:443\", \"[2001:db8::11]:443\" or "
                  "\"vpn1.example.com:443\"",
                  HostPort::Parse, value)) {
    return false;
  }
  if (value.port == 0) {
    complain(node.at, "port 0 cannot be connected to");
    return false;
  }
  out = std::move(value);
  return true;
}

bool ReadValue(const Complain& complain, const Node& node, const IpRule&, IpAddress& out) {
  IpAddress value;
  if (!ReadParsed(complain, node, "an IP address without a port", IpAddress::Parse, value)) {
    return false;
  }
  if (value.is_unspecified()) {
    complain(node.at,
             Quote(node.text) + " is no address of this host (leave the list out instead)");
    return false;
  }
  out = value;
  return true;
}

bool ReadValue(const Complain& complain, const Node& node, const BlockRule&, Cidr& out) {
  return ReadParsed(complain, node,
                    "an address block, such as \"10.0.0.0/8\", \"2001:db8::/32\" or \"192.0.2.7\"",
                    Cidr::Parse, out);
}

bool ReadValue(const Complain& complain, const Node& node, const OctalRule&, std::uint32_t& out) {
  const auto parse = [](std::string_view text) -> std::optional<std::uint32_t> {
    std::uint32_t mode = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, mode, 8);
    if (parsed.ec != std::errc() || parsed.ptr != end || mode > kLargestMode) return std::nullopt;
    return mode;
  };
  return ReadParsed(complain, node, "an octal file mode in quotes, such as \"0660\"", parse, out);
}

bool ReadValue(const Complain& complain, const Node& node, const WindowRule&, DayWindow& out) {
  return ReadParsed(complain, node,
                    "two times of this host's clock that differ, such as \"02:00-05:00\"",
                    DayWindow::Parse, out);
}

bool ReadValue(const Complain& complain, const Node& node, const RateRule& rule, Rate& out) {
  Rate rate;
  constexpr std::string_view kExpected = "a rate, such as \"20/s burst 50\", \"300/m\" or \"60/h\"";
  if (!ReadParsed(complain, node, kExpected, ParseRate, rate)) return false;
  if (!(rate.per_second > 0) || rate.per_second > rule.most || rate.burst < 1 ||
      rate.burst > kLargestBurst) {
    complain(node.at, Quote(node.text) + " is out of range (above 0 and at most " +
                          PrintNumber(rule.most) + "/s, burst 1 to 10000000; \"\" is no limit)");
    return false;
  }
  out = rate;
  return true;
}

std::string Print(const FlagRule&, bool value) { return value ? "true" : "false"; }
std::string Print(const CountRule&, std::uint32_t value) { return std::to_string(value); }
std::string Print(const RealRule&, double value) { return PrintNumber(value); }
std::string Print(const SpanRule&, Duration value) { return Quote(ExactDuration(value)); }

std::string Print(const SizeRule&, std::uint64_t value) {
  const std::string text = ExactSize(value);
  return text.back() == 'B' ? Quote(text) : text;
}

std::string Print(const TextRule&, std::string_view value) { return Quote(value); }
std::string Print(const AddressRule&, const SocketAddress& value) {
  return Quote(value.ToString());
}
std::string Print(const HostPortRule&, const HostPort& value) { return Quote(value.ToString()); }
std::string Print(const IpRule&, const IpAddress& value) { return Quote(value.ToString()); }
std::string Print(const BlockRule&, const Cidr& value) { return Quote(value.ToString()); }

std::string Print(const OctalRule&, std::uint32_t value) {
  std::array<char, 16> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, 8);
  const std::string digits(buffer.data(), end.ptr);
  return Quote(digits.size() < 4 ? std::string(4 - digits.size(), '0') + digits : digits);
}

std::string Print(const WindowRule&, const DayWindow& value) { return Quote(value.ToString()); }

std::string Print(const RateRule&, const Rate& value) {
  // Per minute or hour where that is the rounder number and still the same rate.
  std::string rate = PrintNumber(value.per_second) + "/s";
  for (const auto& [span, unit] : {std::pair(60, "/m"), {3600, "/h"}}) {
    const double count = std::round(value.per_second * span);
    if (value.per_second == std::floor(value.per_second) || count / span != value.per_second) {
      continue;
    }
    rate = PrintNumber(count) + unit;
    break;
  }
  return Quote(rate + " burst " + PrintNumber(value.burst));
}

}  // namespace sstplb::config
