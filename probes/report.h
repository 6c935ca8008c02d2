// ProbeReport: everything one probe found, as a plain value.
//
// Texts that come from a peer are bounded and printable ASCII (text.h): they may go into a log
// line, JSON or a terminal as they are.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/time.h"
#include "probes/outcome.h"

namespace sstplb::probes {

struct StepTime {
  Step step;
  Duration took;
};

struct CertificateFacts {
  std::string sha256;  // of the DER, hex: what crypto binding is made with (MS-SSTP 2.2.7)
  std::string subject;
  std::string common_name;  // the subject's CN; "" when it has none
  std::string issuer;
  std::vector<std::string> names;  // subjectAltName: DNS names and addresses
  bool names_cut = false;          // there are more of them
  WallTime not_before;
  WallTime not_after;
  bool self_signed = false;
  bool verified = false;     // leads to a trusted root and is valid now; names not looked at
  std::string verify_error;  // why not
};

// A certificate as it was sent on the way to the root.
struct ChainLink {
  std::string subject;
  WallTime not_after;
  bool self_signed = false;
};

// What the server itself brought along about the revocation of its certificate (RFC 6066, 8).
struct OcspFacts {
  std::string status;  // good | revoked | unknown | stale | unreadable | unverified
  std::optional<WallTime> next_update;
};

struct TlsFacts {
  std::string version;  // "TLSv1.3"
  std::string cipher;
  std::string alpn;  // "" : none agreed
  std::optional<CertificateFacts> certificate;
  std::vector<ChainLink> chain;   // as sent, the server's own first
  std::optional<OcspFacts> ocsp;  // absent: the server staples nothing
};

// One message of either side, for a person: a line for each of its parts.
struct Said {
  Step step;
  bool by_us;
  std::vector<std::string> lines;
};

struct ProbeReport {
  Outcome outcome = Outcome::kCancelled;
  std::string detail;           // may be empty: one line for a person
  std::string hint;             // what the outcome means on this kind of server, and what to do
  std::string note;             // a warning that changes nothing about the outcome; may be empty
  WallTime when;                // of the start
  Duration took{};              // until the outcome was known: closing is not in it
  std::vector<StepTime> steps;  // in order; the last but kClose is where it ended
  std::optional<SocketAddress> local;  // where the probe came from
  std::optional<TlsFacts> tls;
  int http_status = 0;        // when it is no success; else 0
  std::string status_line;    // of the HTTP answer
  std::string server_header;  // of the HTTP answer
  std::string server_kind;    // learned from the answers: a word of config::ServerKind, or
                              // "rras-or-softether" where they look alike; "" when unknown
  std::optional<std::uint8_t> hash_mask;  // of the Ack: 1 SHA-1, 2 SHA-256
  bool peer_closed = false;               // the backend ended a connection by itself
  std::vector<Said> said;                 // in order; only when asked for

  bool good() const { return Info(outcome).verdict == Verdict::kGood; }
};

// How long until the certificate expires; negative when it has. nullopt without a certificate.
std::optional<Duration> CertificateLeft(const ProbeReport& report, WallTime now);

}  // namespace sstplb::probes
