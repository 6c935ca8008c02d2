// SPDX-License-Identifier: Apache-2.0
#include "probes/tcp_probe.h"

namespace sstplb::probes {
namespace {

// A full server (accel-ppp at max-sessions) accepts and closes at once.
constexpr Duration kWatch = std::chrono::milliseconds(100);

}  // namespace

TcpProbe::~TcpProbe() { watch_.stop(); }

void TcpProbe::OnOpen() {
  BeginStep(Step::kWatch);
  watch_.set<TcpProbe, &TcpProbe::OnWatched>(this);
  watch_.start(EvSeconds(kWatch));
  channel().Read(Outcome::kClosedAtOnce, [this](const std::optional<Trouble>& trouble) {
    watch_.stop();
    if (trouble) return End(*trouble);
    End(Outcome::kOk);  // it speaks first: it lives
  });
}

void TcpProbe::OnWatched(ev::timer& /*watcher*/, int /*events*/) { End(Outcome::kOk); }

void TcpProbe::OnDeadline() {
  End(step() == Step::kWatch ? Outcome::kOk : Outcome::kConnectTimeout);
}

}  // namespace sstplb::probes
