// Query: the parameters of one request's URL, read by name; what nobody asked for is an error, as
// an unknown field of a body is.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lb/admin/message.h"

namespace sstplb::admin {

class Query {
 public:
  // `request` must outlive the query.
  explicit Query(const Request& request) : request_(request) {}

  // "" when absent. Given twice is an error, here and below.
  std::string Text(std::string_view name);
  std::vector<std::string> Texts(std::string_view name);
  std::optional<std::uint64_t> Number(std::string_view name, std::uint64_t max);
  std::optional<Duration> SecondsOf(std::string_view name);
  // `?follow`, `?follow=1` and `?follow=true` are true.
  bool Flag(std::string_view name);

  void Fail(std::string_view name, std::string message);
  // After all reads: the first thing that was wrong, or a parameter that nobody read.
  std::optional<control::Failure> Problem() const;

 private:
  std::optional<std::string> One(std::string_view name);

  const Request& request_;
  std::set<std::string, std::less<>> known_;
  std::optional<control::Failure> failure_;
};

}  // namespace sstplb::admin
