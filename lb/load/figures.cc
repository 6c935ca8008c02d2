// SPDX-License-Identifier: Apache-2.0
#include "lb/load/figures.h"

#include <utility>

namespace sstplb::load {
namespace {

using tunnel::TunnelEnd;

constexpr std::size_t kLongestDetail = 80;

template <class Key>
void Merge(Tally<Key, std::uint64_t>& into, const Tally<Key, std::uint64_t>& from) {
  for (const auto& [key, count] : from.all()) into.At(key) += count;
}

}  // namespace

std::string_view ToString(Step step) {
  constexpr std::array<std::string_view, kSteps> kWords = {"tcp", "tls", "post", "ack", "ppp"};
  return kWords[static_cast<std::size_t>(step)];
}

std::size_t StepsOf(tunnel::TunnelDepth depth) {
  switch (depth) {
    case tunnel::TunnelDepth::kTls:
      return 2;
    case tunnel::TunnelDepth::kPost:
      return 3;
    case tunnel::TunnelDepth::kCall:
      return 4;
    case tunnel::TunnelDepth::kPpp:
      return 5;
  }
  return kSteps;
}

std::string_view Reason::Word() const { return end == TunnelEnd::kNone ? "other" : ToString(end); }

std::string Reason::Text() const {
  return std::string(Word()) + (detail.empty() ? "" : ": " + detail);
}

Reason ReasonOf(const tunnel::TunnelReport& report) {
  switch (report.end) {
    case TunnelEnd::kClosed:
    case TunnelEnd::kReset:
    case TunnelEnd::kTimeout:
    case TunnelEnd::kSilent:
      return {report.end, ""};
    default:
      return {report.end, report.detail.substr(0, kLongestDetail)};
  }
}

std::string Fingerprint(const sstp::Hash32& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0x0f];
  }
  return text;
}

void Counts::Merge(const Counts& other) {
  started += other.started;
  came_up += other.came_up;
  failed += other.failed;
  lost += other.lost;
  closed += other.closed;
  left_open += other.left_open;
  given_up += other.given_up;
  up += other.up;
  bytes_sent += other.bytes_sent;
  bytes_received += other.bytes_received;
  packets_skipped += other.packets_skipped;
}

void Figures::Merge(const Figures& other) {
  counts.Merge(other.counts);
  for (std::size_t i = 0; i < kSteps; ++i) {
    steps[i].took.Merge(other.steps[i].took);
    steps[i].failed += other.steps[i].failed;
    load::Merge(steps[i].reasons, other.steps[i].reasons);
  }
  setup.Merge(other.setup);
  pings.Merge(other.pings);
  pings_sent += other.pings_sent;
  for (const auto& [reason, ages] : other.losses.all()) losses.At(reason).Merge(ages);
  load::Merge(certificates, other.certificates);
  held_bytes_sent += other.held_bytes_sent;
  held_bytes_received += other.held_bytes_received;
}

}  // namespace sstplb::load
