// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/query.h"

#include <charconv>

namespace sstplb::admin {
namespace {

template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void Query::Fail(std::string_view name, std::string message) {
  if (failure_) return;
  failure_ = {control::FailureCode::kInvalid, std::move(message), std::string(name.substr(0, 64))};
}

std::vector<std::string> Query::Texts(std::string_view name) {
  known_.emplace(name);
  std::vector<std::string> out;
  const auto [from, to] = request_.query.equal_range(std::string(name));
  for (auto it = from; it != to; ++it) out.push_back(it->second);
  return out;
}

std::optional<std::string> Query::One(std::string_view name) {
  std::vector<std::string> all = Texts(name);
  if (all.empty()) return std::nullopt;
  if (all.size() > 1) Fail(name, "is given more than once");
  return std::move(all.front());
}

std::string Query::Text(std::string_view name) { return One(name).value_or(""); }

std::optional<std::uint64_t> Query::Number(std::string_view name, std::uint64_t max) {
  const std::optional<std::string> text = One(name);
  if (!text) return std::nullopt;
  const auto value = ParseNumber<std::uint64_t>(*text);
  if (value && *value <= max) return value;
  Fail(name, "must be a whole number from 0 to " + std::to_string(max));
  return std::nullopt;
}

std::optional<Duration> Query::SecondsOf(std::string_view name) {
  constexpr double kMost = 10 * 366 * 86400.0;
  const std::optional<std::string> text = One(name);
  if (!text) return std::nullopt;
  const auto value = ParseNumber<double>(*text);
  if (value && *value >= 0 && *value <= kMost) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*value));
  }
  Fail(name, "must be a number of seconds, 0 or more");
  return std::nullopt;
}

bool Query::Flag(std::string_view name) {
  const std::optional<std::string> text = One(name);
  if (!text || *text == "0" || *text == "false") return false;
  if (*text != "" && *text != "1" && *text != "true") Fail(name, "must be true or false");
  return true;
}

std::optional<control::Failure> Query::Problem() const {
  if (failure_) return failure_;
  for (const auto& parameter : request_.query) {
    const std::string& name = parameter.first;
    if (known_.contains(name)) continue;
    return control::Failure{control::FailureCode::kInvalid, "unknown parameter",
                            name.substr(0, 64)};
  }
  return std::nullopt;
}

}  // namespace sstplb::admin
