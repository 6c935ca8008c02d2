// Versions and ciphers, asked for one by one.
//
// SPDX-License-Identifier: Apache-2.0
#include "probes/tls_scan.h"

#include "probes/report_text.h"
#include "tests/probes/peer.h"
#include "tests/probes/run_probe.h"

namespace sstplb::probes {
namespace {

using std::chrono::milliseconds;

ScanReport Scan(const ProbeRequest& request) {
  Loop loop;
  std::optional<ScanReport> report;
  TlsScan scan(loop, request);
  scan.Start([&](const ScanReport& got) {
    report = got;
    loop.Stop();
  });
  loop.Run();
  return report.value_or(ScanReport{});
}

TEST(TlsScan, VersionsAndCiphersInTheServersOrder) {
  const Identity identity = MakeIdentity({});
  const SslCtxPtr context = ServerContext(identity);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_cipher_list(context.get(),
                          "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384");
  SSL_CTX_set_ciphersuites(context.get(), "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384");
  Peer peer([&](Connection& c) {
    if (c.StartTls(context.get())) c.End();
  });
  const ScanReport report = Scan(RequestFor(config::ProbeKind::kTls, peer.address()));
  EXPECT_EQ(report.trouble, "");
  ASSERT_EQ(report.versions.size(), 4u);
  EXPECT_EQ(report.versions[0].version, "TLSv1");
  EXPECT_TRUE(report.versions[0].accepted.empty());
  EXPECT_EQ(report.versions[0].refusal, "protocol_version (70)");
  EXPECT_FALSE(report.versions[0].refused.empty());
  EXPECT_TRUE(report.versions[1].accepted.empty());
  EXPECT_EQ(
      report.versions[2].accepted,
      (std::vector<std::string>{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"}));
  EXPECT_EQ(report.versions[2].refusal, "handshake_failure (40)");
  EXPECT_EQ(report.versions[3].accepted,
            (std::vector<std::string>{"TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"}));
  EXPECT_EQ(report.versions[3].refused, (std::vector<std::string>{"TLS_AES_128_GCM_SHA256"}));
  EXPECT_EQ(report.connections, 8) << "one for each answer";
  EXPECT_EQ(ScanLines(report)[0], "TLSv1       refused  protocol_version (70)");
}

// A close without a byte may be the server's limit, or a moment of its own: no refusal.
TEST(TlsScan, OneCloseIsNoRefusal) {
  const Identity identity = MakeIdentity({});
  const SslCtxPtr context = ServerContext(identity);
  SSL_CTX_set_ciphersuites(context.get(), "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  int connections = 0;
  Peer peer([&](Connection& c) {
    if (++connections == 5) return void(c.Receive());  // the second of TLS 1.3
    if (c.StartTls(context.get())) c.End();
  });
  const ScanReport report = Scan(RequestFor(config::ProbeKind::kTls, peer.address()));
  EXPECT_EQ(report.trouble, "");
  ASSERT_EQ(report.versions.size(), 4u);
  EXPECT_EQ(report.versions[3].accepted.size(), 2u) << "both, whoever was picked first";
  EXPECT_EQ(report.versions[3].refusal, "handshake_failure (40)");
  EXPECT_EQ(report.versions[3].trouble, "");
  EXPECT_EQ(report.connections, 3 + 3 + 1);
}

TEST(TlsScan, WhatIsNoAnswerIsNoRefusal) {
  const Identity identity = MakeIdentity({});
  const SslCtxPtr context = ServerContext(identity);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), "ECDHE-ECDSA-AES128-GCM-SHA256");
  int connections = 0;
  Peer peer([&](Connection& c) {
    // Both tries of TLS 1.0, and all from the second of TLS 1.2 on.
    if (++connections <= 2 || connections >= 5) return void(c.Receive());
    if (c.StartTls(context.get())) c.End();
  });
  const ScanReport report = Scan(RequestFor(config::ProbeKind::kTls, peer.address()));
  ASSERT_EQ(report.versions.size(), 4u);
  EXPECT_EQ(report.versions[0].refusal, "");
  EXPECT_EQ(report.versions[0].trouble, "closed, twice");
  EXPECT_TRUE(report.versions[0].refused.empty()) << "nothing is known of them";
  EXPECT_EQ(report.versions[1].refusal, "protocol_version (70)");
  EXPECT_EQ(report.versions[1].trouble, "");
  EXPECT_EQ(report.versions[2].accepted.size(), 1u);
  EXPECT_EQ(report.versions[2].trouble, "closed, twice");
  EXPECT_EQ(report.versions[3].trouble, "closed, twice");
  const std::vector<std::string> lines = ScanLines(report);
  EXPECT_EQ(lines[0], "TLSv1     not known  closed, twice");
  EXPECT_EQ(lines[1], "TLSv1.1     refused  protocol_version (70)");
  EXPECT_EQ(lines[2], "TLSv1.2       taken  ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(lines[3], "          not known  closed, twice");
}

// As an old Windows does: it answers in a version that was not offered.
TEST(TlsScan, AnAnswerInAnotherVersionIsARefusal) {
  // A ServerHello of TLS 1.0 without extensions, for whatever was offered.
  Bytes hello = {0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1};
  hello.resize(hello.size() + 32, 7);     // random
  const Bytes rest = {0, 0xc0, 0x09, 0};  // no session, ECDHE-ECDSA-AES128-SHA
  hello.insert(hello.end(), rest.begin(), rest.end());
  hello[4] = static_cast<std::uint8_t>(hello.size() - 5);
  hello[8] = static_cast<std::uint8_t>(hello.size() - 9);
  Peer peer([&](Connection& c) {
    c.Receive();
    c.Send(hello);
    c.End();
  });
  ProbeRequest request = RequestFor(config::ProbeKind::kTls, peer.address());
  request.settings.timeout = milliseconds(300);  // of TLS 1.0, whose handshake never ends
  const ScanReport report = Scan(request);
  ASSERT_EQ(report.versions.size(), 4u);
  for (const std::size_t version : {1u, 2u, 3u}) {
    EXPECT_EQ(report.versions[version].trouble, "") << version;
    EXPECT_NE(report.versions[version].refusal, "") << version;
  }
}

TEST(TlsScan, AServerThatHangsCostsEachVersionItsTimeout) {
  const Fd hung = Listen(16);
  ProbeRequest request = RequestFor(config::ProbeKind::kTls, LocalAddress(hung.get()).value());
  request.settings.timeout = milliseconds(50);
  const ScanReport report = Scan(request);
  EXPECT_EQ(report.connections, 8) << "each is tried twice";
  for (const VersionScan& version : report.versions) {
    EXPECT_EQ(version.trouble, "no answer, twice");
    EXPECT_EQ(version.refusal, "");
  }
}

TEST(TlsScan, NobodyThere) {
  const Fd refused = Listen(-1);
  const ScanReport report =
      Scan(RequestFor(config::ProbeKind::kTls, LocalAddress(refused.get()).value()));
  EXPECT_EQ(report.trouble, "connect_refused");
  EXPECT_EQ(report.connections, 1);
}

TEST(TlsScan, DroppedAtAnyMoment) {
  const Identity identity = MakeIdentity({});
  const SslCtxPtr context = ServerContext(identity);
  Peer peer([&](Connection& c) {
    if (c.StartTls(context.get())) c.End();
  });
  Loop loop;
  for (int turns = 0; turns < 30; ++turns) {
    TlsScan scan(loop, RequestFor(config::ProbeKind::kTls, peer.address()));
    scan.Start([](const ScanReport&) {});
    for (int i = 0; i < turns; ++i) loop.ev().run(ev::ONCE);
  }
}

}  // namespace
}  // namespace sstplb::probes
