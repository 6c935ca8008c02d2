// The bodies of a handoff's messages from hostile bytes, as every decoder takes them: no crash, and
// what is decoded is encoded and decoded to the same again. The state of a record observer that
// loads is one that can be fed anything.
// Seeds: handoff
// Sources: lb/handoff/record.cc lb/handoff/messages.cc lb/handoff/session_codec.cc
//
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "lb/handoff/messages.h"
#include "lb/handoff/session_codec.h"
#include "lb/tls/record_observer.h"

namespace {

using namespace sstplb;
using namespace sstplb::handoff;

void Require(bool property) {
  if (!property) std::abort();
}

// Encoding what was decoded gives a body that says the same, byte for byte when told once more.
template <class Decode, class Encode>
void CheckOne(ByteView input, Decode decode, Encode encode) {
  const auto value = decode(input);
  if (!value) return;
  Bytes once;
  encode(*value, once);
  const auto again = decode(ByteView(once));
  Require(again.has_value());
  Bytes twice;
  encode(*again, twice);
  Require(once == twice);
}

template <class Decode, class Encode>
void CheckList(ByteView input, Decode decode, Encode encode) {
  CheckOne(input, decode, [encode](const auto& values, Bytes& body) {
    for (const auto& value : values) encode(value, body);
  });
}

// Those that take one record off the front.
template <class Decode, class Encode>
void CheckRecords(ByteView input, Decode decode, Encode encode) {
  for (Reader body(input); !body.empty();) {
    const std::size_t before = body.left();
    const auto value = decode(body);
    if (!value) return;
    Require(body.left() < before);
    Bytes once;
    encode(*value, once);
    CheckOne(
        once,
        [decode](ByteView bytes) {
          Reader reader(bytes);
          return decode(reader);
        },
        encode);
  }
}

void CheckObserver(ByteView input) {
  const std::size_t size = tls::RecordObserver().Save().size();
  if (input.size() < size) return;
  auto observer = tls::RecordObserver::Load(input.first(size));
  if (!observer) return;
  const ByteView rest = input.subspan(size);
  observer->FromServer(rest.first(rest.size() / 2));
  observer->FromClient(rest.subspan(rest.size() / 2));
  (void)observer->facts();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  CheckOne(input, DecodeHello, EncodeHello);
  CheckOne(input, DecodeOffer, EncodeOffer);
  CheckOne(input, DecodeControl, EncodeControl);
  CheckOne(input, DecodeEnd, EncodeEnd);
  CheckList(input, DecodeBackends, EncodeBackend);
  CheckList(input, DecodeAffinity, EncodeAffinity);
  (void)DecodeSockets(input, {});
  CheckRecords(input, DecodeIdentity, EncodeIdentity);
  CheckRecords(input, DecodeMotion, [](const session::Motion& motion, Bytes& body) {
    EncodeMotion(motion, /*observer=*/true, body);
  });
  CheckRecords(input, DecodeGreeting, EncodeGreeting);
  CheckObserver(input);
  return 0;
}
