// kind = "sstp", depth = "call": how a call is answered, and how it is ended so that the server
// frees what it took.
//
// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <thread>

#include "tests/probes/sstp_server.h"

namespace sstplb::probes {
namespace {

using sstp::MessageType;
using std::chrono::milliseconds;

const Bytes kRequest = sstp::EncodeCallConnectRequest();
const Bytes kAck = sstp::EncodeCallConnectAck({sstp::kHashSha256, {}});
const Bytes kDisconnect = sstp::EncodeControl(MessageType::kCallDisconnect);
const Bytes kDisconnectAck = sstp::EncodeControl(MessageType::kCallDisconnectAck);
const Bytes kAbort = sstp::EncodeControl(MessageType::kCallAbort);
const Bytes kPpp = sstp::EncodeData(AsBytes("\xff\x03\xc0\x21"));

std::string Text(const Bytes& bytes) { return std::string(AsText(bytes)); }

TEST(SstpCall, EndsTheCallAndWaitsForTheServer) {
  std::string request;
  std::string goodbye;
  std::string early;
  SstpServer server(Ok200(), [&](Connection& c) {
    request = c.ReceiveExactly(kRequest.size());
    c.Send(kAck);
    goodbye = c.ReceiveExactly(kDisconnect.size());
    c.Send(kDisconnectAck);
    // Were the client gone already, this would see it.
    std::this_thread::sleep_for(milliseconds(200));
    char byte = 0;
    early = ::recv(c.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0 ? "left early" : "waits";
  });
  const ProbeReport report = RunProbe(CallRequest(server.address()));
  server.Stop();
  EXPECT_EQ(Word(report), "ok") << report.detail;
  EXPECT_EQ(request, Text(kRequest));
  EXPECT_EQ(goodbye, Text(kDisconnect));
  EXPECT_EQ(early, "waits");
  EXPECT_TRUE(report.peer_closed);
  EXPECT_EQ(report.hash_mask, sstp::kHashSha256);
  EXPECT_EQ(report.server_kind, "softether") << "it closed quickly";
  EXPECT_TRUE(HasStep(report, Step::kCall));
  EXPECT_TRUE(HasStep(report, Step::kWatch));
}

TEST(SstpCall, Answers) {
  struct Row {
    const char* what;
    Bytes answer;
    const char* outcome;
    const char* detail;
  };
  const auto join = [](std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const Bytes nak = sstp::EncodeCallConnectNak(
      {sstp::AttributeId::kEncapsulatedProtocol, sstp::StatusCode::kValueNotSupported});
  const Bytes why = sstp::EncodeCallAbort(
      {sstp::AttributeId::kStatusInfo, sstp::StatusCode::kNegotiationTimeout});
  const Bytes bare_ack = sstp::EncodeControl(MessageType::kCallConnectAck);
  const Row rows[] = {
      {"ack", kAck, "ok", ""},
      {"several in one record", join({kPpp, kAck, kPpp, kPpp}), "ok", ""},
      {"nak", nak, "call_nak", "status 4 value_not_supported"},
      {"abort", kAbort, "call_aborted", "no reason given"},
      {"abort with status", why, "call_aborted", "status 8 negotiation_timeout"},
      {"nak with the value",  // 22 bytes: accel-ppp's
       {0x10, 0x01, 0, 0x16, 0, 3, 0, 1, 0, 2, 0, 0x0e, 0, 0, 0, 1, 0, 0, 0, 4, 0, 1},
       "call_nak",
       "status 4 value_not_supported"},
      {"disconnect", kDisconnect, "call_aborted", "no reason given"},
      {"ack and abort", join({kAck, kAbort}), "server_full", "no reason given"},
      {"ack, PPP, abort", join({kAck, kPpp, why}), "server_full", "status 8 negotiation_timeout"},
      {"ack without binding", bare_ack, "call_malformed",
       "an Ack without a crypto binding request"},
      {"not SSTP", {0x20, 0x01, 0x00, 0x08}, "call_malformed", "not SSTP version 1.0"},
      {"short length", {0x10, 0x01, 0x00, 0x03}, "call_malformed", "a length below its own header"},
  };
  for (const Row& row : rows) {
    SstpServer server(Ok200(), [&](Connection& c) {
      c.ReceiveExactly(kRequest.size());
      c.Send(row.answer);
      c.ReceiveExactly(8);  // Disconnect or Abort: the server then closes
    });
    const ProbeReport report = RunProbe(CallRequest(server.address()));
    EXPECT_EQ(Word(report), row.outcome) << row.what;
    EXPECT_EQ(report.detail, row.detail) << row.what;
    EXPECT_TRUE(report.peer_closed) << row.what;
  }
}

TEST(SstpCall, RecordsAreNotMessages) {
  SstpServer server(Ok200(), [](Connection& c) {
    c.ReceiveExactly(kRequest.size());
    for (const std::uint8_t byte : kAck) c.Send(ByteView(&byte, 1));
    c.ReceiveExactly(8);
  });
  EXPECT_EQ(Word(RunProbe(CallRequest(server.address()))), "ok");
}

// sstp-server without a free address: the Abort comes a moment after the Ack.
TEST(SstpCall, TakenBackALittleLater) {
  std::string goodbye;
  SstpServer server(Ok200(), [&](Connection& c) {
    c.ReceiveExactly(kRequest.size());
    c.Send(kAck);
    std::this_thread::sleep_for(milliseconds(50));
    c.Send(kAbort);
    goodbye = c.ReceiveExactly(8);
  });
  const ProbeReport report = RunProbe(CallRequest(server.address()));
  server.Stop();
  EXPECT_EQ(Word(report), "server_full");
  EXPECT_EQ(goodbye, Text(kAbort)) << "an Abort is answered by one (MS-SSTP 3.2.5.3)";
}

TEST(SstpCall, ClosedBeforeAndAfterTheAck) {
  SstpServer before(Ok200(), [](Connection& c) { c.ReceiveExactly(kRequest.size()); });
  const ProbeReport unanswered = RunProbe(CallRequest(before.address()));
  EXPECT_EQ(Word(unanswered), "call_closed");
  EXPECT_EQ(unanswered.detail, "closed");
  SstpServer after(Ok200(), [](Connection& c) {
    c.ReceiveExactly(kRequest.size());
    c.Send(kAck);
  });
  const ProbeReport acked = RunProbe(CallRequest(after.address()));
  EXPECT_EQ(Word(acked), "call_closed");
  EXPECT_EQ(acked.detail, "closed after its Ack");
}

// Later than the watch, which is 30 ms for SoftEther: the Abort crosses our Disconnect.
TEST(SstpCall, TakenBackAfterTheWatch) {
  SstpServer server(Ok200(), [](Connection& c) {
    c.ReceiveExactly(kRequest.size());
    c.Send(kAck);
    std::this_thread::sleep_for(milliseconds(100));
    c.Send(kAbort);
    c.ReceiveExactly(kDisconnect.size());
  });
  ProbeRequest request = CallRequest(server.address());
  request.settings.server = config::ServerKind::kSoftEther;
  const ProbeReport report = RunProbe(request);
  EXPECT_EQ(Word(report), "server_full");
  EXPECT_EQ(report.detail, "no reason given");
  EXPECT_LT(report.took, milliseconds(1000)) << "closing is not counted";
}

// What comes after the server's answer to the Disconnect speaks of no call any more.
TEST(SstpCall, AnAbortAfterTheDisconnectAckIsNone) {
  SstpServer server(Ok200(), [](Connection& c) {
    c.ReceiveExactly(kRequest.size());
    c.Send(kAck);
    c.ReceiveExactly(kDisconnect.size());
    c.Send(kDisconnectAck);
    c.Send(kAbort);
  });
  EXPECT_EQ(Word(RunProbe(CallRequest(server.address()))), "ok");
}

TEST(SstpCall, TimeoutStillSaysGoodbye) {
  std::string goodbye;
  SstpServer server(Ok200(), [&](Connection& c) {
    c.ReceiveExactly(kRequest.size());
    goodbye = c.ReceiveExactly(8);
  });
  ProbeRequest request = CallRequest(server.address());
  request.settings.timeout = milliseconds(1000);
  const ProbeReport report = RunProbe(request);
  server.Stop();
  EXPECT_EQ(Word(report), "call_timeout");
  EXPECT_EQ(goodbye, Text(kAbort));
  EXPECT_TRUE(report.peer_closed);
  EXPECT_LT(report.took, milliseconds(2500)) << "closing is not counted";
}

TEST(SstpCall, ClosingIsBounded) {
  SstpServer server(Ok200(), [](Connection& c) {
    c.ReceiveExactly(kRequest.size());
    c.Send(kAck);
    c.End();
  });
  const TimePoint start = Clock::now();
  const ProbeReport report = RunProbe(CallRequest(server.address()));
  const Duration whole = Clock::now() - start;
  EXPECT_EQ(Word(report), "ok");
  EXPECT_FALSE(report.peer_closed);
  EXPECT_GE(whole - report.took, milliseconds(1900)) << "two seconds are the server's";
  EXPECT_LT(whole - report.took, Probe::kMaxClosing + milliseconds(500));
}

TEST(SstpCall, ADeadlineAfterTheAckIsStillGood) {
  TimePoint start;
  SstpServer server(Ok200(), [&](Connection& c) {
    c.ReceiveExactly(kRequest.size());
    std::this_thread::sleep_until(start + milliseconds(1350));
    c.Send(kAck);
    c.ReceiveExactly(8);
  });
  ProbeRequest request = CallRequest(server.address());
  request.settings.timeout = milliseconds(1500);  // within the watch
  start = Clock::now();
  const ProbeReport report = RunProbe(request);
  EXPECT_EQ(Word(report), "ok");
  EXPECT_LT(report.took, milliseconds(1600)) << "the watch is cut short";
}

TEST(SstpCall, TakenBackAfterADeadlineThatLeftNoWatch) {
  TimePoint start;
  SstpServer server(Ok200(), [&](Connection& c) {
    c.ReceiveExactly(kRequest.size());
    std::this_thread::sleep_until(start + milliseconds(1450));
    c.Send(kAck);
    c.ReceiveExactly(kDisconnect.size());  // by the deadline
    c.Send(kAbort);
  });
  ProbeRequest request = CallRequest(server.address());
  request.settings.timeout = milliseconds(1500);
  start = Clock::now();
  EXPECT_EQ(Word(RunProbe(request)), "server_full");
}

TEST(SstpCall, CancelledInTheMiddleIsEndedAllTheSame) {
  std::string goodbye;
  SstpServer server(Ok200(), [&](Connection& c) {
    c.ReceiveExactly(kRequest.size());
    goodbye = c.ReceiveExactly(8);
  });
  const ProbeReport report = RunProbe(CallRequest(server.address()), milliseconds(700),
                                      [](Probe& probe) { probe.Cancel(); });
  server.Stop();
  EXPECT_EQ(Word(report), "cancelled");
  EXPECT_EQ(goodbye, Text(kAbort));
}

}  // namespace
}  // namespace sstplb::probes
