// The TLS of a probe: how a handshake can fail, and what is made of certificates.
//
// SPDX-License-Identifier: Apache-2.0
#include <openssl/ocsp.h>

#include <set>

#include "tests/probes/peer.h"
#include "tests/probes/run_probe.h"

namespace sstplb::probes {
namespace {

using std::chrono::milliseconds;

class TlsProbeTest : public ::testing::Test {
 protected:
  static Identity MakeAuthority() {
    return MakeIdentity({.common_name = "Test CA", .names = "", .authority = true});
  }

  // One probe against a server that ends TLS with `identity`.
  ProbeReport Probe(const Identity& identity,
                    const std::function<void(ProbeRequest&)>& change = {}) {
    const SslCtxPtr context = ServerContext(identity);
    Peer peer([&](Connection& c) {
      if (c.StartTls(context.get())) end_ = c.End();
    });
    ProbeRequest request = RequestFor(config::ProbeKind::kTls, peer.address());
    if (change) change(request);
    ProbeReport report = RunProbe(request);
    peer.Stop();
    return report;
  }

  Identity authority_ = MakeAuthority();
  std::string end_;
};

TEST_F(TlsProbeTest, OkWithItsFacts) {
  const Identity own =
      MakeIdentity({.names = "DNS:vpn.example.com,IP:192.0.2.1,IP:2001:db8::1"}, &authority_);
  const ProbeReport report = Probe(own);
  EXPECT_EQ(Word(report), "ok") << report.detail;
  EXPECT_EQ(end_, "close_notify");
  ASSERT_TRUE(report.tls);
  EXPECT_EQ(report.tls->version, "TLSv1.3");
  ASSERT_TRUE(report.tls->certificate);
  const CertificateFacts& facts = *report.tls->certificate;
  EXPECT_EQ(facts.subject, "CN=vpn.example.com");
  EXPECT_EQ(facts.issuer, "CN=Test CA");
  EXPECT_EQ(facts.names, (std::vector<std::string>{"vpn.example.com", "192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(facts.sha256.size(), 64u);
  EXPECT_FALSE(facts.self_signed);
  EXPECT_FALSE(facts.verified);
  EXPECT_FALSE(facts.verify_error.empty());
  EXPECT_NEAR(Seconds(facts.not_after - WallClock::now()) / 86400, 90, 0.1);
  EXPECT_EQ(report.note, "");
}

TEST_F(TlsProbeTest, WarnsBeforeTheCertificateExpires) {
  const ProbeReport report = Probe(MakeIdentity({.to_days = 10}));
  EXPECT_EQ(Word(report), "ok");
  EXPECT_NE(report.note.find("expires in 9d"), std::string::npos) << report.note;
}

TEST_F(TlsProbeTest, Verify) {
  const TempFile ca(Pem(authority_.certificate.get()));
  const Identity own = MakeIdentity({}, &authority_);
  const Identity by_address = MakeIdentity({.names = "IP:127.0.0.1"}, &authority_);
  const Identity self_signed = MakeIdentity({});
  const Identity expired = MakeIdentity({.from_days = -20, .to_days = -1}, &authority_);
  const Identity early = MakeIdentity({.from_days = 1}, &authority_);
  using config::Verify;
  struct Row {
    const char* what;
    const Identity* identity;
    Verify verify;
    const char* server_name;
    const char* outcome;
  };
  const Row rows[] = {
      {"not looked at", &expired, Verify::kNone, "vpn.example.com", "ok"},
      {"chain", &own, Verify::kChain, "other.example.com", "ok"},
      {"chain and name", &own, Verify::kName, "vpn.example.com", "ok"},
      {"other name", &own, Verify::kName, "other.example.com", "certificate_name_mismatch"},
      {"no name, so the address", &own, Verify::kName, "", "certificate_name_mismatch"},
      {"the address", &by_address, Verify::kName, "", "ok"},
      {"the address as name", &by_address, Verify::kName, "127.0.0.1", "ok"},
      {"self-signed", &self_signed, Verify::kChain, "vpn.example.com", "certificate_invalid"},
      {"expired", &expired, Verify::kChain, "vpn.example.com", "certificate_expired"},
      {"not yet valid", &early, Verify::kChain, "vpn.example.com", "certificate_invalid"},
  };
  for (const Row& row : rows) {
    const ProbeReport report = Probe(*row.identity, [&](ProbeRequest& request) {
      request.settings.verify = row.verify;
      request.settings.ca_file = ca.path();
      request.server_name = row.server_name;
    });
    EXPECT_EQ(Word(report), row.outcome) << row.what << ": " << report.detail;
    EXPECT_TRUE(report.tls && report.tls->certificate) << "facts are kept whatever the verdict";
  }
}

TEST_F(TlsProbeTest, RevokedBySerialNumber) {
  const TempFile ca(Pem(authority_.certificate.get()));
  const Identity own = MakeIdentity({}, &authority_);
  const TempFile empty(PemRevocationList(authority_, nullptr));
  const TempFile revoked(PemRevocationList(authority_, own.certificate.get()));
  for (const TempFile* list : {&empty, &revoked}) {
    const ProbeReport report = Probe(own, [&](ProbeRequest& request) {
      request.settings.verify = config::Verify::kChain;
      request.settings.ca_file = ca.path();
      request.settings.crl_file = list->path();
    });
    EXPECT_EQ(Word(report), list == &empty ? "ok" : "certificate_invalid") << report.detail;
  }
}

int Staple(SSL* ssl, void* text) {
  const auto& answer = *static_cast<std::string*>(text);
  if (answer.empty()) return SSL_TLSEXT_ERR_NOACK;
  auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(answer.data(), answer.size()));
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(answer.size()));
  return SSL_TLSEXT_ERR_OK;
}

TEST_F(TlsProbeTest, StapledOcsp) {
  const Identity own = MakeIdentity({}, &authority_);
  const Identity sibling = MakeIdentity({}, &authority_);
  const Identity stranger = MakeAuthority();
  const X509* certificate = own.certificate.get();
  const auto says = [&](int status, int hours) {
    return OcspResponse(authority_, certificate, status, hours);
  };
  struct Row {
    const char* what;
    std::string answer;
    const char* status;  // "": nothing stapled
  };
  const Row rows[] = {
      {"nothing", "", ""},
      {"good", says(V_OCSP_CERTSTATUS_GOOD, 24), "good"},
      {"revoked", says(V_OCSP_CERTSTATUS_REVOKED, 24), "revoked"},
      {"unknown", says(V_OCSP_CERTSTATUS_UNKNOWN, 24), "unknown"},
      {"of the past", says(V_OCSP_CERTSTATUS_GOOD, -24), "stale"},
      {"about another",
       OcspResponse(authority_, sibling.certificate.get(), V_OCSP_CERTSTATUS_GOOD, 24),
       "unreadable"},
      {"by a stranger", OcspResponse(stranger, certificate, V_OCSP_CERTSTATUS_GOOD, 24),
       "unverified"},
      {"no OCSP", "nonsense", "unreadable"},
  };
  const TempFile ca(Pem(authority_.certificate.get()));
  for (const Row& row : rows) {
    const SslCtxPtr context = ServerContext(own);
    std::string answer = row.answer;
    SSL_CTX_set_tlsext_status_cb(context.get(), Staple);
    SSL_CTX_set_tlsext_status_arg(context.get(), &answer);
    Peer peer([&](Connection& c) {
      if (c.StartTls(context.get())) c.End();
    });
    ProbeRequest request = RequestFor(config::ProbeKind::kTls, peer.address());
    request.settings.ca_file = ca.path();
    const ProbeReport report = RunProbe(request);
    ASSERT_TRUE(report.tls) << row.what << ": " << report.detail;
    const auto& ocsp = report.tls->ocsp;
    EXPECT_EQ(ocsp ? ocsp->status : "", row.status) << row.what;
    if (std::string_view(row.status) == "good") {
      EXPECT_NEAR(Seconds(*ocsp->next_update - WallClock::now()), 86400, 60);
    }
  }
}

TEST_F(TlsProbeTest, AFileThatCannotBeReadIsOurOwnTrouble) {
  const ProbeReport report = Probe(MakeIdentity({}), [](ProbeRequest& request) {
    request.settings.ca_file = "/nonexistent/ca.pem";
  });
  EXPECT_EQ(Word(report), "local_error");
  EXPECT_NE(report.detail.find("/nonexistent/ca.pem"), std::string::npos) << report.detail;
}

TEST(TlsContexts, ReadsAChangedFileAgain) {
  const Identity first = MakeIdentity({.common_name = "one", .authority = true});
  const TempFile file(Pem(first.certificate.get()));
  TlsContexts contexts;
  SSL_CTX* const before = contexts.Get(file.path(), "").value();
  EXPECT_EQ(contexts.Get(file.path(), "").value(), before);
  SSL_CTX_up_ref(before);  // so that its address is not used again
  const Identity second = MakeIdentity({.common_name = "another", .authority = true});
  FILE* out = std::fopen(file.path().c_str(), "w");
  std::fputs((Pem(second.certificate.get()) + "\n").c_str(), out);
  std::fclose(out);
  EXPECT_NE(contexts.Get(file.path(), "").value(), before);
  SSL_CTX_free(before);
}

TEST(TlsFailure, Table) {
  struct Row {
    const char* answer;
    std::size_t size;
    bool close;  // else stays silent after it
    const char* outcome;
    const char* detail;
  };
  const Row rows[] = {
      {"\x15\x03\x03\x00\x02\x02\x28", 7, true, "tls_alert", "handshake_failure (40)"},
      {"\x15\x03\x03\x00\x02\x02\x70", 7, true, "tls_alert", "unrecognized_name (112)"},
      {"\x15\x03\x03\x00\x02\x02\x46", 7, false, "tls_alert", "protocol_version (70)"},
      {"\x16\x03\x03", 3, true, "tls_closed", "closed"},
      {"HTTP/1.1 400 Bad Request\r\n\r\n", 28, true, "tls_protocol_error", "wrong version number"},
      {"SSH-2.0-OpenSSH_9.2p1\r\n", 23, false, "tls_protocol_error", "wrong version number"},
      {"", 0, false, "tls_timeout", ""},
      {"\x16\x03\x03\x00\x7a", 5, false, "tls_timeout", ""},
  };
  for (const Row& row : rows) {
    Peer peer([&](Connection& c) {
      c.Receive();
      c.Send(std::string_view(row.answer, row.size));
      if (!row.close) c.End();
    });
    ProbeRequest request = RequestFor(config::ProbeKind::kTls, peer.address());
    const bool waits = std::string_view(row.outcome) == "tls_timeout";
    request.settings.timeout = waits ? milliseconds(300) : milliseconds(5000);
    const ProbeReport report = RunProbe(request);
    EXPECT_EQ(Word(report), row.outcome);
    EXPECT_EQ(report.detail, row.detail);
    EXPECT_LT(report.took, milliseconds(3000));
  }
}

TEST(TlsFailure, TheKernelAcceptsForAServerThatHangs) {
  const Fd hung = Listen(16);
  ProbeRequest request = RequestFor(config::ProbeKind::kSstp, LocalAddress(hung.get()).value());
  request.settings.timeout = milliseconds(200);
  EXPECT_EQ(Word(RunProbe(request)), "tls_timeout");
}

}  // namespace
}  // namespace sstplb::probes
