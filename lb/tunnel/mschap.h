// MS-CHAPv2, the client's half: the answer to a challenge, what the server must prove in turn, and
// the keys that SSTP's crypto binding takes from it. Pure.
// Source: RFC 2759 section 8, RFC 3079 section 3.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "lb/base/bytes.h"
#include "lb/sstp/message.h"

namespace sstplb::tunnel {

using MschapChallenge = std::array<std::uint8_t, 16>;

struct MschapAnswer {
  std::array<std::uint8_t, 24> response{};
  std::string proof;    // "S=" and 40 hexadecimal digits: how the server's success must begin
  sstp::Hash32 hlak{};  // the client's send key, then its receive key
};

// `user` may have a domain in front, "DOMAIN\\name", which is not hashed; `password` is UTF-8.
MschapAnswer AnswerMschap(const MschapChallenge& server, const MschapChallenge& client,
                          std::string_view user, std::string_view password);

}  // namespace sstplb::tunnel
