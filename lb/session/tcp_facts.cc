// SPDX-License-Identifier: Apache-2.0
#include "lb/session/tcp_facts.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace sstplb::session {

TcpFacts TcpFactsOf(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return {.rtt = std::chrono::microseconds(info.tcpi_rtt), .retransmits = info.tcpi_total_retrans};
}

}  // namespace sstplb::session
