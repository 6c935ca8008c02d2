// Diagnostic: one thing that is wrong in a configuration file, with its place and what would be
// right.
//
//   sstplb.toml:14:11: pool.main.balance: unknown policy "rr" (one of: consistent-hash, ...)
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sstplb::config {

// A place in a text; lines and columns count from 1, 0 means "the file as a whole".
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  auto operator<=>(const Position&) const = default;
};

struct Diagnostic {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string key;  // the full path, "pool.main.balance"; "" when no key is at fault
  std::string message;

  std::string ToString() const;

  bool operator==(const Diagnostic&) const = default;
};

// Collects what is wrong in one file.
class Complaints {
 public:
  explicit Complaints(std::string file) : file_(std::move(file)) {}

  void Add(Position at, std::string_view key, std::string message);
  bool empty() const { return list_.empty(); }
  // All of them, by their place in the file.
  std::vector<Diagnostic> Sorted() const;

 private:
  std::string file_;
  std::vector<Diagnostic> list_;
};

// Complaints about one key.
struct Complain {
  Complaints& complaints;
  std::string key;

  void operator()(Position at, std::string message) const {
    complaints.Add(at, key, std::move(message));
  }
};

}  // namespace sstplb::config
