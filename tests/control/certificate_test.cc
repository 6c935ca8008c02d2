// The certificates of a farm: what is wrong with one, with a pool's, and what is told of it when.
//
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lb/control/certificate_book.h"

namespace sstplb::control {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Duration kDay = hours(24);
const WallTime kNow = WallTime(kDay * 20'000);
const CertificateWish kWish{kDay * 21, {"vpn.example.com"}};

ShownCertificate Shown(const std::string& sha256 = "aaaa", Duration left = kDay * 90,
                       std::vector<std::string> names = {"vpn.example.com"}) {
  ShownCertificate shown;
  shown.facts.sha256 = sha256;
  shown.facts.names = std::move(names);
  shown.facts.not_before = kNow - kDay * 30;
  shown.facts.not_after = kNow + left;
  return shown;
}

TEST(Covers, Table) {
  struct Row {
    std::vector<std::string> names;
    const char* wanted;
    bool covers;
  };
  const Row rows[] = {
      {{"vpn.example.com"}, "vpn.example.com", true},
      {{"VPN.Example.com"}, "vpn.example.COM", true},
      {{"a.example.com", "vpn.example.com"}, "vpn.example.com", true},
      {{"www.example.com"}, "vpn.example.com", false},
      {{"*.example.com"}, "vpn.example.com", true},
      {{"*.example.com"}, "example.com", false},
      {{"*.example.com"}, "a.vpn.example.com", false},
      {{"*.com"}, "example.com", true},
      {{"*.example.com"}, "*.example.com", true},
      {{"*.vpn.example.com"}, "*.example.com", false},
      {{"vpn.example.com"}, "*.example.com", true},
      {{"example.com"}, "*.example.com", false},
      {{"vpn"}, "vpn", true},
      {{"192.0.2.1"}, "vpn.example.com", false},
      {{}, "vpn.example.com", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Covers(row.names, row.wanted), row.covers)
        << (row.names.empty() ? "-" : row.names.back()) << " for " << row.wanted;
  }
}

std::string Words(const CertificateFindings& findings) {
  std::string text;
  for (const auto& [finding, evidence] : findings) {
    text += (text.empty() ? "" : "; ") + std::string(ToString(finding)) + " " + evidence;
  }
  return text;
}

TEST(Judge, Table) {
  const auto changed = [](const std::function<void(ShownCertificate&)>& change) {
    ShownCertificate shown = Shown();
    change(shown);
    return shown;
  };
  const auto named = [&](std::vector<std::string> names, const std::string& common_name) {
    return changed([&](ShownCertificate& s) {
      s.facts.names = names;
      s.facts.common_name = common_name;
    });
  };
  const auto chained = [&](std::vector<probes::ChainLink> above) {
    return changed([&](ShownCertificate& s) {
      s.chain = {{"CN=vpn", s.facts.not_after}};
      s.chain.insert(s.chain.end(), above.begin(), above.end());
    });
  };
  struct Row {
    const char* what;
    ShownCertificate shown;
    const char* findings;
  };
  const Row rows[] = {
      {"in order", Shown(), ""},
      {"at the edge", Shown("a", kDay * 21), ""},
      {"soon", Shown("a", kDay * 21 - hours(1)), "expires in 20d23h"},
      {"over", Shown("a", -hours(1)), "expired 2024-10-03T23:00:00.000Z"},
      {"an intermediate that ends first", chained({{"CN=Sub", kNow + kDay * 5}}),
       "expires in 5d (CN=Sub)"},
      {"one that has ended", chained({{"CN=Other", kNow + kDay}, {"CN=Sub", kNow - kDay}}),
       "expired 2024-10-03T00:00:00.000Z (CN=Sub)"},
      {"a root that was sent", chained({{"CN=Sub", kNow + kDay * 900}, {"CN=Root", kNow, true}}),
       ""},
      {"early", changed([](auto& s) { s.facts.not_before = kNow + kDay; }),
       "not_yet_valid from 2024-10-05T00:00:00.000Z"},
      {"revoked", changed([](auto& s) {
         s.ocsp = {"revoked", {}};
       }),
       "revoked by its stapled OCSP answer"},
      {"stale", changed([](auto& s) {
         s.ocsp = {"stale", {}};
       }),
       ""},
      {"other name", named({"www.example.com"}, ""), "names vpn.example.com"},
      {"only a common name", named({}, "vpn.example.com"), ""},
      {"a common name beside others", named({"www.example.com"}, "vpn.example.com"),
       "names vpn.example.com"},
      {"too many names to know", changed([](auto& s) {
         s.facts.names = {"www.example.com"};
         s.facts.names_cut = true;
       }),
       ""},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Words(Judge(row.shown, kWish, kNow)), row.findings) << row.what;
  }
  EXPECT_EQ(Words(Judge(Shown("a", kDay), {}, kNow)), "") << "no warning is wanted";
}

TEST(WishOf, TheNamesOfTheRoutesAndTheProbesOwn) {
  config::Config config;
  config.pools.resize(2);
  config.pools[0].name = "main";
  config.pools[0].probe.sni = "probe.example.com";
  config.pools[1].name = "other";
  config.listeners.resize(2);
  config.listeners[0].routes = {{{"a.example.com", "*.b.example.com"}, {}, "main"},
                                {{"c.example.com"}, {}, "other"},
                                {{}, {}, "main"}};
  config.listeners[1].routes = {{{"a.example.com", "d.example.com"}, {}, "main"}};
  EXPECT_THAT(
      WishOf(config, config.pools[0]).names,
      ElementsAre("a.example.com", "*.b.example.com", "d.example.com", "probe.example.com"));
  EXPECT_THAT(WishOf(config, config.pools[1]).names, ElementsAre("c.example.com"));
  EXPECT_EQ(WishOf(config, config.pools[1]).warn, config.pools[1].probe.certificate_warn);
}

TEST(Differences, GroupsBackendsByCertificate) {
  EXPECT_EQ(Differences({}), "");
  EXPECT_EQ(Differences({{"vpn1", "aa"}, {"vpn2", "aa"}}), "");
  EXPECT_EQ(Differences({{"vpn1", "ffff000011"}, {"vpn2", "aaaa000022"}, {"vpn3", "ffff000011"}}),
            "vpn1,vpn3: ffff0000 vpn2: aaaa0000");
}

std::vector<std::string> Told(const std::vector<CertificateEvent>& events) {
  std::vector<std::string> lines;
  for (const CertificateEvent& event : events) {
    const std::string line = FormatLogfmt(event.what, event.fields);
    lines.push_back(std::string(ToString(event.level)) + " " + line.substr(0, line.find(" not_a")));
  }
  return lines;
}

TEST(CertificateBook, TellsATroubleOnceAndItsEndOnce) {
  CertificateBook book;
  const CertificateBook::Key key("main", "vpn1");
  EXPECT_THAT(book.Record(key, Shown(), kWish, kNow), IsEmpty());
  EXPECT_THAT(Told(book.Record(key, Shown(), kWish, kNow + kDay * 70)),
              ElementsAre("warning certificate expires backend=main/vpn1 left=\"in 20d\""));
  EXPECT_THAT(book.Record(key, Shown(), kWish, kNow + kDay * 71), IsEmpty());
  EXPECT_THAT(book.Review(key, kWish, kNow + kDay * 72), IsEmpty()) << "without a new handshake";
  // Expired: one trouble begins, another is over.
  EXPECT_THAT(Told(book.Review(key, kWish, kNow + kDay * 91)),
              ElementsAre("warning certificate expired backend=main/vpn1 "
                          "at=2025-01-02T00:00:00.000Z",
                          "info certificate in order backend=main/vpn1 was=expires sha256=aaaa"));
  // The renewed one: what is wrong with it is told anew.
  EXPECT_THAT(Told(book.Record(key, Shown("bbbb", kDay * 400, {"www.example.com"}), kWish,
                               kNow + kDay * 91)),
              ElementsAre("warning certificate changed backend=main/vpn1 sha256=bbbb was=aaaa",
                          "warning certificate does not cover backend=main/vpn1 "
                          "missing=vpn.example.com",
                          "info certificate in order backend=main/vpn1 was=expired sha256=bbbb"));
  EXPECT_EQ(book.Find("main", "vpn1")->changes, 1u);
  // A reload brings another route.
  CertificateWish more = kWish;
  more.names.emplace_back("ras.example.com");
  EXPECT_THAT(Told(book.Review(key, more, kNow + kDay * 91)),
              ElementsAre("warning certificate does not cover backend=main/vpn1 "
                          "missing=\"vpn.example.com ras.example.com\""));
  EXPECT_THAT(book.Review({"main", "nobody"}, kWish, kNow), IsEmpty());
}

TEST(CertificateBook, TellsWhenAPoolDiffersAndWhenItAgrees) {
  CertificateBook book;
  EXPECT_THAT(book.Record({"main", "vpn1"}, Shown("aaaa"), kWish, kNow), IsEmpty());
  EXPECT_THAT(book.Record({"other", "vpn1"}, Shown("ffff"), kWish, kNow), IsEmpty());
  EXPECT_FALSE(book.Differ("main"));
  EXPECT_THAT(Told(book.Record({"main", "vpn2"}, Shown("bbbb"), kWish, kNow)),
              ElementsAre("warning certificates differ pool=main certificates=\"vpn1: aaaa vpn2: "
                          "bbbb\""));
  EXPECT_TRUE(book.Differ("main"));
  EXPECT_THAT(book.Record({"main", "vpn3"}, Shown("cccc"), kWish, kNow), IsEmpty()) << "once";
  book.Remove({"main", "vpn3"});
  EXPECT_THAT(Told(book.Record({"main", "vpn1"}, Shown("bbbb"), kWish, kNow)),
              ElementsAre("warning certificate changed backend=main/vpn1 sha256=bbbb was=aaaa",
                          "info certificates agree pool=main"));
  EXPECT_FALSE(book.Differ("main"));
}

// A book of the process before, and the one that goes on with what that knew.
struct TwoProcesses {
  CertificateBook before;
  CertificateBook after;

  TwoProcesses() {
    before.Record({"main", "vpn1"}, Shown("aaaa", kDay * 5), kWish, kNow);
    before.Record({"main", "vpn1"}, Shown("bbbb", kDay * 5), kWish, kNow);
    before.Record({"main", "vpn2"}, Shown("cccc", kDay * 90, {"www.example.com"}), kWish, kNow);
    after.Restore(before.Export());
  }
};

TEST(CertificateBook, TheNextProcessTellsNothingTwice) {
  TwoProcesses p;
  EXPECT_TRUE(p.after.Differ("main")) << "before the first handshake";
  EXPECT_EQ(p.after.Find("main", "vpn1"), nullptr);
  EXPECT_EQ(p.after.Export(), p.before.Export());
  EXPECT_THAT(p.after.Record({"main", "vpn1"}, Shown("bbbb", kDay * 5), kWish, kNow + kDay),
              IsEmpty());
  EXPECT_THAT(p.after.Record({"main", "vpn2"}, Shown("cccc", kDay * 90, {"www.example.com"}), kWish,
                             kNow + kDay),
              IsEmpty());
  EXPECT_EQ(p.after.Find("main", "vpn1")->changes, 1u);
  EXPECT_FALSE(p.after.TakeNews());
  EXPECT_THAT(Told(p.after.Record({"main", "vpn2"}, Shown("cccc"), kWish, kNow)),
              ElementsAre("info certificate in order backend=main/vpn2 was=names sha256=cccc"));
}

TEST(CertificateBook, TheNextProcessTellsWhatChangedBetweenTheTwo) {
  TwoProcesses p;
  EXPECT_THAT(Told(p.after.Record({"main", "vpn1"}, Shown("cccc", kDay * 4), kWish, kNow)),
              ElementsAre("warning certificate changed backend=main/vpn1 sha256=cccc was=bbbb",
                          "warning certificate expires backend=main/vpn1 left=\"in 4d\"",
                          "info certificates agree pool=main"));
  EXPECT_EQ(p.after.Find("main", "vpn1")->changes, 2u);
  EXPECT_TRUE(p.after.TakeNews());
}

TEST(CertificateBook, WhatIsRemovedIsNotForTheNextProcess) {
  TwoProcesses p;
  p.after.Remove({"main", "vpn1"});
  EXPECT_TRUE(p.after.TakeNews());
  EXPECT_EQ(p.after.Export().size(), 1u);
  EXPECT_FALSE(p.after.Differ("main"));
  EXPECT_THAT(p.after.Record({"main", "vpn1"}, Shown("dddd"), kWish, kNow), ::testing::SizeIs(0))
      << "it begins anew, and that the pool differs was told";
}

TEST(CertificateBook, NewsIsWhatTheNextProcessHasToKnow) {
  CertificateBook book;
  EXPECT_FALSE(book.TakeNews());
  book.Record({"main", "vpn1"}, Shown("aaaa", kDay * 22), kWish, kNow);
  EXPECT_TRUE(book.TakeNews());
  book.Record({"main", "vpn1"}, Shown("aaaa", kDay * 22), kWish, kNow + hours(1));
  EXPECT_FALSE(book.TakeNews());
  book.Review({"main", "vpn1"}, kWish, kNow + kDay * 2);
  EXPECT_TRUE(book.TakeNews()) << "it expires";
  book.Review({"main", "vpn1"}, kWish, kNow + kDay * 3);
  EXPECT_FALSE(book.TakeNews()) << "the days that are left are no news";
}

}  // namespace
}  // namespace sstplb::control
