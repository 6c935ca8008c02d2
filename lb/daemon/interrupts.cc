// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/interrupts.h"

#include <csignal>
#include <utility>

namespace sstplb::daemon {

Interrupts::Interrupts(Loop& loop, std::function<void()> first)
    : first_(std::move(first)), interrupt_(loop.ev()), terminate_(loop.ev()) {
  interrupt_.set<Interrupts, &Interrupts::OnSignal>(this);
  terminate_.set<Interrupts, &Interrupts::OnSignal>(this);
  interrupt_.start(SIGINT);
  terminate_.start(SIGTERM);
}

Interrupts::~Interrupts() { GiveBack(); }

void Interrupts::OnSignal(ev::sig& /*watcher*/, int /*events*/) {
  GiveBack();
  first_();
}

void Interrupts::GiveBack() {
  interrupt_.stop();
  terminate_.stop();
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace sstplb::daemon
