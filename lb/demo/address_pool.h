// The addresses that a demo server hands out, lowest free one first.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

#include "lb/base/address.h"

namespace sstplb::demo {

// Not thread-safe. `size` addresses from the one after `gateway` on.
class AddressPool {
 public:
  AddressPool(const IpAddress& gateway, std::size_t size) : gateway_(gateway), size_(size) {}

  const IpAddress& gateway() const { return gateway_; }
  std::size_t in_use() const { return next_ - free_.size(); }

  // nullopt when all are in use.
  std::optional<IpAddress> Take() {
    if (!free_.empty()) {
      const std::size_t index = *free_.begin();
      free_.erase(free_.begin());
      return At(index);
    }
    if (next_ == size_) return std::nullopt;
    return At(next_++);
  }
  // Only what Take() gave.
  void Return(const IpAddress& address) { free_.insert(Number(address) - Number(gateway_) - 1); }

 private:
  static std::uint32_t Number(const IpAddress& address) {
    std::uint32_t number = 0;
    for (const std::uint8_t byte : address.v4_bytes()) number = number << 8 | byte;
    return number;
  }
  IpAddress At(std::size_t index) const {
    const std::uint32_t number = Number(gateway_) + 1 + static_cast<std::uint32_t>(index);
    return IpAddress::V4(
        {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
         static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
  }

  IpAddress gateway_;
  std::size_t size_;
  std::size_t next_ = 0;  // from here on nothing was ever taken
  std::set<std::size_t> free_;
};

}  // namespace sstplb::demo
