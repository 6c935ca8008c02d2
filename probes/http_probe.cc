// SPDX-License-Identifier: Apache-2.0
#include "probes/http_probe.h"

#include "lb/sstp/http.h"
#include "probes/http_text.h"
#include "probes/transcript.h"

namespace sstplb::probes {

void HttpProbe::OnOpen() {
  BeginStep(Step::kGet);
  const std::string& path = request().settings.path;
  const std::string text = "GET " + (path.empty() ? "/" : path) +
                           " HTTP/1.1\r\nHost: " + HostHeader(request()) +
                           "\r\nConnection: close\r\n\r\n";
  Said(true, HeadLines(AsBytes(text)));
  channel().Write(AsBytes(text), Then(&HttpProbe::ReadMore));
}

void HttpProbe::ReadMore() { channel().Read(Outcome::kHttpClosed, Then(&HttpProbe::OnBytes)); }

void HttpProbe::OnBytes() {
  const sstp::ResponseResult result = sstp::ParseResponse(channel().buffered());
  if (result.state == sstp::ParseState::kNeedMore) return ReadMore();
  if (result.state == sstp::ParseState::kBad) return BadHead(result.why);
  Said(false, HeadLines(channel().buffered().first(result.size)));
  TakeHead(result.head, channel().buffered(), report());
  const int status = result.head.status;
  if (status < 200 || status > 399) return End(Outcome::kHttpStatus, report().status_line);
  End(Outcome::kOk);
}

}  // namespace sstplb::probes
