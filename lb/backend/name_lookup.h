// NameLookup: one question for the addresses of one host name, with a deadline.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/loop.h"
#include "lb/base/time.h"

namespace sstplb::backend {

struct NameLookupOptions {
  std::string servers;  // "127.0.0.1:5353,[::1]:53"; "": those of /etc/resolv.conf
  Duration query_timeout = std::chrono::seconds(2);  // for one try at one server
  int tries = 2;                                     // at every server
  Duration deadline = std::chrono::seconds(10);      // for the whole look-up
};

// Asks when it is made, and answers once, from the loop, never from within the constructor. May be
// destroyed at any time, also from within its callback: it is not called back then. Belongs to the
// loop's thread. /etc/resolv.conf and /etc/hosts are read anew for each look-up.
class NameLookup {
 public:
  struct Answer {
    std::vector<IpAddress> addresses;  // in the order of RFC 6724; empty when there is an error
    std::optional<Duration> ttl;       // the shortest of them; absent when it is not from DNS
    std::string error;                 // "Domain name not found"
  };
  // The answer lives as long as the call, also when the call destroys the look-up.
  using OnAnswer = std::function<void(const Answer&)>;

  NameLookup(Loop& loop, const std::string& host, const NameLookupOptions& options,
             OnAnswer on_answer);
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sstplb::backend
