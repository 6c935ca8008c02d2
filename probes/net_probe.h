// NetProbe: what all probes over a connection share: the steps up to TLS, the clock of each step,
// the one deadline, and the clean end.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "probes/channel.h"
#include "probes/probe.h"

namespace sstplb::probes {

// What goes ahead of TLS, from `local`; empty when nothing does.
Bytes ProxyHeader(const ProbeRequest& request, const std::optional<SocketAddress>& local);

class NetProbe : public Probe {
 public:
  NetProbe(Loop& loop, TlsContexts& contexts, ProbeRequest request);
  ~NetProbe() override;

  void Start(Callback done) final;
  void Cancel() final;

 protected:
  enum class Layer : std::uint8_t { kTcp, kTls };

  // How far the shared steps go, and what ALPN to offer ("" : none).
  virtual Layer layer() const { return Layer::kTls; }
  virtual std::string alpn() const { return {}; }
  // The shared steps are done: ask the probe's own question.
  virtual void OnOpen() = 0;
  // The deadline passed. Ends in the time-out of the present step unless overridden.
  virtual void OnDeadline();
  // Says goodbye in the words of the protocol, then calls Hangup(). Bounded by the probe itself.
  virtual void Leave() { Hangup(); }

  // Ends the running step's clock and starts the next one's.
  void BeginStep(Step step);
  Step step() const { return step_; }
  // The outcome is known. Later calls do nothing.
  void End(Outcome outcome, std::string detail = {});
  void End(const Trouble& trouble) { End(trouble.outcome, trouble.detail); }
  bool ended() const { return ended_; }
  // Closes the connection and reports.
  void Hangup();

  // Ends the probe for what is no answer in HTTP, which the channel still has.
  void BadHead(const std::string& why);
  // Puts what was said into the report's transcript, when that is wanted.
  void Said(bool by_us, std::vector<std::string> lines);

  // A continuation that runs on success and ends the probe otherwise.
  Channel::Done Then(void (NetProbe::*next)());
  template <class P>
  Channel::Done Then(void (P::*next)()) {
    return Then(static_cast<void (NetProbe::*)()>(next));
  }

  Loop& loop() { return loop_; }
  const ProbeRequest& request() const { return request_; }
  ProbeReport& report() { return report_; }
  Channel& channel() { return channel_; }

 private:
  Status LoadContext();
  void OnConnected();
  void OnProxySent();
  void OnTls();
  void OnTimer(ev::timer& watcher, int events);
  void StopStep();
  void Report();
  Outcome Refine(Outcome outcome) const;

  Loop& loop_;
  TlsContexts& contexts_;
  SslCtxPtr context_;
  ProbeRequest request_;
  ProbeReport report_;
  Callback done_;
  Channel channel_;
  ev::timer deadline_;
  TimePoint started_;
  TimePoint step_started_;
  Step step_ = Step::kTcp;
  bool started_step_ = false;
  bool ended_ = false;
  bool patient_ = true;  // a backend that let the deadline pass is not waited for again
};

}  // namespace sstplb::probes
