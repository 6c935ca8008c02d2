// Session images as records (docs/handoff_format.md: identity, motion, greeting).
//
// Pure. Encode... appends one record; Decode... reads one off the front, nullopt when it is none of
// the format.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "lb/base/bytes.h"
#include "lb/session/image.h"

namespace sstplb::handoff {

void EncodeIdentity(const session::Identity& identity, Bytes& body);
std::optional<session::Identity> DecodeIdentity(Reader& body);

// `observer`: whether the other process understands the observer's state.
void EncodeMotion(const session::Motion& motion, bool observer, Bytes& body);
std::optional<session::Motion> DecodeMotion(Reader& body);

void EncodeGreeting(const session::GreetingImage& greeting, Bytes& body);
std::optional<session::GreetingImage> DecodeGreeting(Reader& body);

}  // namespace sstplb::handoff
