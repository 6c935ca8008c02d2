// The observer as bytes and back.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tls/record_observer.h"

namespace sstplb::tls {
namespace {

// Every member is an integer, a truth value or an enumerator; each goes as 32 bits.
struct SaveMember {
  Writer out;
  template <class T>
  void operator()(const T& member) {
    out.U32(static_cast<std::uint32_t>(member));
  }
};

struct LoadMember {
  Reader in;
  bool ok = true;
  template <class T>
  void operator()(T& member) {
    std::uint32_t value = 0;
    ok = ok && in.U32(value);
    member = static_cast<T>(value);
  }
};

}  // namespace

template <class Observer, class Visit>
void RecordObserver::Members(Observer& observer, Visit&& visit) {
  for (auto* direction : {&observer.client_, &observer.server_}) {
    for (auto& byte : direction->header) visit(byte);
    visit(direction->have);
    visit(direction->left);
    visit(direction->level);
    visit(direction->counts);
    visit(direction->changed_cipher);
    visit(direction->finished);
    visit(direction->application_data);
  }
  visit(observer.seen_);
  visit(observer.message_left_);
  visit(observer.message_head_);
  visit(observer.field_left_);
  visit(observer.value_);
  visit(observer.extension_);
  visit(observer.head_have_);
  visit(observer.field_);
  visit(observer.is_retry_);
  visit(observer.server_hello_);
  visit(observer.server_hello_done_);
  visit(observer.done_);
  visit(observer.facts_.version);
  visit(observer.facts_.cipher);
  visit(observer.facts_.handshake_done);
  visit(observer.facts_.resumed);
  visit(observer.facts_.retried);
  visit(observer.facts_.gave_up);
  visit(observer.facts_.alert_by);
  visit(observer.facts_.alert_level);
  visit(observer.facts_.alert);
}

Bytes RecordObserver::Save() const {
  Bytes saved;
  SaveMember save{Writer(saved)};
  Members(*this, save);
  return saved;
}

std::optional<RecordObserver> RecordObserver::Load(ByteView saved) {
  RecordObserver observer;
  LoadMember load{Reader(saved)};
  Members(observer, load);
  const bool sound = load.ok && load.in.empty() && observer.client_.have <= 5 &&
                     observer.server_.have <= 5 && observer.head_have_ <= 4 &&
                     observer.field_ <= Field::kExtensionData;
  // A field under way has at least one byte to come; the random's table is indexed by it.
  const bool random_fits = observer.field_ != Field::kRandom ||
                           (observer.field_left_ >= 1 && observer.field_left_ <= 32);
  if (!sound || !random_fits) return std::nullopt;
  return observer;
}

}  // namespace sstplb::tls
