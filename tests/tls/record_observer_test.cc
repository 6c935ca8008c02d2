// The record observer against live handshakes of OpenSSL, cut into every kind of portion.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tls/record_observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <limits>
#include <string>

#include "tests/tls/tls_pair.h"

namespace sstplb::tls {

void PrintTo(const HandshakeFacts& facts, std::ostream* out) {
  *out << std::hex << "version=" << facts.version << " cipher=" << facts.cipher << std::dec
       << " done=" << facts.handshake_done << " resumed=" << facts.resumed
       << " retried=" << facts.retried << " gave_up=" << facts.gave_up
       << " alert_by=" << static_cast<int>(facts.alert_by)
       << " level=" << static_cast<int>(facts.alert_level)
       << " alert=" << static_cast<int>(facts.alert);
}

namespace {

using testing::ClientContext;
using testing::Flight;
using testing::ServerContext;
using testing::TlsPair;

constexpr std::size_t kPortions[] = {1, 2,   3,    5,
                                     7, 100, 1448, std::numeric_limits<std::size_t>::max()};

void Feed(RecordObserver& observer, const Flight& flight, std::size_t portion) {
  ByteView rest = flight.bytes;
  while (!rest.empty()) {
    const ByteView now = rest.first(std::min(portion, rest.size()));
    if (flight.from_client) {
      observer.FromClient(now);
    } else {
      observer.FromServer(now);
    }
    rest = rest.subspan(now.size());
  }
}

// `observer` as another process has it.
RecordObserver Reloaded(const RecordObserver& observer) {
  const auto loaded = RecordObserver::Load(observer.Save());
  EXPECT_TRUE(loaded);
  return loaded.value_or(RecordObserver());
}

// Between any two bytes it may go to another process, and tells there what it would have told here.
void ExpectSameWhenItMovesAfterEveryByte(const std::vector<Flight>& flights) {
  RecordObserver stays;
  RecordObserver moves;
  for (const Flight& flight : flights) {
    for (const std::uint8_t byte : flight.bytes) {
      moves = Reloaded(moves);
      Feed(stays, {flight.from_client, {byte}}, 1);
      Feed(moves, {flight.from_client, {byte}}, 1);
      ASSERT_EQ(moves.facts(), stays.facts());
      ASSERT_EQ(moves.done(), stays.done());
      ASSERT_EQ(moves.Save(), stays.Save());
    }
  }
}

// The facts after all flights; every way to cut them must give the same.
HandshakeFacts Observe(const std::vector<Flight>& flights) {
  RecordObserver whole;
  for (const Flight& flight : flights) {
    Feed(whole, flight, std::numeric_limits<std::size_t>::max());
  }
  for (const std::size_t portion : kPortions) {
    RecordObserver observer;
    for (const Flight& flight : flights) Feed(observer, flight, portion);
    EXPECT_EQ(observer.facts(), whole.facts()) << "in portions of " << portion;
    EXPECT_EQ(observer.done(), whole.done()) << "in portions of " << portion;
  }
  ExpectSameWhenItMovesAfterEveryByte(flights);
  return whole.facts();
}

HandshakeFacts Finished(const TlsPair& pair, bool resumed) {
  HandshakeFacts facts;
  facts.version = static_cast<std::uint16_t>(SSL_version(pair.client.get()));
  facts.cipher = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(pair.client.get()));
  facts.handshake_done = true;
  facts.resumed = resumed;
  return facts;
}

class Versions : public ::testing::TestWithParam<int> {};

TEST_P(Versions, FullThenResumed) {
  const auto client = ClientContext(GetParam(), GetParam());
  const auto server = ServerContext(GetParam(), GetParam());
  TlsPair full(client.get(), server.get());
  ASSERT_TRUE(full.Handshake());
  ASSERT_TRUE(full.ExchangeData());
  EXPECT_EQ(Observe(full.flights), Finished(full, false));

  TlsPair again(client.get(), server.get(), full.ClientSession().get());
  ASSERT_TRUE(again.Handshake());
  ASSERT_TRUE(again.ExchangeData());
  ASSERT_EQ(SSL_session_reused(again.client.get()), 1);
  EXPECT_EQ(Observe(again.flights), Finished(again, true));
}

TEST_P(Versions, ResumedBySessionIdWithoutTickets) {
  const auto client = ClientContext(GetParam(), GetParam());
  const auto server = ServerContext(GetParam(), GetParam());
  SSL_CTX_set_options(server.get(), SSL_OP_NO_TICKET);
  TlsPair full(client.get(), server.get());
  ASSERT_TRUE(full.Handshake() && full.ExchangeData());
  TlsPair again(client.get(), server.get(), full.ClientSession().get());
  ASSERT_TRUE(again.Handshake());
  ASSERT_EQ(SSL_session_reused(again.client.get()), 1);
  EXPECT_EQ(Observe(again.flights), Finished(again, true));
}

TEST_P(Versions, ATicketTheServerForgotIsAFullHandshake) {
  const auto client = ClientContext(GetParam(), GetParam());
  const auto server = ServerContext(GetParam(), GetParam());
  const auto other = ServerContext(GetParam(), GetParam());
  TlsPair full(client.get(), server.get());
  ASSERT_TRUE(full.Handshake() && full.ExchangeData());
  TlsPair again(client.get(), other.get(), full.ClientSession().get());
  ASSERT_TRUE(again.Handshake());
  ASSERT_EQ(SSL_session_reused(again.client.get()), 0);
  EXPECT_EQ(Observe(again.flights), Finished(again, false));
}

// The handshake is done with the last byte of the later Finished, and not before it.
TEST_P(Versions, DoneComesWithTheLastByteOfTheHandshake) {
  const auto client = ClientContext(GetParam(), GetParam());
  const auto server = ServerContext(GetParam(), GetParam());
  TlsPair pair(client.get(), server.get());
  ASSERT_TRUE(pair.Handshake());
  // TLS 1.3: the server's tickets are a flight after the client's Finished, which ends it.
  std::size_t last = pair.flights.size() - 1;
  if (GetParam() == TLS1_3_VERSION) {
    while (!pair.flights[last].from_client) --last;
  }
  RecordObserver observer;
  for (std::size_t i = 0; i < last; ++i) Feed(observer, pair.flights[i], 1);
  for (std::size_t i = 0; i < pair.flights[last].bytes.size(); ++i) {
    EXPECT_FALSE(observer.done()) << i;
    Feed(observer, {pair.flights[last].from_client, {pair.flights[last].bytes[i]}}, 1);
  }
  EXPECT_TRUE(observer.done());
}

TEST_P(Versions, WhatComesBehindTheHandshakeIsNotLookedAt) {
  const auto client = ClientContext(GetParam(), GetParam());
  const auto server = ServerContext(GetParam(), GetParam());
  TlsPair pair(client.get(), server.get());
  ASSERT_TRUE(pair.Handshake());
  std::size_t last = pair.flights.size() - 1;
  if (GetParam() == TLS1_3_VERSION) {
    while (!pair.flights[last].from_client) --last;
  }
  RecordObserver observer;
  for (std::size_t i = 0; i < last; ++i) Feed(observer, pair.flights[i], 1000);
  Bytes bytes = pair.flights[last].bytes;
  const std::size_t size = bytes.size();
  bytes.resize(size + 300);
  const bool by_client = pair.flights[last].from_client;
  EXPECT_EQ(by_client ? observer.FromClient(bytes) : observer.FromServer(bytes), size);
  EXPECT_EQ(observer.FromClient(bytes), 0u);
}

// OpenSSL's client has no keys for writing yet when it refuses, even in TLS 1.3.
TEST_P(Versions, ClientRefusesTheCertificate) {
  const auto client = ClientContext(GetParam(), GetParam());
  const auto server = ServerContext(GetParam(), GetParam());
  SSL_CTX_set_verify(client.get(), SSL_VERIFY_PEER, nullptr);
  TlsPair pair(client.get(), server.get());
  ASSERT_FALSE(pair.Handshake());
  const HandshakeFacts facts = Observe(pair.flights);
  EXPECT_FALSE(facts.handshake_done);
  EXPECT_EQ(facts.alert_by, Side::kClient);
  EXPECT_EQ(facts.alert_level, 2);
  EXPECT_EQ(facts.alert, SSL_AD_UNKNOWN_CA);
}

// A client certificate makes the last flight several messages.
TEST_P(Versions, ClientCertificate) {
  const auto server = ServerContext(GetParam(), GetParam());
  const auto client = ServerContext(GetParam(), GetParam());  // for its certificate
  SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  const auto bare = ClientContext(GetParam(), GetParam());
  SSL_CTX_use_certificate(bare.get(), SSL_CTX_get0_certificate(client.get()));
  SSL_CTX_use_PrivateKey(bare.get(), SSL_CTX_get0_privatekey(client.get()));
  TlsPair pair(bare.get(), server.get());
  ASSERT_TRUE(pair.Handshake());
  EXPECT_EQ(Observe(pair.flights), Finished(pair, false));
}

INSTANTIATE_TEST_SUITE_P(All, Versions,
                         ::testing::Values(TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION,
                                           TLS1_3_VERSION),
                         [](const auto& row) { return "V" + std::to_string(row.param); });

TEST(RecordObserver, HelloRetryRequest) {
  const auto client = ClientContext(TLS1_3_VERSION, TLS1_3_VERSION);
  const auto server = ServerContext(TLS1_3_VERSION, TLS1_3_VERSION);
  ASSERT_EQ(SSL_CTX_set1_groups_list(client.get(), "X25519:P-384"), 1);
  ASSERT_EQ(SSL_CTX_set1_groups_list(server.get(), "P-384"), 1);
  TlsPair pair(client.get(), server.get());
  ASSERT_TRUE(pair.Handshake());
  HandshakeFacts want = Finished(pair, false);
  want.retried = true;
  EXPECT_EQ(Observe(pair.flights), want);
}

// The server's certificate chain in records of 512 bytes: messages span records.
TEST(RecordObserver, MessagesOverManyRecords) {
  const auto client = ClientContext(TLS1_2_VERSION, TLS1_2_VERSION);
  const auto server = ServerContext(TLS1_2_VERSION, TLS1_2_VERSION);
  SSL_CTX_set_max_send_fragment(server.get(), 512);
  TlsPair pair(client.get(), server.get());
  ASSERT_TRUE(pair.Handshake());
  EXPECT_EQ(Observe(pair.flights), Finished(pair, false));
}

// Every message in records of one byte, as RFC 8446 5.1 allows.
TEST(RecordObserver, ServerHelloInRecordsOfOneByte) {
  const auto client = ClientContext(TLS1_3_VERSION, TLS1_3_VERSION);
  const auto server = ServerContext(TLS1_3_VERSION, TLS1_3_VERSION);
  TlsPair pair(client.get(), server.get());
  ASSERT_TRUE(pair.Handshake());
  Bytes& flight = pair.flights[1].bytes;
  const std::size_t size = static_cast<std::size_t>(flight[3] << 8 | flight[4]);
  Bytes split;
  for (std::size_t i = 0; i < size; ++i) {
    split.insert(split.end(), {22, 3, 3, 0, 1, flight[5 + i]});
  }
  split.insert(split.end(), flight.begin() + 5 + static_cast<std::ptrdiff_t>(size), flight.end());
  flight = split;
  EXPECT_EQ(Observe(pair.flights), Finished(pair, false));
}

// Other clients encrypt it: a record of 19 bytes that looks like data, where Finished is due.
TEST(RecordObserver, AnEncryptedAlertIsToldByItsLength) {
  const auto client = ClientContext(TLS1_3_VERSION, TLS1_3_VERSION);
  const auto server = ServerContext(TLS1_3_VERSION, TLS1_3_VERSION);
  TlsPair pair(client.get(), server.get());
  ASSERT_TRUE(pair.Handshake());
  ASSERT_TRUE(pair.flights[2].from_client);
  std::vector<Flight> flights(pair.flights.begin(), pair.flights.begin() + 2);
  Bytes alert = {20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 19};
  alert.insert(alert.end(), 19, 0x5a);
  flights.push_back({true, alert});
  HandshakeFacts want = Finished(pair, false);
  want.handshake_done = false;
  want.alert_by = Side::kClient;
  EXPECT_EQ(Observe(flights), want);

  // If a handshake goes on, it was a short piece of a message.
  flights.push_back(pair.flights[2]);
  EXPECT_EQ(Observe(flights), Finished(pair, false));
}

TEST(RecordObserver, ServerRefusesTheHello) {
  const auto client = ClientContext(TLS1_2_VERSION, TLS1_2_VERSION);
  const auto server = ServerContext(TLS1_3_VERSION, TLS1_3_VERSION);
  TlsPair pair(client.get(), server.get());
  ASSERT_FALSE(pair.Handshake());
  const HandshakeFacts facts = Observe(pair.flights);
  EXPECT_EQ(facts.alert_by, Side::kServer);
  EXPECT_EQ(facts.alert_level, 2);
  EXPECT_EQ(facts.alert, SSL_AD_PROTOCOL_VERSION);
  EXPECT_EQ(facts.version, 0);
  EXPECT_FALSE(facts.handshake_done);
}

// A server that only warns goes on, and so does the observer.
TEST(RecordObserver, AWarningIsNotTheEnd) {
  const auto client = ClientContext(TLS1_2_VERSION, TLS1_2_VERSION);
  const auto server = ServerContext(TLS1_2_VERSION, TLS1_2_VERSION);
  TlsPair pair(client.get(), server.get());
  ASSERT_TRUE(pair.Handshake());
  const Bytes warning = {21, 3, 3, 0, 2, 1, 112};
  Bytes& flight = pair.flights[1].bytes;
  flight.insert(flight.begin(), warning.begin(), warning.end());
  HandshakeFacts want = Finished(pair, false);
  want.alert_by = Side::kServer;
  want.alert_level = 1;
  want.alert = 112;
  EXPECT_EQ(Observe(pair.flights), want);
}

TEST(RecordObserver, EarlyDataIsNoFinished) {
  RecordObserver observer;
  observer.FromClient(Bytes{22, 3, 1, 0, 1, 1, 20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 3, 9, 9, 9});
  EXPECT_FALSE(observer.done());
  EXPECT_EQ(observer.facts(), HandshakeFacts{});
}

TEST(RecordObserver, GivesUpOnWhatIsNotTls) {
  const std::string rows[] = {"GET / HTTP/1.1\r\n", std::string("\x16\x02\x00\x00\x05", 5),
                              "\x16\x03\x01\xff\xff", std::string("\x00", 1), "\x19\x03\x03"};
  for (const std::string& row : rows) {
    RecordObserver observer;
    observer.FromServer(AsBytes(row));
    EXPECT_TRUE(observer.facts().gave_up);
    EXPECT_TRUE(observer.done());
  }
}

// Whoever these are: they are not in a handshake any more, and nobody may end them as if they were.
TEST(RecordObserver, GivesUpWhenBothSpeakWithoutAHandshake) {
  const Bytes data = {23, 3, 3, 0x40, 0, 1, 2, 3};  // the rest may take its time
  RecordObserver observer;
  observer.FromClient(data);
  EXPECT_FALSE(observer.done()) << "early data would look like this";
  observer.FromServer(data);
  EXPECT_TRUE(observer.done());
  EXPECT_TRUE(observer.facts().gave_up);
  EXPECT_FALSE(observer.facts().handshake_done);
}

TEST(RecordObserver, GivesUpOnWhatNeverEnds) {
  RecordObserver observer;
  Bytes record(5 + 16384, 0);
  record[0] = 23;
  record[1] = record[2] = 3;
  record[3] = 0x40;
  int records = 0;
  while (!observer.done() && records < 100) {
    observer.FromClient(record);
    ++records;
  }
  EXPECT_EQ(records, 64);
  EXPECT_TRUE(observer.facts().gave_up);
}

TEST(RecordObserver, LoadsNothingThatSaveCannotHaveWritten) {
  const Bytes saved = RecordObserver().Save();
  for (std::size_t size = 0; size < saved.size(); ++size) {
    EXPECT_FALSE(RecordObserver::Load(ByteView(saved).first(size))) << size;
  }
  Bytes longer = saved;
  longer.push_back(0);
  EXPECT_FALSE(RecordObserver::Load(longer));
  // Every member with a value that is too large: refused where it would be an index or a count of
  // what an array holds, and harmless elsewhere.
  const auto client = ClientContext(TLS1_2_VERSION, TLS1_2_VERSION);
  const auto server = ServerContext(TLS1_2_VERSION, TLS1_2_VERSION);
  TlsPair pair(client.get(), server.get());
  ASSERT_TRUE(pair.Handshake());
  std::size_t refused = 0;
  for (std::size_t at = 0; at < saved.size(); at += 4) {
    Bytes spoiled = saved;
    for (std::size_t i = 0; i < 4; ++i) spoiled[at + i] = 0x7f;
    auto observer = RecordObserver::Load(spoiled);
    if (!observer) ++refused;
    if (!observer) continue;
    for (const Flight& flight : pair.flights) Feed(*observer, flight, 7);
  }
  EXPECT_GE(refused, 4u) << "two headers, a message's head and the field";
}

TEST(RecordObserver, LoadsNothingThatWouldReadBesideTheRandom) {
  const auto client = ClientContext(TLS1_3_VERSION, TLS1_3_VERSION);
  const auto server = ServerContext(TLS1_3_VERSION, TLS1_3_VERSION);
  TlsPair pair(client.get(), server.get());
  ASSERT_TRUE(pair.Handshake());
  RecordObserver observer;
  Feed(observer, pair.flights[0], 1000);
  // A record's head, a message's, the version, and one byte of the random.
  const Bytes begun(pair.flights[1].bytes.begin(), pair.flights[1].bytes.begin() + 5 + 4 + 2 + 1);
  Feed(observer, {false, begun}, 1000);
  const Bytes saved = observer.Save();
  ASSERT_TRUE(RecordObserver::Load(saved));
  std::size_t at = 0;  // of the 31 bytes that are left of it
  for (std::size_t i = 0; i + 4 <= saved.size(); i += 4) {
    if (saved[i] == 0 && saved[i + 1] == 0 && saved[i + 2] == 0 && saved[i + 3] == 31) at = i + 3;
  }
  ASSERT_NE(at, 0u);
  for (const int left : {0, 33, 255}) {
    Bytes spoiled = saved;
    spoiled[at] = static_cast<std::uint8_t>(left);
    EXPECT_FALSE(RecordObserver::Load(spoiled)) << left;
  }
}

TEST(RecordObserver, IsSmall) {
  RecordProperty("sizeof", static_cast<int>(sizeof(RecordObserver)));
  EXPECT_LE(sizeof(RecordObserver), 64u);
}

}  // namespace
}  // namespace sstplb::tls
