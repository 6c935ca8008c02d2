// Commands: what each word of the command line does. Every one returns the exit code.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lb/cli/cli.h"
#include "lb/cli/client.h"

namespace sstplb::cli {

// Whom a command asks and how it answers.
struct Session {
  Console& console;
  Client client;
  bool json = false;  // the API's answer as it is
};

// "main/vpn1".
struct BackendName {
  std::string pool;
  std::string name;

  std::string Path() const { return "/api/v1/backends/" + Encode(pool) + "/" + Encode(name); }
};

using Show = std::string (*)(std::string_view json, bool colour);

// Asks, and shows the answer or the error.
int Perform(Session& session, std::string_view method, const std::string& path,
            const Parameters& parameters, const std::string& body, Show show);
// The exit code of an error, after it was said.
int Complain(Session& session, const Reply& reply);
int NoDaemon(Session& session, const Error& error);
// Runs `show` on an answer; says so when it cannot be understood.
int Print(Session& session, const std::string& json, Show show);

int GetStatus(Session& session);

int ListBackends(Session& session, const std::string& pool);
struct AddOptions {
  BackendName backend;
  std::string address;
  std::optional<unsigned> weight;
  std::optional<unsigned> max_sessions;
  bool disabled = false;
};
int AddBackend(Session& session, const AddOptions& options);
struct RemoveOptions {
  BackendName backend;
  bool force = false;
  bool wait = false;
};
int RemoveBackend(Session& session, const RemoveOptions& options);
int SetAdmin(Session& session, const BackendName& backend, std::string_view state);
int SetWeight(Session& session, const BackendName& backend, unsigned weight);
int ResetBackend(Session& session, const BackendName& backend);
struct DrainOptions {
  BackendName backend;  // of DrainBackend() alone
  std::optional<Duration> within;
  std::optional<double> pace;  // sessions per second
  std::optional<WallTime> at;
  bool idle_first = false;
  bool wait = false;
  bool undo = false;
};
int DrainBackend(Session& session, const DrainOptions& options);
int DrainAll(Session& session, const DrainOptions& options);

struct RebalanceOptions {
  std::string pool;
  std::optional<double> per_second;  // sessions
  std::optional<Duration> within;
  bool dry_run = false;
  bool stop = false;
};
int Rebalance(Session& session, const RebalanceOptions& options);

int ListSessions(Session& session, const Parameters& filter);
int ShowOneSession(Session& session, const std::string& id);
int CloseSessions(Session& session, const std::vector<std::string>& ids, const Parameters& filter);

int Explain(Session& session, const Parameters& question);
int Events(Session& session, const Parameters& parameters, bool follow);
int Reload(Session& session, bool dry_run);
int ExportConfig(Session& session);
int Upgrade(Session& session);

}  // namespace sstplb::cli
