// See plan.h.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/stream_check/plan.h"

#include <algorithm>
#include <cstring>

#include "tests/e2e/stream_check/pattern.h"

namespace stream_check {
namespace {

constexpr std::array<std::uint8_t, 9> kMagic = {0x17, 0x03, 0x03, 0x00, kPlanSize - 5,
                                                'P',  'L',  'A',  'N'};

void Put(std::uint8_t* to, std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint64_t Get(const std::uint8_t* from) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= static_cast<std::uint64_t>(from[i]) << (8 * i);
  return value;
}

constexpr std::uint64_t kHalfCloses = 3;  // the first so many of Order
constexpr std::uint64_t kMeanMessage = 1400;

// Nothing at all, a message, some records, a lot: the small ones are where mistakes are made.
std::uint64_t RandomSize(std::uint64_t random, std::uint64_t max_size) {
  const std::uint64_t kind = random % 16;
  const std::uint64_t draw = Mix(random);
  if (kind == 0) return 0;
  if (kind < 8) return std::min(max_size, draw % 2048);
  if (kind < 14) return std::min(max_size, draw % 65536);
  return draw % (max_size + 1);
}

}  // namespace

std::string_view ToString(Order order) {
  switch (order) {
    case Order::kTogether:
      return "both at once";
    case Order::kClientFirst:
      return "client ends first";
    case Order::kServerFirst:
      return "server ends first";
    case Order::kEcho:
      return "echo";
    case Order::kClientReset:
      return "client resets";
    case Order::kServerReset:
      return "server resets";
    case Order::kCount:
      break;
  }
  return "no order";
}

std::array<std::uint8_t, kPlanSize> Encode(const Plan& plan) {
  std::array<std::uint8_t, kPlanSize> out{};
  std::copy(kMagic.begin(), kMagic.end(), out.begin());
  Put(out.data() + 9, plan.seed);
  Put(out.data() + 17, plan.to_server);
  Put(out.data() + 25, plan.to_client);
  out[33] = static_cast<std::uint8_t>(plan.order);
  return out;
}

std::optional<Plan> Decode(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != kPlanSize) return std::nullopt;
  if (!std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) return std::nullopt;
  if (bytes[33] >= static_cast<std::uint8_t>(Order::kCount)) return std::nullopt;
  return Plan{Get(bytes.data() + 9), Get(bytes.data() + 17), Get(bytes.data() + 25),
              static_cast<Order>(bytes[33])};
}

Plan MakePlan(std::uint64_t seed, std::uint64_t index, std::uint64_t max_size) {
  const std::uint64_t base = Mix(seed ^ Mix(index));
  Plan plan;
  plan.seed = base;
  plan.to_server = RandomSize(Mix(base ^ 1), max_size);
  plan.to_client = RandomSize(Mix(base ^ 2), max_size);
  plan.order = static_cast<Order>(Mix(base ^ 3) % kHalfCloses);
  return plan;
}

Plan MakeMixedPlan(std::uint64_t seed, std::uint64_t index) {
  constexpr std::uint64_t kSmall = 256 * 1024;
  constexpr std::uint64_t kBulk = 4 * 1024 * 1024;
  const std::uint64_t draw = Mix(seed ^ Mix(~index));
  const std::uint64_t percent = draw % 100;
  if (percent < 3) return MakePlan(seed, index, kBulk);
  Plan plan = MakePlan(seed, index, kSmall);
  if (percent < 50) {
    plan.order = Order::kEcho;
    plan.to_server = plan.to_client = kMeanMessage * (2 + Mix(draw) % 60);
    plan.pause = std::chrono::milliseconds(200 + Mix(draw ^ 1) % 1800);
  } else if (percent < 70) {
    plan.order = percent < 60 ? Order::kClientReset : Order::kServerReset;
    plan.to_server = std::max<std::uint64_t>(plan.to_server, 2);
    plan.to_client = std::max<std::uint64_t>(plan.to_client, 2);
  }
  return plan;
}

}  // namespace stream_check
