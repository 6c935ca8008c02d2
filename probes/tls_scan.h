// TlsScan: which TLS versions and ciphers a server takes, found by asking: one connection for each
// answer. A version is offered with all its ciphers; the one that the server picks is left out of
// the next offer, until it refuses. So its own order of preference comes out as well. A refusal is
// an alert, a close after an answer, or an answer in another version; whatever else goes wrong is
// tried once more, and is then told as what is not known.
//
// It costs the server some thirty handshakes, and lines in its log: for a person who asks, never
// for the daemon.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lb/base/loop.h"
#include "probes/channel.h"
#include "probes/probe.h"

namespace sstplb::probes {

struct VersionScan {
  std::string version;  // "TLSv1.2"
  std::vector<std::string>
      accepted;  // ciphers, in the server's order; empty: the version is refused
  std::vector<std::string> refused;  // of those that this host can offer
  std::string refusal;               // how the server refused the last offer; "" : it took them all
  std::string trouble;               // why no more is known of it; "" : all is known
};

struct ScanReport {
  std::vector<VersionScan> versions;  // oldest first
  std::string trouble;                // why it ended early; "" : it did not
  int connections = 0;
  Duration took{};
};

// Belongs to its loop's thread. Destroying it drops the connection under way and calls nothing.
class TlsScan {
 public:
  using Callback = std::function<void(const ScanReport&)>;

  // Of `request` the address, source, server name, PROXY header and timeout count; the timeout is
  // one connection's.
  TlsScan(Loop& loop, ProbeRequest request);
  ~TlsScan();
  TlsScan(const TlsScan&) = delete;
  TlsScan& operator=(const TlsScan&) = delete;

  // Once. The callback may destroy the scan.
  void Start(Callback done);

  // Connections, over all versions.
  static constexpr int kMaxConnections = 120;

 private:
  void OnNext(ev::timer& watcher, int events);
  void NextVersion();
  void Attempt();
  void OnConnected();
  void ShakeHands();
  void OnShaken(const std::optional<Trouble>& trouble);
  void OnTimeout(ev::timer& watcher, int events);
  void Unclear(const std::string& how);
  void Refused(const std::string& how);
  void LeaveVersion();
  void Finish(std::string trouble);

  Loop& loop_;
  ProbeRequest request_;
  Callback done_;
  ScanReport report_;
  std::unique_ptr<Channel> channel_;
  SslCtxPtr context_;
  std::vector<std::string> offer_;  // ciphers that were not picked yet
  std::size_t version_ = 0;
  int tries_ = 0;    // of the present offer that brought nothing
  ev::timer timer_;  // of one connection
  ev::timer next_;   // the next version, from a turn of its own
  TimePoint started_;
};

}  // namespace sstplb::probes
