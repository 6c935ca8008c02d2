// SPDX-License-Identifier: Apache-2.0
#include "probes/transcript.h"

#include <gmock/gmock.h>

#include "tests/probes/sstp_server.h"

namespace sstplb::probes {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

TEST(HeadLines, EachLineWithoutItsEnd) {
  EXPECT_THAT(HeadLines(AsBytes("HTTP/1.1 200 \r\nServer: a\x1b[31m\r\n\r\n")),
              ElementsAre("HTTP/1.1 200 ", "Server: a\\x1b[31m"));
  EXPECT_THAT(HeadLines(AsBytes("220 mail")), ElementsAre("220 mail"));
  EXPECT_THAT(HeadLines({}), ElementsAre());
  std::string many;
  for (int i = 0; i < 100; ++i) many += "x\n";
  EXPECT_EQ(HeadLines(AsBytes(many)).size(), 24u) << "bounded";
}

TEST(PacketLines, Table) {
  EXPECT_THAT(
      PacketLines(sstp::EncodeCallConnectRequest()),
      ElementsAre("call_connect_request, 14 bytes", "10 01 00 0e 00 01 00 01 00 01 00 06 00 01"));
  EXPECT_THAT(PacketLines(sstp::EncodeCallConnectAck({sstp::kHashSha1 | sstp::kHashSha256, {}})),
              ElementsAre("call_connect_ack, crypto binding with SHA-1 SHA-256, 48 bytes",
                          StartsWith("10 01 00 30 00 02 00 01 00 04 00 28 00 00 00 03")));
  EXPECT_THAT(PacketLines(sstp::EncodeCallConnectNak({sstp::AttributeId::kEncapsulatedProtocol,
                                                      sstp::StatusCode::kValueNotSupported})),
              ElementsAre("call_connect_nak, status 4 value_not_supported, 20 bytes",
                          "10 01 00 14 00 03 00 01 00 02 00 0c 00 00 00 01 00 00 00 04"));
  EXPECT_THAT(PacketLines(sstp::EncodeData(AsBytes("\xff\x03"))),
              ElementsAre("PPP, 6 bytes", "10 00 00 06 ff 03"));
  EXPECT_THAT(PacketLines(AsBytes("GET ")), ElementsAre("no SSTP, 4 bytes", "47 45 54 20"));
}

std::string Summary(const ProbeReport& report) {
  std::string text;
  for (const Said& said : report.said) {
    text +=
        std::string(ToString(said.step)) + (said.by_us ? " > " : " < ") + said.lines.front() + "\n";
  }
  return text;
}

TEST(Transcript, OfAWholeCall) {
  SstpServer server(Ok200(), [](Connection& c) {
    c.ReceiveExactly(14);
    c.Send(sstp::EncodeCallConnectAck({}));
    c.ReceiveExactly(8);
    c.Send(sstp::EncodeControl(sstp::MessageType::kCallDisconnectAck));
  });
  ProbeRequest request = CallRequest(server.address());
  request.transcript = true;
  EXPECT_EQ(Summary(RunProbe(request)),
            "post > SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\n"
            "post < HTTP/1.1 200 OK\n"
            "call > call_connect_request, 14 bytes\n"
            "call < call_connect_ack, crypto binding with SHA-256, 48 bytes\n"
            "close > call_disconnect, 8 bytes\n"
            "close < call_disconnect_ack, 8 bytes\n");
}

TEST(Transcript, OfWhatIsNoHttpAndNoneUnlessWanted) {
  for (const bool wanted : {false, true}) {
    SstpServer server("220 mail.example.com\r\n");
    ProbeRequest request = RequestFor(config::ProbeKind::kSstp, server.address());
    request.transcript = wanted;
    const ProbeReport report = RunProbe(request);
    EXPECT_EQ(Word(report), "http_malformed");
    EXPECT_EQ(report.said.size(), wanted ? 2u : 0u);
    if (wanted) {
      EXPECT_THAT(report.said[1].lines, ElementsAre("220 mail.example.com"));
    }
  }
}

}  // namespace
}  // namespace sstplb::probes
