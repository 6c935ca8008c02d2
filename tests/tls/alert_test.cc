// The alert of a refused name, as a real client understands it: OpenSSL of every version range.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tls/alert.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lb/tls/client_hello.h"
#include "tests/tls/tls_pair.h"

namespace sstplb::tls {
namespace {

static_assert(FatalAlert(Alert::kUnrecognizedName) ==
              std::array<std::uint8_t, 7>{21, 3, 3, 0, 2, 2, 112});
static_assert(FatalAlert(Alert::kUnrecognizedName, 0x0301)[2] == 1);
static_assert(FatalAlert(Alert::kUnrecognizedName, 0x0304)[2] == 3);
static_assert(FatalAlert(Alert::kUnrecognizedName, 0x7f1c)[2] == 3);
static_assert(FatalAlert(Alert::kUnrecognizedName, 0)[2] == 0);

struct Range {
  int min_version;
  int max_version;
};

// The reason a client of this range gives after it got the alert that its own hello asks for.
int ReasonOf(SSL_CTX* client_context) {
  testing::TlsPair pair(client_context, client_context);
  SSL* client = pair.client.get();
  SSL_do_handshake(client);
  EXPECT_TRUE(pair.Pump(true));

  HelloReader reader;
  EXPECT_EQ(reader.Look(pair.flights.front().bytes), HelloVerdict::kParsed);
  const auto alert = FatalAlert(Alert::kUnrecognizedName, reader.hello().legacy_version);
  BIO_write(SSL_get_rbio(client), alert.data(), static_cast<int>(alert.size()));
  ERR_clear_error();
  EXPECT_EQ(SSL_get_error(client, SSL_do_handshake(client)), SSL_ERROR_SSL);
  return ERR_GET_REASON(ERR_peek_last_error());
}

TEST(Alert, RealClientsReportUnrecognizedName) {
  for (const Range& range :
       {Range{TLS1_VERSION, TLS1_3_VERSION}, Range{TLS1_2_VERSION, TLS1_3_VERSION},
        Range{TLS1_3_VERSION, TLS1_3_VERSION}, Range{TLS1_2_VERSION, TLS1_2_VERSION},
        Range{TLS1_VERSION, TLS1_2_VERSION}, Range{TLS1_1_VERSION, TLS1_1_VERSION},
        Range{TLS1_VERSION, TLS1_1_VERSION}, Range{TLS1_VERSION, TLS1_VERSION}}) {
    const auto context = testing::ClientContext(range.min_version, range.max_version);
    EXPECT_EQ(ReasonOf(context.get()), SSL_R_TLSV1_UNRECOGNIZED_NAME)
        << std::hex << range.min_version << " to " << range.max_version;
  }
}

// Clients of the methods that know one version compare the record's version with it.
TEST(Alert, ClientsOfOneVersionReportItToo) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  for (const SSL_METHOD* method :
       {TLSv1_client_method(), TLSv1_1_client_method(), TLSv1_2_client_method()}) {
#pragma GCC diagnostic pop
    const testing::ContextPtr context(SSL_CTX_new(method));
    SSL_CTX_set_security_level(context.get(), 0);
    EXPECT_EQ(ReasonOf(context.get()), SSL_R_TLSV1_UNRECOGNIZED_NAME);
  }
}

}  // namespace
}  // namespace sstplb::tls
