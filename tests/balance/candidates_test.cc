// Candidates: the order in which a policy offers backends, whoever made it (policy.h).
//
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lb/balance/policy.h"

namespace sstplb::balance {
namespace {

TEST(CandidatesTest, KeepsTheFirstPlaceOfEach) {
  Candidates candidates;
  for (const std::size_t index : {3u, 1u, 3u, 2u, 1u}) EXPECT_TRUE(candidates.Add(index));
  EXPECT_THAT(candidates, testing::ElementsAre(3, 1, 2));
  EXPECT_TRUE(candidates.Contains(2));
  EXPECT_FALSE(candidates.Contains(0));
}

TEST(CandidatesTest, SaysWhenItIsFull) {
  Candidates candidates;
  for (std::size_t i = 0; i < Candidates::kCapacity; ++i) EXPECT_TRUE(candidates.Add(i));
  EXPECT_TRUE(candidates.full());
  EXPECT_FALSE(candidates.Add(Candidates::kCapacity));
  EXPECT_TRUE(candidates.Add(0)) << "it is in already";
  EXPECT_EQ(candidates.size(), Candidates::kCapacity);
}

TEST(CandidatesTest, NobodyHasNoReason) {
  Candidates candidates;
  candidates.set_why("hash");
  EXPECT_EQ(candidates.why(), "");
  candidates.Add(1);
  candidates.set_why("hash");
  EXPECT_EQ(candidates.why(), "hash");
  candidates.Clear();
  EXPECT_EQ(candidates.why(), "");
  EXPECT_TRUE(candidates.empty());
}

}  // namespace
}  // namespace sstplb::balance
