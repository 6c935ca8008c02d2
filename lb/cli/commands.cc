// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/commands.h"

#include <exception>

#include "lb/cli/show.h"

namespace sstplb::cli {
namespace {

int NotUnderstood(Session& session) {
  session.console.err << "the answer was not understood: sstplb and the running balancer may be of "
                         "different versions; --json shows it as it is\n";
  return kRefused;
}

}  // namespace

int NoDaemon(Session& session, const Error& error) {
  session.console.err << error.message << "\n";
  return kNoDaemon;
}

int Complain(Session& session, const Reply& reply) {
  if (session.json) session.console.out << reply.body;
  try {
    session.console.err << ErrorText(reply.body) << "\n";
  } catch (const std::exception&) {
    session.console.err << "the balancer answered with status " << reply.status << "\n";
  }
  return reply.status == 400 ? kBadUsage : kRefused;
}

int Print(Session& session, const std::string& json, Show show) {
  if (session.json) {
    session.console.out << json;
    return kDone;
  }
  try {
    session.console.out << show(json, session.console.colour);
  } catch (const std::exception&) {
    return NotUnderstood(session);
  }
  return kDone;
}

int Perform(Session& session, std::string_view method, const std::string& path,
            const Parameters& parameters, const std::string& body, Show show) {
  const Result<Reply> reply = session.client.Ask(method, path, parameters, body);
  if (!reply) return NoDaemon(session, reply.error());
  if (reply->status >= 300) return Complain(session, *reply);
  return Print(session, reply->body, show);
}

int GetStatus(Session& session) {
  return Perform(session, "GET", "/api/v1/status", {}, "", ShowStatus);
}

int ListSessions(Session& session, const Parameters& filter) {
  return Perform(session, "GET", "/api/v1/sessions", filter, "", ShowSessions);
}

int ShowOneSession(Session& session, const std::string& id) {
  return Perform(session, "GET", "/api/v1/sessions/" + Encode(id), {}, "", ShowSession);
}

int CloseSessions(Session& session, const std::vector<std::string>& ids, const Parameters& filter) {
  if (ids.empty() == filter.empty()) {
    session.console.err << "name either sessions by id or a filter, as --backend main/vpn1\n";
    return kBadUsage;
  }
  if (ids.empty()) return Perform(session, "DELETE", "/api/v1/sessions", filter, "", ShowClosed);
  int result = kDone;
  for (const std::string& id : ids) {
    const std::string path = "/api/v1/sessions/" + Encode(id);
    result = std::max(result, Perform(session, "DELETE", path, {}, "", ShowClosed));
  }
  return result;
}

int Explain(Session& session, const Parameters& question) {
  const Result<Reply> reply = session.client.Ask("GET", "/api/v1/explain", question);
  if (!reply) return NoDaemon(session, reply.error());
  if (reply->status >= 300) return Complain(session, *reply);
  const int printed = Print(session, reply->body, ShowExplanation);
  if (printed != kDone) return printed;
  try {
    return LeadsSomewhere(reply->body) ? kDone : kRefused;
  } catch (const std::exception&) {
    return NotUnderstood(session);
  }
}

int Events(Session& session, const Parameters& parameters, bool follow) {
  if (!follow) return Perform(session, "GET", "/api/v1/events", parameters, "", ShowEvents);
  Parameters with_follow = parameters;
  with_follow.emplace_back("follow", "1");
  int result = kDone;
  const auto on_data = [&](std::string_view data) {
    result = Print(session, std::string(data) + (session.json ? "\n" : ""), ShowEvent);
    session.console.out.flush();
    return result == kDone && session.console.out.good();
  };
  const Result<Reply> reply = session.client.Follow("/api/v1/events", with_follow, on_data);
  if (!reply) return NoDaemon(session, reply.error());
  if (reply->status != 200) return Complain(session, *reply);
  return result;
}

int Reload(Session& session, bool dry_run) {
  Parameters parameters;
  if (dry_run) parameters.emplace_back("dry_run", "1");
  return Perform(session, "POST", "/api/v1/reload", parameters, "", ShowReload);
}

int ExportConfig(Session& session) {
  return Perform(session, "GET", "/api/v1/config", {}, "", ShowConfig);
}

}  // namespace sstplb::cli
