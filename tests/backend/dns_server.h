// A name server for tests: answers over UDP on loopback what a script says.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "lb/base/loop.h"

namespace sstplb::backend {

// Belongs to the thread of the loop that it answers from.
class DnsServer {
 public:
  struct Answer {
    enum class Kind { kAddresses, kNoSuchName, kServerFailure, kSilence };
    Kind kind = Kind::kAddresses;
    std::vector<std::string> addresses;  // IPv4 and IPv6; those of the asked type are sent
    std::uint32_t ttl = 60;
  };

  explicit DnsServer(Loop& loop);

  // What `name` has from now on; a name that was never set does not exist.
  void Set(const std::string& name, Answer answer) { answers_[name] = std::move(answer); }
  // As NameLookupOptions::servers wants it.
  std::string address() const { return LocalAddress(socket_.get())->ToString(); }
  int questions() const { return questions_; }

 private:
  void OnQuestion(ev::io&, int);
  Bytes Reply(ByteView question);

  Fd socket_;
  ev::io watcher_;
  std::map<std::string, Answer> answers_;
  int questions_ = 0;
};

}  // namespace sstplb::backend
