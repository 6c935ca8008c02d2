// SPDX-License-Identifier: Apache-2.0
#include "probes/sstp_probe.h"

#include <openssl/rand.h>

#include <array>
#include <utility>

#include "probes/http_text.h"
#include "probes/server_kind.h"
#include "probes/transcript.h"

namespace sstplb::probes {
namespace {

// sstp-server closes 1 s after a Disconnect (MS-SSTP 3.1.2, the disconnect timers).
constexpr Duration kLeave = std::chrono::seconds(2);

constexpr std::string_view kNoHash =
    "the Ack names no hash for the crypto binding: sstp-server does so when it runs without the "
    "hash of its certificate";

std::string Guid() {
  std::array<std::uint8_t, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return sstp::FormatGuid(bytes);
}

std::string StatusText(const sstp::ControlMessage& message) {
  const std::optional<sstp::StatusInfo> info = sstp::FindStatusInfo(message);
  if (!info) return "no reason given";
  return "status " + std::to_string(static_cast<std::uint32_t>(info->status)) + " " +
         std::string(sstp::ToString(info->status));
}

}  // namespace

SstpProbe::SstpProbe(Loop& loop, TlsContexts& contexts, ProbeRequest request)
    : NetProbe(loop, contexts, std::move(request)), watch_(loop.ev()), leave_(loop.ev()) {
  watch_.set<SstpProbe, &SstpProbe::OnWatched>(this);
  leave_.set<SstpProbe, &SstpProbe::OnLeaveTimeout>(this);
}

SstpProbe::~SstpProbe() {
  watch_.stop();
  leave_.stop();
}

void SstpProbe::OnOpen() {
  BeginStep(Step::kPost);
  sstp::PostRequest post;
  post.host = HostHeader(request());
  post.correlation_id = Guid();
  if (!request().settings.path.empty()) post.path = request().settings.path;
  const std::string text = sstp::BuildPost(post);
  Said(true, HeadLines(AsBytes(text)));
  channel().Write(AsBytes(text), Then(&SstpProbe::ReadHead));
}

void SstpProbe::ReadHead() { channel().Read(Outcome::kHttpClosed, Then(&SstpProbe::OnHeadBytes)); }

void SstpProbe::OnHeadBytes() {
  const sstp::ResponseResult result = sstp::ParseResponse(channel().buffered());
  if (result.state == sstp::ParseState::kNeedMore) return ReadHead();
  if (result.state == sstp::ParseState::kBad) return BadHead(result.why);
  Said(false, HeadLines(channel().buffered().first(result.size)));
  TakeHead(result.head, channel().buffered(), report());
  if (result.head.status == 200 && result.head.content_length == sstp::kEndless) {
    const std::string_view text = AsText(channel().buffered().first(result.size));
    report().server_kind = LearnServerKind(result.head, text);
    const std::string note = ServerKindNote(request().settings.server, report().server_kind);
    if (!note.empty()) AddNote(note);
  }
  channel().Consume(result.size);
  OnHead(result.head);
}

void SstpProbe::OnHead(const sstp::ResponseHead& head) {
  if (head.status != 200) {
    report().http_status = head.status;
    return End(Outcome::kHttpStatus, report().status_line);
  }
  if (!head.content_length) return End(Outcome::kNotSstp, "200 without a Content-Length");
  if (*head.content_length != sstp::kEndless) {
    return End(Outcome::kNotSstp,
               "200 with Content-Length " + std::to_string(*head.content_length));
  }
  if (request().settings.depth == config::ProbeDepth::kPost) return End(Outcome::kOk);
  Call();
}

void SstpProbe::Call() {
  BeginStep(Step::kCall);
  called_ = true;
  const Bytes call = sstp::EncodeCallConnectRequest();
  Said(true, PacketLines(call));
  channel().Write(call, Then(&SstpProbe::OnCallBytes));
}

void SstpProbe::ReadCall() {
  channel().Read(Outcome::kCallClosed, [this](const std::optional<Trouble>& trouble) {
    if (!trouble) return OnCallBytes();
    const bool closed = trouble->outcome == Outcome::kCallClosed;
    End(trouble->outcome, trouble->detail + (closed && acked_ ? " after its Ack" : ""));
  });
}

void SstpProbe::OnCallBytes() {
  while (!ended()) {
    const sstp::PacketResult result = sstp::NextPacket(channel().buffered());
    if (result.state == sstp::ParseState::kNeedMore) return ReadCall();
    if (result.state == sstp::ParseState::kBad) return End(Outcome::kCallMalformed, result.why);
    Said(false, PacketLines(channel().buffered().first(result.packet.size)));
    if (!result.packet.control) {  // PPP of a server that speaks first
      channel().Consume(result.packet.size);
      continue;
    }
    const Result<sstp::ControlMessage> message = sstp::ParseControl(result.packet.body);
    if (!message) return End(Outcome::kCallMalformed, message.error().message);
    channel().Consume(result.packet.size);
    OnControl(message.value());
  }
}

void SstpProbe::OnControl(const sstp::ControlMessage& message) {
  if (!acked_) return OnAnswer(message);
  if (message.type == sstp::MessageType::kCallAbort ||
      message.type == sstp::MessageType::kCallDisconnect) {
    End(Outcome::kServerFull, StatusText(message));
  }
}

void SstpProbe::OnAnswer(const sstp::ControlMessage& message) {
  switch (message.type) {
    case sstp::MessageType::kCallConnectAck:
      return OnAck(message);
    case sstp::MessageType::kCallConnectNak:
      return End(Outcome::kCallNak, StatusText(message));
    case sstp::MessageType::kCallAbort:
    case sstp::MessageType::kCallDisconnect:
      return End(Outcome::kCallAborted, StatusText(message));
    default:
      return;  // an Echo, perhaps: not what was asked
  }
}

void SstpProbe::OnAck(const sstp::ControlMessage& message) {
  const std::optional<sstp::CryptoBindingRequest> binding = FindCryptoBindingRequest(message);
  if (!binding) return End(Outcome::kCallMalformed, "an Ack without a crypto binding request");
  report().hash_mask = binding->hash_mask;
  if (binding->hash_mask == 0) AddNote(kNoHash);
  acked_ = true;
  BeginStep(Step::kWatch);
  const std::string& learned =
      report().server_kind.empty() ? request().learned : report().server_kind;
  const Duration watch = PresetOf(TreatedAs(request().settings.server, learned)).watch;
  watch_.start(EvSeconds(watch));
}

void SstpProbe::AddNote(std::string_view note) {
  report().note += (report().note.empty() ? "" : "; ") + std::string(note);
}

void SstpProbe::OnWatched(ev::timer& /*watcher*/, int /*events*/) { End(Outcome::kOk); }

void SstpProbe::OnDeadline() {
  // The answer is there; only the watch is cut short. What comes until the close still counts.
  if (acked_) return End(Outcome::kOk);
  NetProbe::OnDeadline();
}

void SstpProbe::Leave() {
  watch_.stop();
  if (!called_ || channel().peer_closed()) return Hangup();
  left_ = Clock::now();
  leave_.start(EvSeconds(kLeave));
  const bool granted = acked_ && report().outcome != Outcome::kServerFull;
  const Bytes goodbye = sstp::EncodeControl(granted ? sstp::MessageType::kCallDisconnect
                                                    : sstp::MessageType::kCallAbort);
  Said(true, PacketLines(goodbye));
  channel().Write(goodbye, [this](const std::optional<Trouble>&) { WaitForClose(); });
}

void SstpProbe::WaitForClose() {
  for (;;) {
    const sstp::PacketResult last = sstp::NextPacket(channel().buffered());
    if (last.state != sstp::ParseState::kParsed) break;
    Said(false, PacketLines(channel().buffered().first(last.packet.size)));
    if (last.packet.control) OnLastWords(last.packet.body);
    channel().Consume(last.packet.size);
  }
  // What is no SSTP is of no more interest, and a packet that is not all there has a bound.
  if (channel().buffered().size() > sstp::kMaxPacketSize) {
    channel().Consume(channel().buffered().size());
  }
  channel().Read(Outcome::kCallClosed, [this](const std::optional<Trouble>& trouble) {
    if (!trouble) return WaitForClose();
    OnPeerClosed();
  });
}

// An Abort that does not answer our Disconnect crossed it: the call was taken back after the watch,
// or after one that the deadline cut short.
void SstpProbe::OnLastWords(ByteView body) {
  const Result<sstp::ControlMessage> message = sstp::ParseControl(body);
  if (!message) return;
  if (message->type == sstp::MessageType::kCallDisconnectAck) disconnected_ = true;
  const bool taken_back = message->type == sstp::MessageType::kCallAbort && !disconnected_;
  if (!taken_back || report().outcome != Outcome::kOk) return;
  report().outcome = Outcome::kServerFull;
  report().detail = StatusText(*message);
}

void SstpProbe::OnPeerClosed() {
  leave_.stop();
  report().peer_closed = true;
  if (acked_) {
    report().server_kind = RefineServerKind(report().server_kind, Clock::now() - left_);
  }
  Hangup();
}

void SstpProbe::OnLeaveTimeout(ev::timer& /*watcher*/, int /*events*/) { Hangup(); }

}  // namespace sstplb::probes
