// RawClient: sends bytes to a server and takes what comes until it closes: what a well-behaved
// client library would not let a test send.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/fd.h"

namespace sstplb::testing {

struct Reply {
  int status = 0;    // 0: no answer
  std::string head;  // the status line and all headers
  std::string body;  // as it came: pieces of a chunked one with their sizes
};

Fd ConnectUnix(const std::string& path);
Fd ConnectTcp(const SocketAddress& address);

// False when the other side does not take it all.
bool Send(const Fd& fd, std::string_view bytes);
// Until the end of the stream, or nothing for ten seconds.
std::string ReceiveAll(const Fd& fd);
// Until `needle` has come; what has come so far either way.
std::string ReceiveUntil(const Fd& fd, std::string_view needle);
Reply ParseReply(const std::string& bytes);

using Headers = std::vector<std::pair<std::string, std::string>>;
// A request with Host, the headers and, if there is one, the body with its length and type.
std::string MakeRequest(std::string_view method, std::string_view target,
                        std::string_view body = "", const Headers& headers = {});
// `fd` is used up.
Reply Exchange(Fd fd, std::string_view bytes);

}  // namespace sstplb::testing
