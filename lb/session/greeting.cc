// SPDX-License-Identifier: Apache-2.0
#include "lb/session/greeting.h"

#include <algorithm>

#include "proxyproto/parse.h"

namespace sstplb::session {
namespace {

// A PROXY header with every field that any balancer sends is far below this.
constexpr std::size_t kMaxHeader = 4096;
// Most hellos are below 2 KiB; what comes with one (early data) waits in the kernel.
constexpr std::size_t kReadAtOnce = 16 * 1024;

HelloKind KindOf(tls::HelloVerdict verdict) {
  switch (verdict) {
    case tls::HelloVerdict::kNotTls:
      return HelloKind::kNotTls;
    case tls::HelloVerdict::kTooLarge:
      return HelloKind::kTooLarge;
    case tls::HelloVerdict::kMalformed:
    case tls::HelloVerdict::kNeedMore:
    case tls::HelloVerdict::kParsed:
      break;
  }
  return HelloKind::kMalformed;
}

}  // namespace

std::string_view ToString(HelloKind kind) {
  constexpr std::string_view kNames[] = {"sni",       "no_sni",    "not_tls",
                                         "malformed", "too_large", "timeout"};
  return kNames[static_cast<std::size_t>(kind)];
}

Greeting::Greeting(std::size_t hello_max, bool expect_proxy)
    : reader_(tls::HelloLimits{.max_message = hello_max}),
      max_stream_(tls::HelloLimits{.max_message = hello_max}.max_stream()),
      state_(expect_proxy ? State::kProxyHeader : State::kHello) {}

std::size_t Greeting::wanted() const {
  const std::size_t most = state_ == State::kProxyHeader ? kMaxHeader : max_stream_;
  const std::size_t have = bytes_.size() - start_;
  // One byte over the limit is enough for the reader to see that it is passed.
  return std::min(kReadAtOnce, have < most ? most - have + 1 : 1);
}

Greeting::State Greeting::Feed(ByteView received) {
  bytes_.insert(bytes_.end(), received.begin(), received.end());
  return state_ == State::kProxyHeader ? LookForHeader() : Continue();
}

Greeting::State Greeting::Continue() { return state_ == State::kHello ? LookForHello() : state_; }

Greeting::State Greeting::LookForHeader() {
  auto result = proxyproto::Parse(bytes_, kMaxHeader);
  if (result.verdict == proxyproto::Verdict::kNeedMore) return state_;
  if (result.verdict != proxyproto::Verdict::kOk) {
    why_ = result.why;
    return state_ = State::kBadHeader;
  }
  start_ = result.size;
  header_ = std::move(result.header);
  return state_ = State::kHello;
}

Greeting::State Greeting::LookForHello() {
  if (bytes().empty()) return state_;
  const tls::HelloVerdict verdict = reader_.Look(bytes());
  if (verdict == tls::HelloVerdict::kNeedMore) return state_;
  if (verdict == tls::HelloVerdict::kParsed) {
    kind_ = hello().has_sni ? HelloKind::kSni : HelloKind::kNoSni;
  } else {
    kind_ = KindOf(verdict);
    why_ = reader_.why();
  }
  return state_ = State::kDone;
}

}  // namespace sstplb::session
