// SPDX-License-Identifier: Apache-2.0
#include "lb/config/diagnostic.h"

#include <algorithm>

namespace sstplb::config {

std::string Diagnostic::ToString() const {
  std::string out = file;
  if (line > 0) out += ":" + std::to_string(line) + ":" + std::to_string(column);
  if (!key.empty()) out += ": " + key;
  return out + ": " + message;
}

void Complaints::Add(Position at, std::string_view key, std::string message) {
  list_.push_back({file_, at.line, at.column, std::string(key), std::move(message)});
}

std::vector<Diagnostic> Complaints::Sorted() const {
  std::vector<Diagnostic> sorted = list_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return Position{a.line, a.column} < Position{b.line, b.column};
  });
  return sorted;
}

}  // namespace sstplb::config
