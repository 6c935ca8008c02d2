// Resolver: the addresses of backends that are configured by host name.
//
// Each name is looked up (A and AAAA, /etc/hosts first) when it is set, and again as long as it is
// wanted: a backend that moves is followed, a look-up that fails takes nothing away. A backend is
// one machine: of several addresses the first in the order of RFC 6724 is taken, and is kept while
// the answers still hold it, so that an answer that rotates does not move the backend about.
//
// c-ares asks; it is included by name_lookup.cc alone.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lb/backend/name_lookup.h"
#include "lb/base/address.h"
#include "lb/base/loop.h"
#include "lb/base/time.h"

namespace sstplb::backend {

struct ResolverOptions {
  NameLookupOptions lookup;
  // When a name is asked for again. An answer out of /etc/hosts has no TTL.
  Duration refresh_without_ttl = std::chrono::seconds(30);
  Duration refresh_min = std::chrono::seconds(5);
  Duration refresh_max = std::chrono::minutes(5);
  // After a failure: the first wait, doubled with every further one up to the last.
  Duration retry_first = std::chrono::seconds(2);
  Duration retry_last = std::chrono::seconds(30);
};

// Belongs to the thread of its loop, and is destroyed there or after the loop has ended.
class Resolver {
 public:
  // What is known of a backend's address has changed, or why it is not known better.
  //   address  the one to use; after a failure still the last good one; absent when there never was
  //   error    "" after an answer; else a sentence for the log
  // Called from the loop, for addresses from within Set(); never twice with the same words. It may
  // call Set() and Remove().
  using OnResolved =
      std::function<void(const std::string& pool, const std::string& backend,
                         std::optional<SocketAddress> address, const std::string& error)>;

  Resolver(Loop& loop, OnResolved on_resolved, ResolverOptions options = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // An address needs no look-up and is reported before Set() returns. Setting what is set already
  // changes nothing; another host or port begins anew and forgets the old address.
  void Set(std::string_view pool, std::string_view backend, const HostPort& address);
  // Nothing is reported about this backend any more. Unknown names are ignored.
  void Remove(std::string_view pool, std::string_view backend);

 private:
  struct Entry;
  using Key = std::pair<std::string, std::string>;  // pool, backend

  void Ask(Entry& entry);
  void OnAnswer(Entry& entry, const NameLookup::Answer& answer);
  void Report(Entry& entry, std::optional<SocketAddress> address, std::string error);

  Loop& loop_;
  OnResolved on_resolved_;
  ResolverOptions options_;
  std::map<Key, std::unique_ptr<Entry>> entries_;
};

}  // namespace sstplb::backend
