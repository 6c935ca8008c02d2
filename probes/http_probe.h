// kind = "http": GET over TLS, for a health page that a backend shows on its port. 2xx and 3xx are
// good. For SSTP itself it is worthless: a server may answer GET and be dead for VPN.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "probes/net_probe.h"

namespace sstplb::probes {

class HttpProbe final : public NetProbe {
 public:
  using NetProbe::NetProbe;

 private:
  std::string alpn() const override { return "http/1.1"; }
  void OnOpen() override;
  void ReadMore();
  void OnBytes();
};

}  // namespace sstplb::probes
