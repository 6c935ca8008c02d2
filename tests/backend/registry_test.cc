// The registry: configuration, operator and probes speak in one order, and every change is a new
// snapshot.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/registry.h"

#include <gtest/gtest.h>

namespace sstplb::backend {
namespace {

using config::AdminState;

config::Backend MakeBackend(const std::string& name, const std::string& address) {
  return {.name = name, .address = *HostPort::Parse(address)};
}

config::Config MakeConfig() {
  config::Config config;
  config.pools.push_back(
      {.name = "main",
       .backends = {MakeBackend("vpn1", "10.0.0.1:443"), MakeBackend("vpn2", "10.0.0.2:443")}});
  return config;
}

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() : registry_([this](const auto&) { ++changes_; }) {
    registry_.ApplyConfig(MakeConfig());
  }
  const BackendView* Find(std::string_view name) {
    const PoolView* pool = registry_.snapshot()->Find("main");
    return pool == nullptr ? nullptr : pool->Find(name);
  }

  int changes_ = 0;
  Registry registry_;
};

TEST_F(RegistryTest, StartsAsTheConfigurationSays) {
  ASSERT_NE(Find("vpn1"), nullptr);
  EXPECT_EQ(Find("vpn1")->resolved, SocketAddress::Parse("10.0.0.1:443"));
  EXPECT_EQ(Find("vpn1")->health, Health::kUnknown);
  EXPECT_TRUE(Find("vpn1")->Ready()) << "unknown health must not refuse";
}

TEST_F(RegistryTest, ASnapshotThatWasHandedOutNeverChanges) {
  const auto before = registry_.snapshot();
  registry_.SetHealth("main", "vpn1", Health::kDown);
  EXPECT_EQ(before->Find("main")->Find("vpn1")->health, Health::kUnknown);
  EXPECT_EQ(Find("vpn1")->health, Health::kDown);
  EXPECT_GT(registry_.snapshot()->generation, before->generation);
}

TEST_F(RegistryTest, KnowsWhoHasComeBack) {
  EXPECT_EQ(Find("vpn1")->ready_since, std::nullopt) << "it was never away";
  registry_.SetHealth("main", "vpn1", Health::kUp);
  EXPECT_EQ(Find("vpn1")->ready_since, std::nullopt);
  registry_.SetHealth("main", "vpn1", Health::kDown);
  registry_.SetHealth("main", "vpn1", Health::kUp);
  const auto since = Find("vpn1")->ready_since;
  ASSERT_TRUE(since);
  registry_.SetHealth("main", "vpn2", Health::kDown);
  EXPECT_EQ(Find("vpn1")->ready_since, since);
  registry_.SetEjected("main", "vpn1", true);
  EXPECT_FALSE(Find("vpn1")->Ready());
  EXPECT_TRUE(Find("vpn1")->Usable());
  registry_.SetEjected("main", "vpn1", false);
  EXPECT_GT(Find("vpn1")->ready_since, since);
  ASSERT_TRUE(registry_.Add("main", MakeBackend("vpn3", "10.0.0.3:443")).ok());
  EXPECT_TRUE(Find("vpn3")->ready_since);
}

TEST_F(RegistryTest, AnotherProcessKnewSinceWhenItIsBack) {
  const TimePoint since = Clock::now() - std::chrono::seconds(10);
  {
    const Registry::Batch batch(registry_);
    registry_.SetReadySince("main", "vpn1", since);
    registry_.SetHealth("main", "vpn1", Health::kUp);
    registry_.SetReadySince("main", "vpn2", std::nullopt);
    registry_.SetHealth("main", "vpn2", Health::kDown);
  }
  EXPECT_EQ(Find("vpn1")->ready_since, since);
  EXPECT_EQ(Find("vpn2")->ready_since, std::nullopt);
  registry_.SetHealth("main", "vpn2", Health::kUp);
  EXPECT_GT(Find("vpn2")->ready_since, since);
}

TEST_F(RegistryTest, TheOperatorWinsOverTheConfigurationUntilReset) {
  ASSERT_TRUE(registry_.SetAdmin("main", "vpn1", AdminState::kDisabled).ok());
  ASSERT_TRUE(registry_.SetWeight("main", "vpn1", 7).ok());
  registry_.ApplyConfig(MakeConfig());
  EXPECT_EQ(Find("vpn1")->admin, AdminState::kDisabled);
  EXPECT_EQ(Find("vpn1")->weight, 7u);
  ASSERT_TRUE(registry_.Reset("main", "vpn1").ok());
  EXPECT_EQ(Find("vpn1")->admin, AdminState::kActive);
  EXPECT_EQ(Find("vpn1")->weight, 100u);
  EXPECT_TRUE(registry_.decisions().empty());
}

TEST_F(RegistryTest, HealthNeverChangesWhatTheOperatorWants) {
  ASSERT_TRUE(registry_.SetAdmin("main", "vpn1", AdminState::kDraining).ok());
  registry_.SetHealth("main", "vpn1", Health::kUp);
  EXPECT_EQ(Find("vpn1")->admin, AdminState::kDraining);
  EXPECT_FALSE(Find("vpn1")->Ready());
}

TEST_F(RegistryTest, BackendsComeAndGo) {
  ASSERT_TRUE(registry_.Add("main", MakeBackend("vpn3", "10.0.0.3:443")).ok());
  EXPECT_NE(Find("vpn3"), nullptr);
  EXPECT_FALSE(registry_.Add("main", MakeBackend("vpn3", "10.0.0.4:443")).ok());
  ASSERT_TRUE(registry_.Remove("main", "vpn1").ok());
  EXPECT_EQ(Find("vpn1"), nullptr);
  registry_.ApplyConfig(MakeConfig());
  EXPECT_EQ(Find("vpn1"), nullptr) << "a removal outlives a reload";
  EXPECT_NE(Find("vpn3"), nullptr) << "and so does an addition";
  ASSERT_TRUE(registry_.Remove("main", "vpn3").ok());
  EXPECT_EQ(Find("vpn3"), nullptr);
  ASSERT_TRUE(registry_.Reset("main", "vpn1").ok());
  EXPECT_NE(Find("vpn1"), nullptr);
  EXPECT_TRUE(registry_.decisions().empty());
}

TEST_F(RegistryTest, ABackendThatIsAddedInPlaceOfARemovedOneIsTheNewOne) {
  ASSERT_TRUE(registry_.Remove("main", "vpn1").ok());
  ASSERT_TRUE(registry_.Add("main", MakeBackend("vpn1", "10.9.9.9:443")).ok());
  EXPECT_EQ(Find("vpn1")->resolved, SocketAddress::Parse("10.9.9.9:443"));
}

TEST_F(RegistryTest, ErrorsNameWhatThereIs) {
  const auto pool = registry_.SetWeight("lab", "vpn1", 1);
  ASSERT_FALSE(pool.ok());
  EXPECT_NE(pool.error().message.find("main"), std::string::npos) << pool.error().message;
  const auto backend = registry_.Remove("main", "vpn9");
  ASSERT_FALSE(backend.ok());
  EXPECT_NE(backend.error().message.find("vpn1, vpn2"), std::string::npos)
      << backend.error().message;
}

TEST_F(RegistryTest, TheLoadOfABackendOutlivesReloadsAndSnapshots) {
  const auto load = Find("vpn2")->load;
  load->active = 3;
  config::Config without = MakeConfig();
  without.pools[0].backends.pop_back();
  registry_.ApplyConfig(MakeConfig());
  EXPECT_EQ(Find("vpn2")->load, load);
  registry_.ApplyConfig(without);
  EXPECT_EQ(Find("vpn2"), nullptr);
  EXPECT_EQ(load->active, 3u) << "its sessions still count on it";
}

TEST_F(RegistryTest, ABackendThatComesBackWhileSessionsHoldItHasItsLoad) {
  auto load = Find("vpn2")->load;
  load->active = 3;
  config::Config without = MakeConfig();
  without.pools[0].backends.pop_back();
  registry_.ApplyConfig(without);
  registry_.ApplyConfig(MakeConfig());
  EXPECT_EQ(Find("vpn2")->load, load);
  load.reset();
  registry_.ApplyConfig(without);
  registry_.ApplyConfig(MakeConfig());
  EXPECT_EQ(Find("vpn2")->load->active, 0u) << "nobody held it: it begins anew";
}

TEST_F(RegistryTest, AnAdditionIsDoneWithWhenTheFileHasIt) {
  ASSERT_TRUE(registry_.Add("main", MakeBackend("vpn3", "10.0.0.3:443")).ok());
  ASSERT_TRUE(registry_.SetWeight("main", "vpn3", 7).ok());
  config::Config with = MakeConfig();
  with.pools[0].backends.push_back(MakeBackend("vpn3", "10.0.0.33:443"));
  registry_.ApplyConfig(with);
  EXPECT_EQ(Find("vpn3")->address.ToString(), "10.0.0.33:443") << "the file's word";
  EXPECT_EQ(Find("vpn3")->weight, 7u) << "and the operator's";
  registry_.ApplyConfig(MakeConfig());
  EXPECT_EQ(Find("vpn3"), nullptr) << "who takes it out of the file means it";
}

TEST_F(RegistryTest, ARemovalIsDoneWithWhenItLeavesTheFile) {
  ASSERT_TRUE(registry_.Remove("main", "vpn2").ok());
  config::Config without = MakeConfig();
  without.pools[0].backends.pop_back();
  registry_.ApplyConfig(without);
  EXPECT_TRUE(registry_.decisions().empty());
  registry_.ApplyConfig(MakeConfig());
  EXPECT_NE(Find("vpn2"), nullptr) << "who puts it into the file again means it";
}

TEST_F(RegistryTest, AStartWithAnotherFileForgetsNoRemoval) {
  ASSERT_TRUE(registry_.Remove("main", "vpn2").ok());
  Registry again([](const auto&) {});
  again.Restore(registry_.decisions());
  config::Config without = MakeConfig();
  without.pools[0].backends.pop_back();
  again.ApplyConfig(without);
  EXPECT_EQ(again.decisions().size(), 1u);
}

TEST_F(RegistryTest, AnotherAddressUnderTheSameNameIsAnotherMachine) {
  registry_.SetHealth("main", "vpn1", Health::kUp);
  config::Config moved = MakeConfig();
  moved.pools[0].backends[0].address = *HostPort::Parse("10.0.0.77:443");
  registry_.ApplyConfig(moved);
  EXPECT_EQ(Find("vpn1")->health, Health::kUnknown);
  EXPECT_EQ(Find("vpn1")->resolved, SocketAddress::Parse("10.0.0.77:443"));
}

TEST_F(RegistryTest, AHostNameIsNotReadyBeforeItHasAnAddress) {
  ASSERT_TRUE(registry_.Add("main", MakeBackend("vpn3", "vpn3.example.com:443")).ok());
  EXPECT_FALSE(Find("vpn3")->Ready());
  registry_.SetResolved("main", "vpn3", SocketAddress::Parse("10.0.0.3:443"));
  EXPECT_TRUE(Find("vpn3")->Ready());
}

TEST_F(RegistryTest, LateAnswersAboutWhatIsGoneChangeNothing) {
  const int before = changes_;
  registry_.SetHealth("main", "vpn9", Health::kDown);
  registry_.SetResolved("lab", "vpn1", SocketAddress::Parse("10.0.0.3:443"));
  registry_.SetHealth("main", "vpn1", Health::kUnknown);
  EXPECT_EQ(changes_, before);
}

TEST_F(RegistryTest, ABatchIsOneChange) {
  const int before = changes_;
  {
    const Registry::Batch batch(registry_);
    ASSERT_TRUE(registry_.SetWeight("main", "vpn1", 1).ok());
    ASSERT_TRUE(registry_.SetMaxSessions("main", "vpn1", 5).ok());
    EXPECT_EQ(changes_, before);
  }
  EXPECT_EQ(changes_, before + 1);
  EXPECT_EQ(Find("vpn1")->max_sessions, 5u);
}

TEST_F(RegistryTest, TheEffectiveConfigurationHasEveryDecision) {
  ASSERT_TRUE(registry_.Add("main", MakeBackend("vpn3", "10.0.0.3:443")).ok());
  ASSERT_TRUE(registry_.Remove("main", "vpn1").ok());
  ASSERT_TRUE(registry_.SetAdmin("main", "vpn2", AdminState::kDraining).ok());
  const auto effective = registry_.Effective(MakeConfig());
  ASSERT_EQ(effective.pools[0].backends.size(), 2u);
  EXPECT_EQ(effective.pools[0].backends[0].name, "vpn2");
  EXPECT_EQ(effective.pools[0].backends[0].admin, AdminState::kDraining);
  EXPECT_EQ(effective.pools[0].backends[1].name, "vpn3");
}

TEST_F(RegistryTest, DecisionsComeBackAfterARestart) {
  ASSERT_TRUE(registry_.Add("main", MakeBackend("vpn3", "10.0.0.3:443")).ok());
  ASSERT_TRUE(registry_.SetWeight("main", "vpn2", 9).ok());
  Registry again([](const auto&) {});
  again.Restore(registry_.decisions());
  again.ApplyConfig(MakeConfig());
  EXPECT_EQ(again.snapshot()->Find("main")->Find("vpn2")->weight, 9u);
  EXPECT_NE(again.snapshot()->Find("main")->Find("vpn3"), nullptr);
}

}  // namespace
}  // namespace sstplb::backend
