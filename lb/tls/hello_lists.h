// Lists inside a ClientHello, read where they lie: no copy, no allocation.
//
// Each is a view of bytes that the parser has already found well-formed, so walking one cannot
// fail. They live as long as the bytes do (client_hello.h says how long that is).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "lb/base/bytes.h"

namespace sstplb::tls {

// A walk over items of differing sizes. `kNext` takes one item off the front of a non-empty view.
template <class Item, Item (*kNext)(ByteView&)>
class ItemList {
 public:
  class Iterator {
   public:
    explicit Iterator(ByteView rest) : rest_(rest) { ++*this; }
    const Item& operator*() const { return item_; }
    const Item* operator->() const { return &item_; }
    Iterator& operator++() {
      at_end_ = rest_.empty();
      if (!at_end_) item_ = kNext(rest_);
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return at_end_; }

   private:
    ByteView rest_;
    Item item_{};
    bool at_end_ = false;
  };

  ItemList() = default;
  explicit ItemList(ByteView checked) : bytes_(checked) {}

  bool empty() const { return bytes_.empty(); }
  Iterator begin() const { return Iterator(bytes_); }
  std::default_sentinel_t end() const { return {}; }
  Item front() const { return *begin(); }  // only when not empty
  ByteView bytes() const { return bytes_; }

 private:
  ByteView bytes_;
};

namespace detail {

inline std::uint16_t NextU16(ByteView& rest) {
  Reader reader(rest);
  std::uint16_t value = 0;
  reader.U16(value);
  rest = reader.rest();
  return value;
}

inline std::string_view NextProtocol(ByteView& rest) {
  Reader reader(rest);
  ByteView name;
  reader.Vector8(name);
  rest = reader.rest();
  return AsText(name);
}

}  // namespace detail

struct Extension {
  std::uint16_t type = 0;
  ByteView data;
};

namespace detail {

inline Extension NextExtension(ByteView& rest) {
  Reader reader(rest);
  Extension extension;
  reader.U16(extension.type);
  reader.Vector16(extension.data);
  rest = reader.rest();
  return extension;
}

// A KeyShareEntry has the shape of an extension: a number, then a vector (RFC 8446, 4.2.8).
inline std::uint16_t NextGroup(ByteView& rest) { return NextExtension(rest).type; }

}  // namespace detail

// Cipher suites, versions, signature algorithms: two bytes each.
class U16List : public ItemList<std::uint16_t, detail::NextU16> {
 public:
  using ItemList::ItemList;
  std::size_t size() const { return bytes().size() / 2; }
};
using AlpnList = ItemList<std::string_view, detail::NextProtocol>;
using ExtensionList = ItemList<Extension, detail::NextExtension>;
using KeyShareList = ItemList<std::uint16_t, detail::NextGroup>;

// RFC 8701: values that mean nothing and keep receivers tolerant.
inline bool IsGrease(std::uint16_t value) {
  return (value & 0x0f0f) == 0x0a0a && (value >> 8) == (value & 0xff);
}

}  // namespace sstplb::tls
