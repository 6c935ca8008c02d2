// kind = "tcp": the backend accepts, and does not close right after.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/net_probe.h"

namespace sstplb::probes {

class TcpProbe final : public NetProbe {
 public:
  using NetProbe::NetProbe;
  ~TcpProbe() override;

 private:
  Layer layer() const override { return Layer::kTcp; }
  void OnOpen() override;
  void OnDeadline() override;
  void OnWatched(ev::timer& watcher, int events);

  ev::timer watch_{loop().ev()};
};

}  // namespace sstplb::probes
