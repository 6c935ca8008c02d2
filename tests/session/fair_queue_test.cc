// Lines of sources that take turns.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sstplb::session {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::vector<std::string> Drain(FairQueue<std::string>& queue) {
  std::vector<std::string> out;
  for (; !queue.empty(); queue.Pop()) out.push_back(queue.front());
  return out;
}

TEST(FairQueue, SourcesTakeTurns) {
  FairQueue<std::string> queue;
  for (const char* item : {"a1", "a2", "a3", "a4"}) queue.Push(1, item);
  for (const char* item : {"b1", "b2"}) queue.Push(2, item);
  queue.Push(3, "c1");
  EXPECT_EQ(queue.size(), 7u);
  EXPECT_THAT(Drain(queue), ElementsAre("a1", "b1", "c1", "a2", "b2", "a3", "a4"));
  EXPECT_EQ(queue.size(), 0u);
}

TEST(FairQueue, WhoComesWaitsForOneTurnOfEachOtherAtMost) {
  FairQueue<std::string> queue;
  for (int i = 0; i < 1000; ++i) queue.Push(1, "flood");
  queue.Pop();
  queue.Push(2, "one");
  queue.Pop();
  EXPECT_EQ(queue.front(), "one");
}

TEST(FairQueue, WhoLeavesIsNotServedAndTakesNobodysTurn) {
  FairQueue<std::string> queue;
  const auto a1 = queue.Push(1, "a1");
  queue.Push(1, "a2");
  const auto b1 = queue.Push(2, "b1");
  queue.Push(3, "c1");
  queue.Remove(a1);
  queue.Remove(b1);
  std::vector<std::string> left;
  queue.ForEach([&left](const std::string& item) { left.push_back(item); });
  EXPECT_THAT(left, UnorderedElementsAre("a2", "c1"));
  EXPECT_THAT(Drain(queue), ElementsAre("a2", "c1"));
}

TEST(FairQueue, TheLongestLineIsKnown) {
  FairQueue<std::string> queue;
  EXPECT_EQ(queue.Longest(), 0u);
  EXPECT_EQ(queue.LengthOf(1), 0u);
  queue.Push(1, "a1");
  queue.Push(2, "b1");
  const auto b2 = queue.Push(2, "b2");
  EXPECT_EQ(queue.Longest(), 2u);
  EXPECT_EQ(queue.LengthOf(1), 1u);
  EXPECT_EQ(queue.LengthOf(2), 2u);
  EXPECT_EQ(queue.LastOfLongest(), "b2");
  queue.Remove(b2);
  EXPECT_EQ(queue.Longest(), 1u);
  queue.Push(1, "a2");
  EXPECT_EQ(queue.LastOfLongest(), "a2");
  queue.Pop();
  EXPECT_EQ(queue.Longest(), 1u);
}

TEST(FairQueue, AllAreToldInTheOrderOfTheirTurns) {
  FairQueue<std::string> queue;
  for (const char* item : {"a1", "a2", "a3"}) queue.Push(1, item);
  for (const char* item : {"b1", "b2"}) queue.Push(2, item);
  queue.Pop();
  std::vector<std::string> told;
  queue.ForEach([&told](const std::string& item) { told.push_back(item); });
  EXPECT_THAT(told, ElementsAre("b1", "a2", "b2", "a3"));
  EXPECT_EQ(Drain(queue), told);
}

// Beside a naive twin.
TEST(FairQueue, NobodyIsLostWhateverHappens) {
  std::mt19937 random(1);
  FairQueue<int> queue;
  std::map<int, FairQueue<int>::Ticket> tickets;
  std::map<int, std::uint64_t> source_of;
  for (int i = 0; i < 20000; ++i) {
    switch (random() % 3) {
      case 0:
        source_of[i] = random() % 7;
        tickets[i] = queue.Push(source_of[i], i);
        break;
      case 1:
        if (tickets.empty()) break;
        queue.Remove(tickets.begin()->second);
        tickets.erase(tickets.begin());
        break;
      default:
        if (tickets.empty()) break;
        EXPECT_EQ(tickets.erase(queue.front()), 1u);
        queue.Pop();
    }
    ASSERT_EQ(queue.size(), tickets.size());
    ASSERT_EQ(queue.empty(), tickets.empty());
    std::map<std::uint64_t, std::size_t> lengths;
    for (const auto& [item, ticket] : tickets) ++lengths[source_of[item]];
    std::size_t longest = 0;
    for (const auto& [source, length] : lengths) {
      ASSERT_EQ(queue.LengthOf(source), length);
      longest = std::max(longest, length);
    }
    ASSERT_EQ(queue.Longest(), longest);
    if (longest != 0) {
      ASSERT_EQ(lengths[source_of[queue.LastOfLongest()]], longest);
    }
  }
}

}  // namespace
}  // namespace sstplb::session
