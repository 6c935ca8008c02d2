// The API's JSON: every value of control::Api in the words of the interface, and back.
//
// Durations are numbers of seconds under a key that ends in `_seconds`, times RFC 3339 in UTC,
// bytes whole numbers, ids and hashes hexadecimal strings (they do not fit a double). What is
// absent is null. Text that is no UTF-8 is replaced: it may come from a client's hello.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lb/control/api.h"

namespace sstplb::admin {

std::string ToJson(const control::DaemonStatus& status);
std::string ToJson(const std::vector<control::PoolStatus>& pools);  // {"pools": […]}
// {"backends": […]}: those of all pools in one list.
std::string BackendsJson(const std::vector<control::PoolStatus>& pools);
std::string ToJson(const control::BackendStatus& backend);
std::string ToJson(const control::SessionPage& page);
std::string ToJson(const session::SessionStatus& session);
std::string ToJson(const control::RebalanceReport& report);
std::string ToJson(const control::Explanation& explanation);
std::string ToJson(const control::ReloadReport& report);
std::string ToJson(const Event& event);
// `last`: the sequence to ask after the next time.
std::string EventsJson(std::span<const Event> events, std::uint64_t last);
std::string ConfigJson(std::string_view toml);
std::string ClosedJson(std::uint64_t sessions);
std::string StartedJson(std::int64_t pid);
std::string ErrorJson(std::string_view code, std::string_view message, std::string_view field);

struct NewBackend {
  std::string pool;
  config::Backend backend;
};

// Bodies of requests. A field nobody knows, a wrong type and a value out of range are failures that
// name the field. An empty body is an empty object.
control::Answer<NewBackend> ParseNewBackend(std::string_view body);
control::Answer<control::BackendChange> ParseBackendChange(std::string_view body);
control::Answer<control::DrainWish> ParseDrain(std::string_view body);
control::Answer<control::RebalanceWish> ParseRebalance(std::string_view body);
control::Answer<Done> ParseNothing(std::string_view body);

}  // namespace sstplb::admin
