// Plan: what one session is to do. The client decides it and sends it ahead, as one TLS record of
// its own; what the server then gets and gives is laid down.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace stream_check {

// Who says goodbye first, and how.
enum class Order : std::uint8_t {
  kTogether,     // both send at once and close their direction when done
  kClientFirst,  // the server starts to send only when it has read the client's end
  kServerFirst,  // the client keeps its direction open until it has read the server's end
  // The server answers as many bytes as it has got, message by message. Both sizes are the same.
  kEcho,
  // That side resets the connection when it has read half of what is for it, which is at least one
  // byte. The other one has to see a reset, and until then the bytes that were sent.
  kClientReset,
  kServerReset,
  kCount
};
std::string_view ToString(Order order);

struct Plan {
  std::uint64_t seed = 0;
  std::uint64_t to_server = 0;  // bytes after the plan itself
  std::uint64_t to_client = 0;
  Order order = Order::kTogether;
  std::chrono::milliseconds pause{0};  // kEcho: of the client after each answer; not sent ahead
};

inline constexpr std::size_t kPlanSize = 5 + 4 + 3 * 8 + 1;

std::array<std::uint8_t, kPlanSize> Encode(const Plan& plan);

// `bytes` is exactly kPlanSize long. Empty when it is no plan.
std::optional<Plan> Decode(std::span<const std::uint8_t> bytes);

// The plan of session `index`, and nothing but: the same seed and index give the same one.
Plan MakePlan(std::uint64_t seed, std::uint64_t index, std::uint64_t max_size);

// A plan of the long run: half of the sessions are echoes that live for up to two minutes, the rest
// is short: half-closes, resets, and now and then some MiB.
Plan MakeMixedPlan(std::uint64_t seed, std::uint64_t index);

}  // namespace stream_check
