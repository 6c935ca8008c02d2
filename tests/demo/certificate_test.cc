// The self-made certificates: what is in them, and that each is its own.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/certificate.h"

#include <gtest/gtest.h>

#include "lb/tunnel/openssl_ptr.h"

namespace sstplb::demo {
namespace {

tunnel::X509Ptr Read(const Certificate& certificate) {
  const unsigned char* at = certificate.der.data();
  return tunnel::X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(certificate.der.size())));
}

TEST(Certificate, HoldsItsNamesAndDays) {
  const auto made = MakeCertificate({{"vpn.sstp.test", "*.a.test", "127.0.0.1"}, 10});
  ASSERT_TRUE(made.ok());
  const tunnel::X509Ptr x509 = Read(*made);
  ASSERT_NE(x509, nullptr);
  EXPECT_EQ(X509_check_host(x509.get(), "vpn.sstp.test", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(x509.get(), "b.a.test", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(x509.get(), "other.test", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(x509.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_verify(x509.get(), X509_get0_pubkey(x509.get())), 1);
  int days = 0;
  int seconds = 0;
  ASSERT_EQ(ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(x509.get())), 1);
  EXPECT_NEAR(days * 86400 + seconds, 10 * 86400, 2) << "give or take the second it was made in";
}

TEST(Certificate, CanBeExpired) {
  const auto made = MakeCertificate({{"old.test"}, -1});
  ASSERT_TRUE(made.ok());
  const tunnel::X509Ptr x509 = Read(*made);
  EXPECT_LT(X509_cmp_current_time(X509_get0_notAfter(x509.get())), 0);
  int days = 0;
  int seconds = 0;
  ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x509.get()), X509_get0_notAfter(x509.get()));
  EXPECT_GT(days, 0);
}

TEST(Certificate, FingerprintsAreOfTheDerAndDiffer) {
  const auto one = MakeCertificate({});
  const auto other = MakeCertificate({});
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_NE(one->Fingerprint(), other->Fingerprint());
  EXPECT_EQ(one->Fingerprint().size(), 64u);
  unsigned char digest[EVP_MAX_MD_SIZE];
  ASSERT_EQ(X509_digest(Read(*one).get(), EVP_sha256(), digest, nullptr), 1);
  EXPECT_TRUE(std::equal(one->sha256.begin(), one->sha256.end(), digest));
}

TEST(Certificate, NeedsAName) { EXPECT_FALSE(MakeCertificate({{}, 1}).ok()); }

}  // namespace
}  // namespace sstplb::demo
