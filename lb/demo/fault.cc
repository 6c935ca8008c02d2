// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/fault.h"

#include <array>
#include <utility>

namespace sstplb::demo {
namespace {

constexpr std::array<std::pair<FaultKind, std::string_view>, 22> kWords = {{
    {FaultKind::kNone, "none"},
    {FaultKind::kFreeze, "freeze"},
    {FaultKind::kRefuse, "refuse"},
    {FaultKind::kCloseAtAccept, "close_at_accept"},
    {FaultKind::kHangAtAccept, "hang_at_accept"},
    {FaultKind::kHangAtTls, "hang_at_tls"},
    {FaultKind::kNotTls, "not_tls"},
    {FaultKind::kTlsAlert, "tls_alert"},
    {FaultKind::kHangAtPost, "hang_at_post"},
    {FaultKind::kHttpStatus, "http_status"},
    {FaultKind::kEmptyReason, "empty_reason"},
    {FaultKind::kPlainOk, "plain_ok"},
    {FaultKind::kCloseAfterPost, "close_after_post"},
    {FaultKind::kNak, "nak"},
    {FaultKind::kHangAtCall, "hang_at_call"},
    {FaultKind::kAbortCall, "abort_call"},
    {FaultKind::kBareAck, "bare_ack"},
    {FaultKind::kAbortAfterAck, "abort_after_ack"},
    {FaultKind::kReset, "reset"},
    {FaultKind::kNeverClose, "never_close"},
    {FaultKind::kNoEcho, "no_echo"},
    {FaultKind::kSlow, "slow"},
}};

}  // namespace

std::string_view ToString(FaultKind kind) {
  for (const auto& [known, word] : kWords) {
    if (known == kind) return word;
  }
  return "unknown";
}

std::optional<FaultKind> FaultKindFromString(std::string_view text) {
  for (const auto& [kind, word] : kWords) {
    if (word == text) return kind;
  }
  return std::nullopt;
}

}  // namespace sstplb::demo
