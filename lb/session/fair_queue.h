// FairQueue: who waits for one thing, source after source.
//
// Each source has a line of its own, first come, first served; lines take turns. So a client that
// knocks a thousand times, or a NAT with a thousand clients, does not keep the others waiting.
// Everything is O(1), but for ForEach().
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <unordered_map>
#include <vector>

namespace sstplb::session {

template <class T>
class FairQueue {
  struct Line {
    std::uint64_t source = 0;
    std::list<T> items;
    typename std::list<Line*>::iterator peer;  // its place among the lines of its length
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
      lines_.push_back({.source = source, .items = {}, .peer = {}});
      found = by_source_.emplace(source, std::prev(lines_.end())).first;
    }
    Line& line = *found->second;
    line.items.push_back(item);
    ++size_;
    Grown(line);
    return {found->second, std::prev(line.items.end())};
  }

  void Remove(const Ticket& ticket) {
    ticket.line->items.erase(ticket.item);
    --size_;
    Shrunk(*ticket.line);
    if (ticket.line->items.empty()) Drop(ticket.line);
  }

  // Whose turn it is; only when it is not empty.
  T& front() { return lines_.front().items.front(); }
  // Removes the front, and the next line has its turn.
  void Pop() {
    const auto line = lines_.begin();
    line->items.pop_front();
    --size_;
    Shrunk(*line);
    if (line->items.empty()) {
      Drop(line);
    } else {
      lines_.splice(lines_.end(), lines_, line);
    }
  }

  // How long the line of a source is, and how long the longest of all.
  std::size_t LengthOf(std::uint64_t source) const {
    const auto found = by_source_.find(source);
    return found == by_source_.end() ? 0 : found->second->items.size();
  }
  std::size_t Longest() const { return by_length_.size(); }
  // The last of one of the longest lines; only when it is not empty.
  T& LastOfLongest() { return by_length_.back().front()->items.back(); }

  // In the order of their turns.
  template <class Fn>
  void ForEach(Fn fn) const {
    struct Rest {
      typename std::list<T>::const_iterator next;
      typename std::list<T>::const_iterator end;
    };
    std::vector<Rest> rests;
    for (const Line& line : lines_) rests.push_back({line.items.begin(), line.items.end()});
    while (!rests.empty()) {
      for (Rest& rest : rests) fn(*rest.next++);
      std::erase_if(rests, [](const Rest& rest) { return rest.next == rest.end; });
    }
  }

 private:
  // A line has one more.
  void Grown(Line& line) {
    const std::size_t length = line.items.size();
    if (by_length_.size() < length) by_length_.emplace_back();
    auto& peers = by_length_[length - 1];
    if (length == 1) {
      line.peer = peers.insert(peers.end(), &line);
    } else {
      peers.splice(peers.end(), by_length_[length - 2], line.peer);
    }
  }

  // A line has one less, maybe none.
  void Shrunk(Line& line) {
    const std::size_t length = line.items.size();
    if (length == 0) {
      by_length_[0].erase(line.peer);
    } else {
      auto& peers = by_length_[length - 1];
      peers.splice(peers.end(), by_length_[length], line.peer);
    }
    if (by_length_.back().empty()) by_length_.pop_back();
  }

  void Drop(typename std::list<Line>::iterator line) {
    by_source_.erase(line->source);
    lines_.erase(line);
  }

  std::list<Line> lines_;  // in the order of their turns
  std::unordered_map<std::uint64_t, typename std::list<Line>::iterator> by_source_;
  std::vector<std::list<Line*>> by_length_;  // [n - 1]: the lines with n items; the last has some
  std::size_t size_ = 0;
};

}  // namespace sstplb::session
