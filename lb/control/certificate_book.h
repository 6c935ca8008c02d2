// CertificateBook: the certificate that each backend has shown last, and what was said about it, so
// that each trouble is told once when it begins and once when it is over. Knows no log and no
// clock.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lb/base/log.h"
#include "lb/control/certificate_judge.h"

namespace sstplb::control {

struct CertificateEvent {
  LogLevel level;
  std::string what;  // "certificate expires", "certificates differ", ...
  std::vector<LogField> fields;
};

// One backend's.
struct CertificatePage {
  ShownCertificate shown;
  CertificateFindings findings;
  std::uint64_t changes = 0;  // another certificate than the one before
};

// What another process has to know of it, so that it tells nothing twice and misses no change.
struct CertificateMemory {
  std::string sha256;
  CertificateFindings told;
  std::uint64_t changes = 0;

  bool operator==(const CertificateMemory&) const = default;
};

// Belongs to the control loop.
class CertificateBook {
 public:
  using Key = std::pair<std::string, std::string>;  // pool, backend
  using Memories = std::map<Key, CertificateMemory>;

  // What the process before this one knew, of backends that have shown none here: it counts as if
  // it had been told here. Once, at the beginning.
  void Restore(Memories before);
  // For the next process; of each backend that has shown one, here or there.
  Memories Export() const;
  // Whether Export() gives something new since the last call, the time that is left aside.
  bool TakeNews() { return std::exchange(news_, false); }

  // What a handshake showed.
  std::vector<CertificateEvent> Record(const Key& key, ShownCertificate shown,
                                       const CertificateWish& wish, WallTime now);
  // Judges anew what is known: time passes, and routes change.
  std::vector<CertificateEvent> Review(const Key& key, const CertificateWish& wish, WallTime now);
  void Remove(const Key& key);

  // Null when it has shown none in this process yet.
  const CertificatePage* Find(std::string_view pool, std::string_view backend) const;
  const std::map<Key, CertificatePage>& pages() const { return pages_; }
  // The backends of the pool show different certificates.
  bool Differ(const std::string& pool) const { return !DifferencesIn(pool).empty(); }

 private:
  std::string DifferencesIn(const std::string& pool) const;
  void TellDifferences(const std::string& pool, std::vector<CertificateEvent>& events);

  std::map<Key, CertificatePage> pages_;
  Memories before_;               // of those that have no page yet
  std::set<std::string> differ_;  // pools of which it was told
  bool news_ = false;
};

}  // namespace sstplb::control
