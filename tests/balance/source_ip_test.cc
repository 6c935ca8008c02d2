// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/source_ip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/balance/farm.h"

namespace sstplb::balance {
namespace {

using std::chrono::hours;
using testing::ElementsAre;

const TimePoint kStart = TimePoint() + hours(1000);

Key At(TimePoint now) { return KeyOf(IpAddress::Parse("192.0.2.1").value(), now); }

class SourceIpTest : public testing::Test {
 protected:
  std::shared_ptr<StickTable> table_ = std::make_shared<StickTable>(hours(8));
  SourceIp policy_{Farm({100, 100, 0, 100}), table_};
  FakeLoads loads_{4};

  void SetUp() override { loads_.active = {3, 1, 0, 2}; }
};

TEST_F(SourceIpTest, ANewClientGoesWhereTheFewestAre) {
  const auto picked = PickFor(policy_, At(kStart), loads_);
  EXPECT_THAT(picked, ElementsAre(1, 3, 0));
  EXPECT_EQ(picked.why(), "least_sessions");
  EXPECT_EQ(table_->Size(), 0u) << "a pick alone is not remembered";
}

TEST_F(SourceIpTest, AKnownClientComesFirstToItsBackend) {
  table_->Remember(At(kStart).source, "vpn1", kStart);
  const auto picked = PickFor(policy_, At(kStart), loads_);
  EXPECT_THAT(picked, ElementsAre(0, 1, 3));
  EXPECT_EQ(picked.why(), "remembered");
  table_->SessionEnded(At(kStart).source, kStart);
  EXPECT_THAT(PickFor(policy_, At(kStart + hours(7)), loads_), ElementsAre(0, 1, 3));
  EXPECT_THAT(PickFor(policy_, At(kStart + hours(8)), loads_), ElementsAre(1, 3, 0));
}

TEST_F(SourceIpTest, WeightZeroStillTakesItsOwn) {
  table_->Remember(At(kStart).source, "vpn3", kStart);
  EXPECT_THAT(PickFor(policy_, At(kStart), loads_), ElementsAre(2, 1, 3, 0));
}

TEST_F(SourceIpTest, ABackendThatCannotBeUsedIsPassedOverAndNotForgotten) {
  table_->Remember(At(kStart).source, "vpn1", kStart);
  loads_.usable[0] = false;
  EXPECT_THAT(PickFor(policy_, At(kStart), loads_), ElementsAre(1, 3));
  loads_.usable[0] = true;
  EXPECT_THAT(PickFor(policy_, At(kStart), loads_), ElementsAre(0, 1, 3));
}

TEST_F(SourceIpTest, ABackendThatIsGoneIsPassedOver) {
  table_->Remember(At(kStart).source, "removed", kStart);
  EXPECT_THAT(PickFor(policy_, At(kStart), loads_), ElementsAre(1, 3, 0));
}

TEST(SourceIpLargeTest, TheRememberedOneIsAmongTheCandidatesOfALargeFarm) {
  const auto table = std::make_shared<StickTable>(hours(8));
  const SourceIp policy(EqualFarm(100), table);
  FakeLoads loads(100);
  loads.active[77] = 1000;
  table->Remember(At(kStart).source, "vpn78", kStart);
  const auto picked = PickFor(policy, At(kStart), loads);
  EXPECT_EQ(picked.size(), Candidates::kCapacity);
  EXPECT_EQ(picked[0], 77u);
}

}  // namespace
}  // namespace sstplb::balance
