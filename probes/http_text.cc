// SPDX-License-Identifier: Apache-2.0
#include "probes/http_text.h"

#include "probes/text.h"

namespace sstplb::probes {
namespace {

constexpr std::size_t kMaxLine = 128;

}  // namespace

std::string HostHeader(const ProbeRequest& request) {
  if (!request.server_name.empty()) return request.server_name;
  if (!request.address) return {};
  const std::string text = request.address->ip.ToString();
  return request.address->ip.is_v6() ? "[" + text + "]" : text;
}

void TakeHead(const sstp::ResponseHead& head, ByteView bytes, ProbeReport& report) {
  const std::string_view text = AsText(bytes);
  report.status_line = Printable(text.substr(0, text.find_first_of("\r\n")), kMaxLine);
  report.server_header = Printable(head.server, kMaxLine);
}

}  // namespace sstplb::probes
