// Departures: what is taken, how it is drained, and when it is let go.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/departures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lb/backend/registry.h"

namespace sstplb::control {
namespace {

using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const WallTime kNow = WallTime() + std::chrono::hours(500000);

class DeparturesTest : public ::testing::Test {
 protected:
  DeparturesTest()
      : registry_([this](const auto& snapshot) {
          taken_ = departures_.Update(*seen_, *snapshot, kNow);
          seen_ = snapshot;
        }) {
    for (const char* name : {"main", "other"}) {
      config::Pool& pool = config_.pools.emplace_back();
      pool.name = name;
      pool.backends = {{.name = "vpn1", .address = {"10.0.0.1", 443}},
                       {.name = "vpn2", .address = {"10.0.0.2", 443}}};
    }
    registry_.ApplyConfig(config_);
  }
  std::shared_ptr<backend::BackendLoad> Load(const char* pool, const char* name) {
    return seen_->Find(pool)->Find(name)->load;
  }
  void Reload() { registry_.ApplyConfig(config_); }

  config::Config config_;
  Departures departures_;
  std::shared_ptr<const backend::Snapshot> seen_ = std::make_shared<const backend::Snapshot>();
  std::vector<Departures::Key> taken_;
  backend::Registry registry_;
};

TEST_F(DeparturesTest, ARemovedBackendStaysUntilItsLastSessionHasGone) {
  auto session = Load("main", "vpn1");
  session->active = 2;
  session->opened = 2;
  ASSERT_TRUE(registry_.Remove("main", "vpn1").ok());
  EXPECT_THAT(taken_, ElementsAre(Pair("main", "vpn1")));
  EXPECT_THAT(departures_.Sweep(), IsEmpty());
  ASSERT_NE(departures_.Find("main", "vpn1"), nullptr);
  EXPECT_EQ(departures_.Find("main", "vpn1")->sessions(), 2u);
  EXPECT_EQ(departures_.Find("main", "vpn1")->view.address.ToString(), "10.0.0.1:443");

  session->active = 0;
  EXPECT_THAT(departures_.Sweep(), IsEmpty()) << "a client under way still holds it";
  session.reset();
  EXPECT_THAT(departures_.Sweep(), ElementsAre(Pair("main", "vpn1")));
  EXPECT_EQ(departures_.Find("main", "vpn1"), nullptr);
}

TEST_F(DeparturesTest, OneThatNobodyWasAtGoesInSilence) {
  ASSERT_TRUE(registry_.Remove("main", "vpn1").ok());
  EXPECT_THAT(departures_.Sweep(), IsEmpty());
  EXPECT_THAT(departures_.all(), IsEmpty());
}

TEST_F(DeparturesTest, AnOlderPlanMaySendOneMore) {
  const auto plan = seen_;  // which a client began with
  ASSERT_TRUE(registry_.Remove("main", "vpn1").ok());
  EXPECT_THAT(departures_.Sweep(), IsEmpty());
  const auto load = plan->Find("main")->Find("vpn1")->load;
  ++load->active;
  ASSERT_NE(departures_.Find("main", "vpn1"), nullptr);
  EXPECT_EQ(departures_.Find("main", "vpn1")->sessions(), 1u);
}

TEST_F(DeparturesTest, ThePoolSaysHowItIsDrained) {
  const auto holds = {Load("main", "vpn1"), Load("main", "vpn2"), Load("other", "vpn1")};
  ASSERT_TRUE(registry_.Remove("main", "vpn1").ok());
  const backend::Drain& runs_on = departures_.Find("main", "vpn1")->drain;
  EXPECT_EQ(runs_on, (backend::Drain{.since = kNow, .begins = kNow, .idle_first = true}))
      << "without settings its sessions run on until they end";

  // As the configuration says that removes it, and as it said last when the pool goes too.
  config_.pools[1].drain.pace = config::Rate{2, 2};
  Reload();
  config_.pools[0].drain = {.within = minutes(30), .idle_first = false};
  config_.pools[0].backends.pop_back();
  config_.pools.pop_back();
  Reload();
  EXPECT_EQ(departures_.Find("main", "vpn2")->drain,
            (backend::Drain{.since = kNow, .begins = kNow, .deadline = kNow + minutes(30)}));
  EXPECT_EQ(departures_.Find("other", "vpn1")->drain,
            (backend::Drain{.since = kNow, .begins = kNow, .pace = 2, .idle_first = true}));
  EXPECT_EQ(departures_.Find("main", "vpn1")->drain.deadline, std::nullopt) << "it had begun";
  EXPECT_EQ(holds.size(), 3u);
}

TEST_F(DeparturesTest, OneThatComesBackIsTheSameAgain) {
  const auto load = Load("main", "vpn1");
  load->active = 3;
  ASSERT_TRUE(registry_.Remove("main", "vpn1").ok());
  ASSERT_TRUE(registry_.Add("main", {.name = "vpn1", .address = {"10.9.9.9", 443}}).ok());
  EXPECT_EQ(departures_.Find("main", "vpn1"), nullptr);
  EXPECT_EQ(Load("main", "vpn1"), load) << "its old sessions count, wherever they are";
  EXPECT_EQ(seen_->Find("main")->Find("vpn1")->address.ToString(), "10.9.9.9:443");
}

TEST_F(DeparturesTest, AnotherDrainCanBeHad) {
  const auto load = Load("main", "vpn1");
  ASSERT_TRUE(registry_.Remove("main", "vpn1").ok());
  const backend::Drain drain{.since = kNow, .begins = kNow, .pace = 9};
  EXPECT_TRUE(departures_.SetDrain("main", "vpn1", drain));
  EXPECT_EQ(departures_.Find("main", "vpn1")->drain, drain);
  EXPECT_FALSE(departures_.SetDrain("main", "vpn2", drain)) << "it is there";
}

}  // namespace
}  // namespace sstplb::control
