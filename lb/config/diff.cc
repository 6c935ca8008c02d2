// SPDX-License-Identifier: Apache-2.0
#include "lb/config/diff.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "lb/config/names.h"
#include "lb/config/schema.h"
#include "lb/config/values.h"

namespace sstplb::config {
namespace {

struct Fixed {
  std::string_view prefix;  // a section ends in a dot
  std::string_view why;
};

// What is set up once, when the process starts. InPlace() has the same.
constexpr std::array<Fixed, 4> kFixed = {{
    {"global.workers", "worker threads are started once"},
    {"global.user", "privileges are dropped once"},
    {"global.log.target", "the log is opened once"},
    {"admin.", "the admin listeners are opened once"},
}};

std::string_view WhyFixed(std::string_view key) {
  for (const Fixed& fixed : kFixed) {
    const bool section = fixed.prefix.back() == '.';
    if (section ? key.starts_with(fixed.prefix) : key == fixed.prefix) return fixed.why;
  }
  return "";
}

// For people: a word or an address needs no quotes, an empty text does.
std::string Plain(const std::string& printed) {
  const bool text = printed.size() > 2 && printed.front() == '"' &&
                    printed.find_first_of("\\ ,") == std::string::npos;
  return text ? printed.substr(1, printed.size() - 2) : printed;
}

class Changes {
 public:
  void Add(std::string key, std::string what) {
    std::string why(WhyFixed(key));
    list_.push_back({std::move(key), std::move(what), std::move(why)});
  }
  void AddValue(std::string key, const std::string& before, const std::string& after) {
    if (before != after) Add(std::move(key), Plain(before) + " -> " + Plain(after));
  }
  std::vector<Change> Take() { return std::move(list_); }

 private:
  std::vector<Change> list_;
};

// The visitor of the schema that compares.
template <class Owner>
class CompareKeys {
 public:
  CompareKeys(Changes& out, std::string path, const Owner& before, const Owner& after)
      : out_(out), path_(std::move(path)), before_(before), after_(after) {}

  template <class T, class Rule>
  void Key(std::string_view key, T Owner::*member, const Rule& rule) {
    out_.AddValue(PathOf(key), Print(rule, before_.*member), Print(rule, after_.*member));
  }
  template <class T, class Rule>
  void Required(std::string_view key, T Owner::*member, const Rule& rule) {
    Key(key, member, rule);
  }
  template <class T, class Keys>
  void Table(std::string_view key, T Owner::*member, Keys keys) {
    CompareKeys<T> inner(out_, PathOf(key), before_.*member, after_.*member);
    keys(inner);
  }
  void Source(std::string_view key) {
    out_.AddValue(PathOf(key), PrintSource(before_), PrintSource(after_));
  }

 private:
  std::string PathOf(std::string_view key) const { return path_ + "." + std::string(key); }
  static std::string PrintSource(const Owner& owner) {
    if (owner.transparent) return "transparent";
    return owner.source.empty() ? Quote("") : Print(ListRule<IpRule>{}, owner.source);
  }

  Changes& out_;
  std::string path_;
  const Owner& before_;
  const Owner& after_;
};

template <class Owner, class Keys>
void Compare(Changes& out, const std::string& path, const Owner& before, const Owner& after,
             Keys keys) {
  CompareKeys<Owner> visitor(out, path, before, after);
  keys(visitor);
}

// What a section is called in its list, and what is said about it when it comes or goes.
std::string Label(const Listener& listener) { return KeyText(listener.name); }
std::string Label(const Pool& pool) { return KeyText(pool.name); }
std::string Label(const Backend& backend) { return KeyText(backend.name); }
std::string Label(const Route& route) {
  std::string label;
  for (const std::string& name : route.sni) label += (label.empty() ? "" : " ") + name;
  for (const std::string& name : route.alpn) label += (label.empty() ? "alpn " : " alpn ") + name;
  return "(" + label + ")";
}

std::string About(const Listener& listener) {
  return " (" + Print(ListRule<AddressRule>{}, listener.bind) + ")";
}
std::string About(const Pool& pool) {
  return " (" + std::to_string(pool.backends.size()) + " backends)";
}
std::string About(const Backend& backend) { return " (" + backend.address.ToString() + ")"; }
std::string About(const Route& route) { return " (pool " + KeyText(route.pool) + ")"; }

// Lists whose items have labels: what went, what came, what stayed and is compared by `compare`,
// and whether what stayed is in another order.
template <class Item, class CompareItem>
void CompareLists(Changes& out, const std::string& path, const std::vector<Item>& before,
                  const std::vector<Item>& after, CompareItem compare) {
  const auto find = [](const std::vector<Item>& items, const std::string& label) {
    return std::find_if(items.begin(), items.end(),
                        [&](const Item& item) { return Label(item) == label; });
  };
  std::vector<std::string> stayed;
  for (const Item& item : before) {
    if (find(after, Label(item)) != after.end()) {
      stayed.push_back(Label(item));
    } else {
      out.Add(path + "." + Label(item), "removed" + About(item));
    }
  }
  std::size_t next = 0;
  bool moved = false;
  for (const Item& item : after) {
    const auto old = find(before, Label(item));
    if (old == before.end()) {
      out.Add(path + "." + Label(item), "added" + About(item));
      continue;
    }
    moved = moved || next >= stayed.size() || stayed[next] != Label(item);
    ++next;
    compare(path + "." + Label(item), *old, item);
  }
  if (moved) out.Add(path, "in another order");
}

void CompareListeners(Changes& out, const Config& before, const Config& after) {
  CompareLists(out, "listener", before.listeners, after.listeners,
               [&](const std::string& path, const Listener& a, const Listener& b) {
                 Compare(out, path, a, b, [](auto& v) { ListenerKeys(v); });
                 CompareLists(out, path + ".route", a.routes, b.routes,
                              [&](const std::string& inner, const Route& x, const Route& y) {
                                Compare(out, inner, x, y, [](auto& v) { RouteKeys(v); });
                              });
               });
}

void ComparePools(Changes& out, const Config& before, const Config& after) {
  CompareLists(out, "pool", before.pools, after.pools,
               [&](const std::string& path, const Pool& a, const Pool& b) {
                 Compare(out, path, a, b, [](auto& v) { PoolKeys(v); });
                 Compare(out, path + ".probe", a.probe, b.probe, [](auto& v) { ProbeKeys(v); });
                 CompareLists(out, path + ".backend", a.backends, b.backends,
                              [&](const std::string& inner, const Backend& x, const Backend& y) {
                                Compare(out, inner, x, y, [](auto& v) { BackendKeys(v); });
                              });
               });
}

}  // namespace

Config InPlace(const Config& now, const Config& wanted) {
  Config next = wanted;
  next.global.workers = now.global.workers;
  next.global.user = now.global.user;
  next.global.log.target = now.global.log.target;
  next.admin = now.admin;
  return next;
}

std::vector<Change> Diff(const Config& before, const Config& after) {
  Changes out;
  Compare(out, "global", before.global, after.global, [](auto& v) { GlobalKeys(v); });
  Compare(out, "admin", before.admin, after.admin, [](auto& v) { AdminKeys(v); });
  CompareListeners(out, before, after);
  ComparePools(out, before, after);
  return out.Take();
}

}  // namespace sstplb::config
