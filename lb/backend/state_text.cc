// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/state_text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "lb/config/words.h"

namespace sstplb::backend {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kVersionKey = "sstplb_state";
constexpr std::uint64_t kVersion = 2;
constexpr std::size_t kLongestName = 255;
// The last second that a WallTime holds, in the year 2262.
constexpr std::uint64_t kLatest = 9223372036;

Json BackendJson(const config::Backend& backend) {
  return {{"address", backend.address.ToString()},
          {"weight", backend.weight},
          {"max_sessions", backend.max_sessions},
          {"admin", config::ToWord(backend.admin)}};
}

Json DrainJson(const Drain& drain) {
  Json out = {{"since", FormatWallTime(drain.since)}, {"begins", FormatWallTime(drain.begins)}};
  if (drain.deadline) out["deadline"] = FormatWallTime(*drain.deadline);
  if (drain.pace) out["pace"] = *drain.pace;
  if (drain.idle_first) out["idle_first"] = true;
  return out;
}

Json DecisionJson(const Decision& decision) {
  Json out = {{"pool", decision.pool}, {"backend", decision.backend}};
  if (decision.added) out["added"] = BackendJson(*decision.added);
  if (decision.removed) out["removed"] = true;
  if (decision.admin) out["admin"] = config::ToWord(*decision.admin);
  if (decision.weight) out["weight"] = *decision.weight;
  if (decision.max_sessions) out["max_sessions"] = *decision.max_sessions;
  if (decision.drain) out["drain"] = DrainJson(*decision.drain);
  return out;
}

// Thrown and caught in this file alone: the reader below would otherwise be mostly error plumbing.
struct Bad {
  std::string what;
};

// One JSON object that is read member by member; in the end nothing may be left over.
class Members {
 public:
  Members(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) throw Bad{where_ + " is no object"};
  }

  const Json* Find(std::string_view key) {
    const auto found = object_.find(key);
    if (found == object_.end()) return nullptr;
    known_.emplace(key);
    return &*found;
  }
  const Json& Need(std::string_view key) {
    const Json* found = Find(key);
    if (found == nullptr) throw Bad{where_ + " has no \"" + std::string(key) + "\""};
    return *found;
  }
  const std::string& Text(std::string_view key) {
    const Json& value = Need(key);
    if (!value.is_string()) Wrong(key, "a string");
    return value.get_ref<const std::string&>();
  }
  std::string Name(std::string_view key) {
    const std::string& text = Text(key);
    if (text.empty() || text.size() > kLongestName) Wrong(key, "a name of 1 to 255 bytes");
    return text;
  }
  std::uint32_t Count(std::string_view key) {
    const Json& value = Need(key);
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMost) {
      Wrong(key, "a number from 0 to 4294967295");
    }
    return value.get<std::uint32_t>();
  }
  config::AdminState Admin(std::string_view key) {
    const auto admin = config::FromWord<config::AdminState>(Text(key));
    if (!admin) Wrong(key, "active, draining or disabled");
    return *admin;
  }
  // A member that is there when it is true.
  bool Flag(std::string_view key) {
    const Json* value = Find(key);
    if (value != nullptr && *value != true) Wrong(key, "true");
    return value != nullptr;
  }
  double Pace(std::string_view key) {
    const Json& value = Need(key);
    const double pace = value.is_number() ? value.get<double>() : 0;
    if (!(pace > 0) || !std::isfinite(pace)) Wrong(key, "a number above 0");
    return pace;
  }
  WallTime Time(std::string_view key);

  void NothingElse() {
    for (const auto& [key, value] : object_.items()) {
      if (!known_.contains(key)) throw Bad{where_ + " has an unknown member \"" + key + "\""};
    }
  }

  [[noreturn]] void Wrong(std::string_view key, std::string_view wanted) {
    throw Bad{where_ + "." + std::string(key) + " is not " + std::string(wanted)};
  }

 private:
  const Json& object_;
  std::string where_;
  std::set<std::string, std::less<>> known_;
};

WallTime Members::Time(std::string_view key) {
  const std::string& text = Text(key);
  const std::optional<WallTime> time = ParseWallTime(text);
  // Only the one spelling of a time is one.
  if (time && FormatWallTime(*time) == text) return *time;
  Wrong(key, "a time such as 2026-11-22T05:04:54.123Z");
}

config::Backend ReadBackend(const Json& json, const std::string& name, const std::string& where) {
  Members members(json, where + ".added");
  config::Backend out;
  out.name = name;
  const auto address = HostPort::Parse(members.Text("address"));
  if (!address) members.Wrong("address", "an address or a host name with a port");
  out.address = *address;
  out.weight = members.Count("weight");
  out.max_sessions = members.Count("max_sessions");
  out.admin = members.Admin("admin");
  members.NothingElse();
  return out;
}

Drain ReadDrain(const Json& json, const std::string& where) {
  Members members(json, where + ".drain");
  Drain out;
  out.since = members.Time("since");
  out.begins = members.Time("begins");
  if (members.Find("deadline")) out.deadline = members.Time("deadline");
  if (members.Find("pace")) out.pace = members.Pace("pace");
  out.idle_first = members.Flag("idle_first");
  members.NothingElse();
  return out;
}

// The whole of a drain in version 1.
Drain DrainUntil(WallTime deadline, WallTime saved) {
  return {.since = saved, .begins = saved, .deadline = deadline};
}

// What a decision is read with: the file's version, and when it was written.
struct Edition {
  std::uint64_t version = kVersion;
  WallTime saved;
};

Decision ReadDecision(const Json& json, const std::string& where, const Edition& edition) {
  Members members(json, where);
  Decision out;
  out.pool = members.Name("pool");
  out.backend = members.Name("backend");
  if (const Json* added = members.Find("added"))
    out.added = ReadBackend(*added, out.backend, where);
  out.removed = members.Flag("removed");
  if (members.Find("admin")) out.admin = members.Admin("admin");
  if (members.Find("weight")) out.weight = members.Count("weight");
  if (members.Find("max_sessions")) out.max_sessions = members.Count("max_sessions");
  if (edition.version == 1) {
    if (members.Find("drain_deadline")) {
      out.drain = DrainUntil(members.Time("drain_deadline"), edition.saved);
    }
  } else if (const Json* drain = members.Find("drain")) {
    out.drain = ReadDrain(*drain, where);
  }
  members.NothingElse();
  return out;
}

std::vector<Decision> ReadDecisions(const Json& json, const Edition& edition) {
  if (!json.is_array()) throw Bad{"\"decisions\" is no array"};
  std::vector<Decision> out;
  std::set<std::pair<std::string, std::string>> seen;
  for (const Json& item : json) {
    const std::string where = "decisions[" + std::to_string(out.size()) + "]";
    out.push_back(ReadDecision(item, where, edition));
    if (!seen.emplace(out.back().pool, out.back().backend).second) {
      throw Bad{where + " decides about " + out.back().pool + "/" + out.back().backend +
                " a second time"};
    }
  }
  return out;
}

std::uint64_t Whole(const Json& json, std::uint64_t most, const std::string& where) {
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > most) {
    throw Bad{where + " is not a number from 0 to " + std::to_string(most)};
  }
  return json.get<std::uint64_t>();
}

IpAddress ReadSource(const Json& json, const std::string& where) {
  const auto source =
      json.is_string() ? IpAddress::Parse(json.get_ref<const std::string&>()) : std::nullopt;
  if (!source || source->SourceKey() != *source) {
    throw Bad{where + " is no IPv4 address and no IPv6 network of 64 bits"};
  }
  return *source;
}

WallTime ReadSecond(const Json& json, const std::string& where) {
  return WallTime(std::chrono::seconds(Whole(json, kLatest, where)));
}

AffinityClient ReadClient(const Json& json, std::size_t backends, const std::string& where) {
  if (!json.is_array() || json.size() != 3) throw Bad{where + " is not [address, backend, until]"};
  AffinityClient out;
  out.source = ReadSource(json[0], where + "[0]");
  if (backends == 0) throw Bad{where + " has no backend to be at"};
  out.backend = static_cast<std::uint32_t>(Whole(json[1], backends - 1, where + "[1]"));
  out.until = ReadSecond(json[2], where + "[2]");
  return out;
}

PoolAffinity ReadPoolAffinity(const std::string& pool, const Json& json) {
  const std::string where = "affinity." + pool;
  Members members(json, where);
  PoolAffinity out{.pool = pool};
  const Json& backends = members.Need("backends");
  const Json& clients = members.Need("clients");
  members.NothingElse();
  if (!backends.is_array()) members.Wrong("backends", "an array");
  if (!clients.is_array()) members.Wrong("clients", "an array");
  for (const Json& name : backends) {
    if (!name.is_string()) members.Wrong("backends", "an array of names");
    out.backends.push_back(name.get<std::string>());
  }
  out.clients.reserve(clients.size());
  for (const Json& client : clients) {
    out.clients.push_back(
        ReadClient(client, out.backends.size(),
                   where + ".clients[" + std::to_string(out.clients.size()) + "]"));
  }
  return out;
}

std::vector<PoolAffinity> ReadAffinity(const Json& json) {
  if (!json.is_object()) throw Bad{"\"affinity\" is no object"};
  std::vector<PoolAffinity> out;
  for (const auto& [pool, value] : json.items()) out.push_back(ReadPoolAffinity(pool, value));
  return out;
}

RebalanceRun ReadRun(const Json& json, const std::string& where) {
  Members members(json, where);
  RebalanceRun out;
  out.pool = members.Name("pool");
  out.per_second = members.Pace("pace");
  out.until = members.Time("until");
  members.NothingElse();
  return out;
}

MovedClient ReadMoved(const Json& json, const std::string& where) {
  if (!json.is_array() || json.size() != 2) throw Bad{where + " is not [address, when]"};
  return {.source = ReadSource(json[0], where + "[0]"), .when = ReadSecond(json[1], where + "[1]")};
}

// The section "rebalance". A member that is not known is dropped.
void ReadRebalance(const Json& json, State& out) {
  Members members(json, "rebalance");
  if (const Json* runs = members.Find("runs")) {
    if (!runs->is_array()) members.Wrong("runs", "an array");
    for (const Json& run : *runs) {
      const std::string where = "rebalance.runs[" + std::to_string(out.rebalances.size()) + "]";
      out.rebalances.push_back(ReadRun(run, where));
    }
  }
  if (const Json* moved = members.Find("moved")) {
    if (!moved->is_array()) members.Wrong("moved", "an array");
    for (const Json& client : *moved) {
      const std::string where = "rebalance.moved[" + std::to_string(out.moved.size()) + "]";
      out.moved.push_back(ReadMoved(client, where));
    }
  }
}

KnownCertificate ReadCertificate(const Json& json, const std::string& where) {
  Members members(json, where);
  KnownCertificate out;
  out.pool = members.Name("pool");
  out.backend = members.Name("backend");
  out.sha256 = members.Name("sha256");
  const Json* told = members.Find("told");
  if (told == nullptr) return out;
  if (!told->is_object()) members.Wrong("told", "an object");
  for (const auto& [finding, evidence] : told->items()) {
    if (!evidence.is_string()) members.Wrong("told." + finding, "a string");
    out.told[finding] = evidence.get<std::string>();
  }
  return out;
}

// The section "certificates". As above, a member that is not known is dropped.
std::vector<KnownCertificate> ReadCertificates(const Json& json) {
  if (!json.is_array()) throw Bad{"\"certificates\" is no array"};
  std::vector<KnownCertificate> out;
  for (const Json& item : json) {
    out.push_back(ReadCertificate(item, "certificates[" + std::to_string(out.size()) + "]"));
  }
  return out;
}

// The nesting is bounded because what nests is later walked by recursion.
Json ParseJson(std::string_view text) {
  constexpr int kDeepest = 32;
  return Json::parse(text, [](int depth, Json::parse_event_t, const Json&) {
    if (depth > kDeepest) throw Bad{"it nests deeper than " + std::to_string(kDeepest)};
    return true;
  });
}

State ReadState(const Json& json) {
  if (!json.is_object() || !json.contains(kVersionKey)) {
    throw Bad{"it is no state file of sstplb (no member \"sstplb_state\")"};
  }
  const Json& version = json[kVersionKey];
  if (!version.is_number_unsigned() || version == 0u) {
    throw Bad{"\"sstplb_state\" is no version number"};
  }
  if (version > kVersion) {
    throw Bad{"a newer sstplb wrote it (version " + version.dump() + "; this one reads " +
              std::to_string(kVersion) + ")"};
  }
  Members members(json, "the file");
  State out;
  const Edition edition{version.get<std::uint64_t>(), members.Time("saved")};
  out.decisions = ReadDecisions(members.Need("decisions"), edition);
  for (const auto& [key, value] : json.items()) {
    if (key == "affinity") {
      out.affinity = ReadAffinity(value);
    } else if (key == "rebalance") {
      ReadRebalance(value, out);
    } else if (key == "certificates") {
      out.certificates = ReadCertificates(value);
    } else if (key != kVersionKey && key != "saved" && key != "decisions") {
      out.others.push_back({key, value.dump()});
    }
  }
  return out;
}

std::string SecondText(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return std::to_string(std::max<std::int64_t>(seconds, 0));
}

// "" when there is nothing to keep.
std::string RebalanceText(const State& state) {
  if (state.rebalances.empty() && state.moved.empty()) return "";
  Json runs = Json::array();
  for (const RebalanceRun& run : state.rebalances) {
    runs.push_back(
        {{"pool", run.pool}, {"pace", run.per_second}, {"until", FormatWallTime(run.until)}});
  }
  std::string out = ",\n  \"rebalance\": {\"runs\": " + runs.dump() + ", \"moved\": [";
  const char* comma = "\n";
  for (const MovedClient& client : state.moved) {
    out.append(comma).append("[\"").append(client.source.ToString()).append("\",");
    out.append(SecondText(client.when)).append("]");
    comma = ",\n";
  }
  return out + (state.moved.empty() ? "]}" : "\n  ]}");
}

// "" when there is none.
std::string CertificatesText(const std::vector<KnownCertificate>& certificates) {
  std::string out;
  std::string_view separator = ",\n  \"certificates\": [\n    ";
  for (const KnownCertificate& known : certificates) {
    Json json = {{"pool", known.pool}, {"backend", known.backend}, {"sha256", known.sha256}};
    if (!known.told.empty()) json["told"] = known.told;
    out.append(separator).append(json.dump());
    separator = ",\n    ";
  }
  return certificates.empty() ? out : out + "\n  ]";
}

}  // namespace

Result<std::string> FormatState(const State& state, WallTime now) {
  const auto affinity = FormatAffinity(state.affinity);
  if (!affinity) return affinity.error();
  return FormatState(state, *affinity, now);
}

Result<std::string> FormatAffinity(const std::vector<PoolAffinity>& affinity) {
  try {
    std::string out;
    std::string_view separator = "{\n    ";
    for (const PoolAffinity& pool : affinity) {
      out.append(separator).append(Json(pool.pool).dump());
      out.append(": {\"backends\": ").append(Json(pool.backends).dump());
      out += ", \"clients\": [";
      // By hand: there may be very many, and nothing in them needs quoting.
      const char* comma = "\n";
      for (const AffinityClient& client : pool.clients) {
        out.append(comma).append("[\"").append(client.source.ToString()).append("\",");
        out.append(std::to_string(client.backend)).append(",");
        out.append(SecondText(client.until)).append("]");
        comma = ",\n";
      }
      out += pool.clients.empty() ? "]}" : "\n    ]}";
      separator = ",\n    ";
    }
    return affinity.empty() ? std::string() : out + "\n  }";
  } catch (const Json::exception& e) {
    return Error{"it cannot be put into JSON: " + std::string(e.what())};
  }
}

Result<std::string> FormatState(const State& state, std::string_view affinity, WallTime now) {
  try {
    // One decision a line: the file is for people too.
    std::string out = "{\n  \"" + std::string(kVersionKey) + "\": " + std::to_string(kVersion) +
                      ",\n  \"saved\": " + Json(FormatWallTime(now)).dump() +
                      ",\n  \"decisions\": [";
    std::string_view separator = "\n    ";
    for (const Decision& decision : state.decisions) {
      out.append(separator).append(DecisionJson(decision).dump());
      separator = ",\n    ";
    }
    out += state.decisions.empty() ? "]" : "\n  ]";
    out += RebalanceText(state);
    out += CertificatesText(state.certificates);
    if (!affinity.empty()) out.append(",\n  \"affinity\": ").append(affinity);
    for (const StateSection& other : state.others) {
      out += ",\n  " + Json(other.name).dump() + ": " + Json::parse(other.json).dump();
    }
    return out + "\n}\n";
  } catch (const Json::exception& e) {
    return Error{"it cannot be put into JSON: " + std::string(e.what())};
  }
}

Result<State> ParseState(std::string_view text) {
  if (text.empty()) return Error{"it is empty"};
  try {
    const Json json = ParseJson(text);
    State state = ReadState(json);
    // The newline is the last byte that is written: without it something was cut off.
    if (text.back() != '\n') return Error{"it does not end in a newline: it was cut short"};
    return state;
  } catch (const Json::exception& e) {
    return Error{"it is cut short or no JSON: " + std::string(e.what())};
  } catch (const Bad& bad) {
    return Error{bad.what};
  }
}

}  // namespace sstplb::backend
