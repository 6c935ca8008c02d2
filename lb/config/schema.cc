// SPDX-License-Identifier: Apache-2.0
#include "lb/config/schema.h"

#include <algorithm>
#include <utility>

#include "lb/config/finding_list.h"

namespace sstplb::config {
namespace {

constexpr std::size_t kLongestPath = 4095;
constexpr std::size_t kLongestUser = 32;        // useradd's limit
constexpr std::size_t kLongestCongestion = 15;  // TCP_CA_NAME_MAX with its end
constexpr std::size_t kLongestAlpn = 255;       // RFC 7301, section 3.1

bool HasSpace(std::string_view text) { return text.find(' ') != std::string_view::npos; }

// Lists the keys of one table.
class Collector {
 public:
  Collector(std::vector<std::string>& out, std::string path) : out_(out), path_(std::move(path)) {}

  template <class Member, class Rule>
  void Key(std::string_view key, Member, const Rule&) {
    out_.push_back(path_ + "." + std::string(key));
  }
  template <class Member, class Rule>
  void Required(std::string_view key, Member member, const Rule& rule) {
    Key(key, member, rule);
  }
  template <class Member, class Keys>
  void Table(std::string_view key, Member, Keys keys) {
    Collector inner(out_, path_ + "." + std::string(key));
    keys(inner);
  }
  void Source(std::string_view key) { out_.push_back(path_ + "." + std::string(key)); }

 private:
  std::vector<std::string>& out_;
  std::string path_;
};

}  // namespace

std::optional<std::string> PathProblem(std::string& text) {
  if (text.size() > kLongestPath) return "is too long for a path";
  return std::nullopt;
}

std::optional<std::string> TargetProblem(std::string& text) {
  if (text == "stderr" || text == "journald") return std::nullopt;
  // Without this, a misspelt word would become a file in the working directory.
  if (text.find('/') == std::string::npos) {
    return "is not \"stderr\", \"journald\" or a path with a /";
  }
  return PathProblem(text);
}

std::optional<std::string> UserProblem(std::string& text) {
  if (text.size() > kLongestUser || HasSpace(text) || text.find_first_of(":/") != text.npos) {
    return "is not a user name";
  }
  return std::nullopt;
}

std::optional<std::string> CongestionProblem(std::string& text) {
  if (text.size() > kLongestCongestion || HasSpace(text)) {
    return "is not a congestion control algorithm, such as \"bbr\" or \"cubic\"";
  }
  return std::nullopt;
}

std::optional<std::string> RouteNameProblem(std::string& text) {
  text = ToLower(text);
  return ServerNameProblem(text, true);
}

std::optional<std::string> ExactNameProblem(std::string& text) {
  text = ToLower(text);
  return ServerNameProblem(text, false);
}

std::optional<std::string> AlpnProblem(std::string& text) {
  if (text.size() > kLongestAlpn) return "has more than 255 bytes";
  return std::nullopt;
}

std::optional<std::string> UrlPathProblem(std::string& text) {
  if (text.front() != '/') return "does not begin with /";
  if (HasSpace(text)) return "holds a space: write it as %20";
  return PathProblem(text);
}

std::optional<std::string> BackendNameProblem(std::string& text) {
  const auto problem = NameProblem(text);
  if (problem) return "is not a name: " + *problem;
  return std::nullopt;
}

std::optional<std::string> IgnoredFindingProblem(std::string& text) { return IgnoreProblem(text); }

std::vector<std::string> KnownKeys() {
  std::vector<std::string> keys;
  const auto collect = [&keys](const char* path) { return Collector(keys, path); };
  Collector global = collect("global");
  GlobalKeys(global);
  Collector admin = collect("admin");
  AdminKeys(admin);
  Collector listener = collect("listener.*");
  ListenerKeys(listener);
  Collector route = collect("listener.*.route");
  RouteKeys(route);
  Collector pool = collect("pool.*");
  PoolKeys(pool);
  Collector probe = collect("pool.*.probe");
  ProbeKeys(probe);
  Collector backend = collect("pool.*.backend");
  BackendKeys(backend);
  return keys;
}

}  // namespace sstplb::config
