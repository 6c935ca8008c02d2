// FairQueue: who waits for one thing, source after source.
//
// Each source has a line of its own, first come, first served; lines take turns. So a client that
// knocks a thousand times, or a NAT with a thousand clients, does not keep the others waiting.
// Everything is O(1).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <unordered_map>

namespace sstplb::session {

template <class T>
class FairQueue {
  struct Line {
    std::uint64_t source = 0;
    std::list<T> items;
  };

 public:
  // A place in it; good until it is removed or popped.
  struct Ticket {
    typename std::list<Line>::iterator line;
    typename std::list<T>::iterator item;
  };

  bool empty() const { return lines_.empty(); }
  std::size_t size() const { return size_; }

  Ticket Push(std::uint64_t source, T item) {
    auto found = by_source_.find(source);
    if (found == by_source_.end()) {
      lines_.push_back({.source = source, .items = {}});
      found = by_source_.emplace(source, std::prev(lines_.end())).first;
    }
    Line& line = *found->second;
    line.items.push_back(item);
    ++size_;
    return {found->second, std::prev(line.items.end())};
  }

  void Remove(const Ticket& ticket) {
    ticket.line->items.erase(ticket.item);
    --size_;
    if (ticket.line->items.empty()) Drop(ticket.line);
  }

  // Whose turn it is; only when it is not empty.
  T& front() { return lines_.front().items.front(); }
  // Removes the front, and the next line has its turn.
  void Pop() {
    const auto line = lines_.begin();
    line->items.pop_front();
    --size_;
    if (line->items.empty()) {
      Drop(line);
    } else {
      lines_.splice(lines_.end(), lines_, line);
    }
  }

  // In no particular order.
  template <class Fn>
  void ForEach(Fn fn) const {
    for (const Line& line : lines_) {
      for (const T& item : line.items) fn(item);
    }
  }

 private:
  void Drop(typename std::list<Line>::iterator line) {
    by_source_.erase(line->source);
    lines_.erase(line);
  }

  std::list<Line> lines_;  // in the order of their turns
  std::unordered_map<std::uint64_t, typename std::list<Line>::iterator> by_source_;
  std::size_t size_ = 0;
};

}  // namespace sstplb::session
