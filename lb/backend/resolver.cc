// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/resolver.h"

#include <algorithm>

namespace sstplb::backend {

struct Resolver::Entry {
  Entry(Resolver& owner, Key k, HostPort host_port)
      : resolver(owner), key(std::move(k)), wanted(std::move(host_port)), again(owner.loop_.ev()) {
    again.set<Entry, &Entry::OnAgain>(this);
  }

  void OnAgain(ev::timer&, int) { resolver.Ask(*this); }

  Resolver& resolver;
  const Key key;
  const HostPort wanted;
  std::unique_ptr<NameLookup> lookup;  // while one is under way
  ev::timer again;                     // while none is
  Duration retry{};                    // the wait after the last failure; 0: it was an answer
  // As last reported.
  bool reported = false;
  std::optional<SocketAddress> address;
  std::string error;
};

Resolver::Resolver(Loop& loop, OnResolved on_resolved, ResolverOptions options)
    : loop_(loop), on_resolved_(std::move(on_resolved)), options_(std::move(options)) {}

Resolver::~Resolver() = default;

void Resolver::Set(std::string_view pool, std::string_view backend, const HostPort& address) {
  Key key(pool, backend);
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second->wanted == address) return;
  auto& slot = entries_[key];
  slot = std::make_unique<Entry>(*this, std::move(key), address);
  if (const auto resolved = address.AsAddress()) {
    Report(*slot, resolved, "");
  } else {
    Ask(*slot);
  }
}

void Resolver::Remove(std::string_view pool, std::string_view backend) {
  entries_.erase(Key(pool, backend));
}

void Resolver::Ask(Entry& entry) {
  entry.lookup = std::make_unique<NameLookup>(
      loop_, entry.wanted.host, options_.lookup,
      [this, &entry](const NameLookup::Answer& answer) { OnAnswer(entry, answer); });
}

void Resolver::OnAnswer(Entry& entry, const NameLookup::Answer& answer) {
  entry.lookup.reset();
  if (answer.addresses.empty()) {
    entry.retry = entry.retry == Duration::zero() ? options_.retry_first
                                                  : std::min(2 * entry.retry, options_.retry_last);
    entry.again.start(EvSeconds(entry.retry));
    std::string error = "cannot resolve " + entry.wanted.host + ": " + answer.error;
    if (entry.address) error += "; staying with " + entry.address->ip.ToString();
    Report(entry, entry.address, std::move(error));
    return;
  }
  entry.retry = Duration::zero();
  entry.again.start(
      EvSeconds(answer.ttl ? std::clamp(*answer.ttl, options_.refresh_min, options_.refresh_max)
                           : options_.refresh_without_ttl));
  const bool kept = entry.address && std::count(answer.addresses.begin(), answer.addresses.end(),
                                                entry.address->ip) > 0;
  const IpAddress ip = kept ? entry.address->ip : answer.addresses.front();
  Report(entry, SocketAddress{ip, entry.wanted.port}, "");
}

// The last thing that is done with an entry: the callback may remove it.
void Resolver::Report(Entry& entry, std::optional<SocketAddress> address, std::string error) {
  if (entry.reported && entry.address == address && entry.error == error) return;
  entry.reported = true;
  entry.address = address;
  entry.error = std::move(error);
  const Key key = entry.key;
  const std::string text = entry.error;
  on_resolved_(key.first, key.second, address, text);
}

}  // namespace sstplb::backend
