// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/state_text.h"

#include <cstdio>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "lb/config/words.h"

namespace sstplb::backend {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kVersionKey = "sstplb_state";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kLongestName = 255;

Json BackendJson(const config::Backend& backend) {
  return {{"address", backend.address.ToString()},
          {"weight", backend.weight},
          {"max_sessions", backend.max_sessions},
          {"admin", config::ToWord(backend.admin)}};
}

Json DecisionJson(const Decision& decision) {
  Json out = {{"pool", decision.pool}, {"backend", decision.backend}};
  if (decision.added) out["added"] = BackendJson(*decision.added);
  if (decision.removed) out["removed"] = true;
  if (decision.admin) out["admin"] = config::ToWord(*decision.admin);
  if (decision.weight) out["weight"] = *decision.weight;
  if (decision.max_sessions) out["max_sessions"] = *decision.max_sessions;
  if (decision.drain_deadline) out["drain_deadline"] = FormatWallTime(*decision.drain_deadline);
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
  std::tm parts{};
  int milliseconds = 0;
  const int fields =
      std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &milliseconds);
  // What 64 bits of nanoseconds hold ends in 2262.
  if (fields == 7 && parts.tm_year >= 1970 && parts.tm_year < 2262) {
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    const WallTime time =
        WallClock::from_time_t(::timegm(&parts)) + std::chrono::milliseconds(milliseconds);
    // Only the one spelling of a time is one: this also finds the 31st of February.
    if (FormatWallTime(time) == text) return time;
  }
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

Decision ReadDecision(const Json& json, const std::string& where) {
  Members members(json, where);
  Decision out;
  out.pool = members.Name("pool");
  out.backend = members.Name("backend");
  if (const Json* added = members.Find("added"))
    out.added = ReadBackend(*added, out.backend, where);
  if (const Json* removed = members.Find("removed")) {
    if (*removed != true) members.Wrong("removed", "true");
    out.removed = true;
  }
  if (members.Find("admin")) out.admin = members.Admin("admin");
  if (members.Find("weight")) out.weight = members.Count("weight");
  if (members.Find("max_sessions")) out.max_sessions = members.Count("max_sessions");
  if (members.Find("drain_deadline")) out.drain_deadline = members.Time("drain_deadline");
  members.NothingElse();
  return out;
}

std::vector<Decision> ReadDecisions(const Json& json) {
  if (!json.is_array()) throw Bad{"\"decisions\" is no array"};
  std::vector<Decision> out;
  std::set<std::pair<std::string, std::string>> seen;
  for (const Json& item : json) {
    const std::string where = "decisions[" + std::to_string(out.size()) + "]";
    out.push_back(ReadDecision(item, where));
    if (!seen.emplace(out.back().pool, out.back().backend).second) {
      throw Bad{where + " decides about " + out.back().pool + "/" + out.back().backend +
                " a second time"};
    }
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
  (void)members.Time("saved");
  out.decisions = ReadDecisions(members.Need("decisions"));
  for (const auto& [key, value] : json.items()) {
    if (key != kVersionKey && key != "saved" && key != "decisions") {
      out.others.push_back({key, value.dump()});
    }
  }
  return out;
}

}  // namespace

Result<std::string> FormatState(const State& state, WallTime now) {
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
