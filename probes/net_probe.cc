// SPDX-License-Identifier: Apache-2.0
#include "probes/net_probe.h"

#include <utility>

#include "probes/certificate.h"
#include "probes/server_hint.h"
#include "proxyproto/encode.h"

namespace sstplb::probes {
namespace {

// How long a backend may take for its own goodbye before the socket is closed all the same.
constexpr Duration kGoodbye = std::chrono::milliseconds(300);

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
  ::ev_now_update(loop_.ev());  // timers count from the loop's idea of now
  started_ = Clock::now();
  report_.when = WallClock::now();
  if (!request_.address) return End(Outcome::kResolveFailed);
  deadline_.start(EvSeconds(request_.settings.timeout));
  BeginStep(Step::kTcp);
  channel_.Connect(*request_.address, request_.source, Then(&NetProbe::OnConnected));
}

void NetProbe::OnConnected() {
  report_.local = channel_.local();
  Bytes header;
  if (request_.proxy_protocol == config::ProxyProtocol::kV2) {
    proxyproto::EncodeV2Local(header);
  } else if (request_.proxy_protocol == config::ProxyProtocol::kV1 && report_.local) {
    // There is no LOCAL in v1, and servers refuse UNKNOWN: the probe's own addresses.
    proxyproto::EncodeV1(*report_.local, *request_.address, header);
  }
  if (header.empty()) return OnProxySent();
  BeginStep(Step::kProxy);
  channel_.Write(header, Then(&NetProbe::OnProxySent));
}

void NetProbe::OnProxySent() {
  if (layer() == Layer::kTcp) return OnOpen();
  BeginStep(Step::kTls);
  const Result<SSL_CTX*> context =
      contexts_.Get(request_.settings.ca_file, request_.settings.crl_file);
  if (!context) return End(Outcome::kLocalError, context.error().message);
  channel_.Handshake(context.value(), {request_.server_name, alpn()}, Then(&NetProbe::OnTls));
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
