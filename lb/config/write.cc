// SPDX-License-Identifier: Apache-2.0
#include "lb/config/write.h"

#include <vector>

#include "lb/config/names.h"
#include "lb/config/schema.h"
#include "lb/config/values.h"

namespace sstplb::config {
namespace {

std::string Join(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : std::string(between)) + part;
  return out;
}

// The visitor of the schema that writes: one `key = value` each.
template <class Owner>
class KeyLines {
 public:
  KeyLines(const Owner& value, const Owner& defaults, WriteKeys keys)
      : value_(value), defaults_(defaults), all_(keys == WriteKeys::kAll) {}

  template <class T, class Rule>
  void Key(std::string_view key, T Owner::*member, const Rule& rule) {
    if (all_ || !(value_.*member == defaults_.*member)) Required(key, member, rule);
  }
  template <class T, class Rule>
  void Required(std::string_view key, T Owner::*member, const Rule& rule) {
    Add(key, Print(rule, value_.*member));
  }
  template <class T, class Keys>
  void Table(std::string_view key, T Owner::*member, Keys keys) {
    KeyLines<T> inner(value_.*member, defaults_.*member,
                      all_ ? WriteKeys::kAll : WriteKeys::kChanged);
    keys(inner);
    if (!inner.lines().empty()) Add(key, "{ " + Join(inner.lines(), ", ") + " }");
  }
  void Source(std::string_view key) {
    if (value_.transparent) {
      Add(key, Quote("transparent"));
    } else if (!value_.source.empty()) {
      Add(key, Print(ListRule<IpRule>{}, value_.source));
    } else if (all_) {
      Add(key, Quote(""));
    }
  }

  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void Add(std::string_view key, const std::string& value) {
    lines_.push_back(std::string(key) + " = " + value);
  }

  const Owner& value_;
  const Owner& defaults_;
  bool all_;
  std::vector<std::string> lines_;
};

class Writer {
 public:
  explicit Writer(WriteKeys keys) : keys_(keys) {}

  // A table that is left out when it has no line, unless it must be there.
  template <class Owner, class Keys>
  void Table(const std::string& header, const Owner& value, const Owner& defaults, bool must,
             Keys keys) {
    KeyLines<Owner> lines(value, defaults, keys_);
    keys(lines);
    if (lines.lines().empty() && !must) return;
    out_ += (out_.empty() ? "" : "\n") + header + "\n";
    for (const std::string& line : lines.lines()) out_ += line + "\n";
  }

  void Write(const Listener& listener) {
    const std::string path = "listener." + KeyText(listener.name);
    Table("[" + path + "]", listener, Listener{}, true, [](auto& v) { ListenerKeys(v); });
    for (const Route& route : listener.routes) {
      Table("[[" + path + ".route]]", route, Route{}, true, [](auto& v) { RouteKeys(v); });
    }
  }

  void Write(const Pool& pool) {
    const std::string path = "pool." + KeyText(pool.name);
    Table("[" + path + "]", pool, Pool{}, true, [](auto& v) { PoolKeys(v); });
    Probe defaults;
    defaults.fast_interval = DefaultFastInterval(pool.probe.interval);
    Table("[" + path + ".probe]", pool.probe, defaults, false, [](auto& v) { ProbeKeys(v); });
    for (const Backend& backend : pool.backends) {
      Table("[[" + path + ".backend]]", backend, Backend{}, true, [](auto& v) { BackendKeys(v); });
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  WriteKeys keys_;
  std::string out_;
};

}  // namespace

std::string WriteToml(const Config& config, WriteKeys keys) {
  Writer writer(keys);
  writer.Table("[global]", config.global, Global{}, false, [](auto& v) { GlobalKeys(v); });
  writer.Table("[admin]", config.admin, Admin{}, false, [](auto& v) { AdminKeys(v); });
  for (const Listener& listener : config.listeners) writer.Write(listener);
  for (const Pool& pool : config.pools) writer.Write(pool);
  return writer.Take();
}

}  // namespace sstplb::config
