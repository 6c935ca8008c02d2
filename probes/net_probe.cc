// SPDX-License-Identifier: Apache-2.0
#include "probes/net_probe.h"

#include <utility>

#include "probes/certificate.h"
#include "probes/server_hint.h"
#include "probes/transcript.h"
#include "proxyproto/encode.h"

namespace sstplb::probes {
namespace {

// How long a backend may take for its own goodbye before the socket is closed all the same.
constexpr Duration kGoodbye = std::chrono::milliseconds(300);

constexpr std::size_t kMaxSaid = 24;

Outcome TimeoutOf(Step step) {
  switch (step) {
    case Step::kTls:
      return Outcome::kTlsTimeout;
    case Step::kPost:
    case Step::kGet:
      return Outcome::kHttpTimeout;
    case Step::kCall:
    case Step::kWatch:
    case Step::kClose:
      return Outcome::kCallTimeout;
    case Step::kExec:
      return Outcome::kExecTimeout;
    case Step::kResolve:
    case Step::kTcp:
    case Step::kProxy:
      break;
  }
  return Outcome::kConnectTimeout;
}

}  // namespace

Bytes ProxyHeader(const ProbeRequest& request, const std::optional<SocketAddress>& local) {
  Bytes header;
  if (request.proxy_protocol == config::ProxyProtocol::kV2) {
    proxyproto::EncodeV2Local(header);
  } else if (request.proxy_protocol == config::ProxyProtocol::kV1 && local) {
    // There is no LOCAL in v1, and servers refuse UNKNOWN: the probe's own addresses.
    proxyproto::EncodeV1(*local, *request.address, header);
  }
  return header;
}

NetProbe::NetProbe(Loop& loop, TlsContexts& contexts, ProbeRequest request)
    : loop_(loop),
      contexts_(contexts),
      request_(std::move(request)),
      channel_(loop),
      deadline_(loop.ev()) {
  deadline_.set<NetProbe, &NetProbe::OnTimer>(this);
}

NetProbe::~NetProbe() { deadline_.stop(); }

Channel::Done NetProbe::Then(void (NetProbe::*next)()) {
  return [this, next](const std::optional<Trouble>& trouble) {
    if (trouble) return End(*trouble);
    (this->*next)();
  };
}

void NetProbe::Start(Callback done) {
  done_ = std::move(done);
  // Reading the roots takes its time at first: neither the server's nor one of its steps'.
  const Status ready = layer() == Layer::kTls ? LoadContext() : Done{};
  ::ev_now_update(loop_.ev());  // timers count from the loop's idea of now
  started_ = Clock::now();
  report_.when = WallClock::now();
  if (!request_.address) return End(Outcome::kResolveFailed);
  if (!ready) return End(Outcome::kLocalError, ready.error().message);
  deadline_.start(EvSeconds(request_.settings.timeout));
  BeginStep(Step::kTcp);
  channel_.Connect(*request_.address, request_.source, Then(&NetProbe::OnConnected));
}

Status NetProbe::LoadContext() {
  const Result<SSL_CTX*> context =
      contexts_.Get(request_.settings.ca_file, request_.settings.crl_file);
  if (!context) return context.error();
  SSL_CTX_up_ref(*context);
  context_.reset(*context);
  return Done{};
}

void NetProbe::OnConnected() {
  report_.local = channel_.local();
  const Bytes header = ProxyHeader(request_, report_.local);
  if (header.empty()) return OnProxySent();
  BeginStep(Step::kProxy);
  channel_.Write(header, Then(&NetProbe::OnProxySent));
}

void NetProbe::OnProxySent() {
  if (layer() == Layer::kTcp) return OnOpen();
  BeginStep(Step::kTls);
  channel_.Handshake(context_.get(), {request_.server_name, alpn()}, Then(&NetProbe::OnTls));
}

void NetProbe::OnTls() {
  report_.tls = ReadTlsFacts(channel_.ssl());
  const std::optional<Duration> left = CertificateLeft(report_, report_.when);
  if (left && *left < request_.settings.certificate_warn) {
    report_.note = *left < Duration::zero() ? "the certificate has expired"
                                            : "the certificate expires in " + FormatDuration(*left);
  }
  const std::optional<Trouble> trouble = JudgeCertificate(
      channel_.ssl(), request_.settings.verify, request_.server_name, request_.address->ip);
  if (trouble) return End(*trouble);
  OnOpen();
}

void NetProbe::OnTimer(ev::timer& /*watcher*/, int /*events*/) {
  patient_ = false;
  OnDeadline();
}

void NetProbe::OnDeadline() { End(TimeoutOf(step_)); }

void NetProbe::Cancel() {
  if (done_) End(Outcome::kCancelled);
}

void NetProbe::BeginStep(Step step) {
  StopStep();
  step_ = step;
  step_started_ = Clock::now();
  started_step_ = true;
}

void NetProbe::StopStep() {
  if (!started_step_) return;
  report_.steps.push_back({step_, Clock::now() - step_started_});
  started_step_ = false;
}

void NetProbe::BadHead(const std::string& why) {
  Said(false, HeadLines(channel_.buffered()));
  End(Outcome::kHttpMalformed, why);
}

void NetProbe::Said(bool by_us, std::vector<std::string> lines) {
  if (!request_.transcript || report_.said.size() >= kMaxSaid) return;
  report_.said.push_back({step_, by_us, std::move(lines)});
}

// Closed without a single byte back tells more than where the probe stood then.
Outcome NetProbe::Refine(Outcome outcome) const {
  const bool closed = outcome == Outcome::kTlsClosed || outcome == Outcome::kClosedAtOnce;
  if (!closed || channel_.received_any() || !report_.local) return outcome;
  return request_.proxy_protocol == config::ProxyProtocol::kNone ? Outcome::kClosedAtOnce
                                                                 : Outcome::kProxyRejected;
}

void NetProbe::End(Outcome outcome, std::string detail) {
  if (ended_) return;
  ended_ = true;
  deadline_.stop();
  StopStep();
  report_.outcome = Refine(outcome);
  report_.detail = std::move(detail);
  report_.took = Clock::now() - started_;
  report_.peer_closed = channel_.peer_closed();
  BeginStep(Step::kClose);
  Leave();
}

void NetProbe::Hangup() {
  channel_.Close(patient_ ? kGoodbye : Duration::zero(), [this] { Report(); });
}

void NetProbe::Report() {
  StopStep();
  const Callback done = std::exchange(done_, nullptr);
  report_.hint = ServerHint(request_, report_);
  const ProbeReport report = std::move(report_);
  done(report);  // may destroy this
}

}  // namespace sstplb::probes
