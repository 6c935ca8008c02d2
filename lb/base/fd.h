// Fd: the one owner of a file descriptor.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace sstplb {

// Closes its descriptor when destroyed. Move-only, so that a descriptor's owner is always visible
// in a type. Not thread-safe.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

  // Gives the descriptor away; the caller owns it from here.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }

  // Closes what is held and takes `fd` instead.
  void Reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace sstplb
