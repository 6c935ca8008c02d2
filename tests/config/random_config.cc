// SPDX-License-Identifier: Apache-2.0
#include "tests/config/random_config.h"

#include <algorithm>
#include <random>
#include <string>

#include "lb/config/schema.h"
#include "lb/config/words.h"

namespace sstplb::config {
namespace {

// A visitor of the schema that gives every second key a random value its rule allows.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : random_(seed) {}

  std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }
  std::uint64_t Between(std::uint64_t min, std::uint64_t max) { return min + Below(max - min + 1); }
  bool Coin() { return Below(2) == 0; }

  std::string Name() {
    constexpr std::string_view kFirst = "abcXYZ019";
    constexpr std::string_view kRest = "abcXYZ019._-";
    std::string name(1, kFirst[Below(kFirst.size())]);
    for (std::uint64_t left = Below(12); left > 0; --left) name += kRest[Below(kRest.size())];
    return name;
  }
  std::string Text() {
    constexpr std::string_view kLetters = "az09 \"\\'#=[]{}.,-_%$";
    std::string text;
    for (std::uint64_t left = Between(1, 12); left > 0; --left) {
      text += Coin() ? std::string(1, kLetters[Below(kLetters.size())]) : "\xc3\xbc";
    }
    return text;
  }
  std::string ServerName() {
    return "h" + std::to_string(Below(1000)) + ".example-" + std::to_string(Below(9)) + ".org";
  }
  IpAddress Ip() {
    if (Coin()) return IpAddress::V4({10, 1, Byte(), Byte()});
    return IpAddress::V6({0x20, 1, 0xd, 0xb8, Byte(), Byte(), 0, 0, 0, 0, 0, 0, 0, 0, 0, Byte()});
  }

  bool Value(const FlagRule&) { return Coin(); }
  std::uint32_t Value(const CountRule& rule) {
    return static_cast<std::uint32_t>(rule.or_zero && Coin() ? 0 : Between(rule.min, rule.max));
  }
  double Value(const RealRule& rule) {
    if (rule.or_zero && Coin()) return 0;
    return std::uniform_real_distribution<double>(rule.min, rule.max)(random_);
  }
  Duration Value(const SpanRule& rule) {
    if (rule.or_zero && Coin()) return {};
    const auto ms = [](Duration d) {
      return static_cast<std::uint64_t>(d / std::chrono::milliseconds(1));
    };
    return std::chrono::milliseconds(Between(ms(rule.min), ms(rule.max)));
  }
  std::uint64_t Value(const SizeRule& rule) {
    return rule.or_zero && Coin() ? 0 : Between(rule.min, rule.max);
  }
  std::uint32_t Value(const OctalRule&) { return static_cast<std::uint32_t>(Below(01000)); }
  DayWindow Value(const WindowRule&) {
    const auto from = static_cast<int>(Below(24 * 60));
    return {from, (from + static_cast<int>(Between(1, 24 * 60 - 1))) % (24 * 60)};
  }
  Rate Value(const RateRule& rule) {
    const double count = static_cast<double>(Between(1, static_cast<std::uint64_t>(rule.most)));
    const double seconds[] = {1, 60, 3600};
    return {count / seconds[Below(3)], static_cast<double>(Between(1, 1000000)) / 8 + 1};
  }
  SocketAddress Value(const AddressRule&) { return {Ip(), Port()}; }
  HostPort Value(const HostPortRule&) {
    return {Coin() ? Ip().ToString() : ServerName(), static_cast<std::uint16_t>(Port() | 1)};
  }
  IpAddress Value(const IpRule&) { return Ip(); }
  Cidr Value(const BlockRule&) {
    const IpAddress ip = Ip();
    const std::uint64_t bits = Below(ip.is_v4() ? 33 : 129);
    return *Cidr::Parse(ip.ToString() + "/" + std::to_string(bits));
  }
  std::string Value(const TextRule& rule) {
    if (rule.or_empty && Coin()) return {};
    for (int tries = 0; tries < 100; ++tries) {
      std::string text = Coin() ? "/" + Text() : ServerName();
      if (rule.problem == nullptr || !rule.problem(text)) return text;
    }
    std::string finding = "single_backend";
    if (rule.problem != nullptr && !rule.problem(finding)) return finding;
    return "stderr";
  }

 private:
  std::uint8_t Byte() { return static_cast<std::uint8_t>(Below(256)); }
  std::uint16_t Port() { return static_cast<std::uint16_t>(Below(65536)); }

  std::mt19937_64 random_;
};

template <class Owner>
class RandomKeys {
 public:
  RandomKeys(Dice& dice, Owner& out) : dice_(dice), out_(out) {}

  template <class T, class Rule>
  void Key(std::string_view, T Owner::*member, const Rule& rule) {
    if (dice_.Coin()) Set(rule, out_.*member);
  }
  template <class T, class Rule>
  void Required(std::string_view, T Owner::*member, const Rule& rule) {
    Set(rule, out_.*member);
  }
  template <class T, class Keys>
  void Table(std::string_view, T Owner::*member, Keys keys) {
    RandomKeys<T> inner(dice_, out_.*member);
    keys(inner);
  }
  void Source(std::string_view) {
    out_.transparent = dice_.Coin();
    if (!out_.transparent) Set(ListRule<IpRule>{}, out_.source);
  }

 private:
  template <class Rule, class T>
  void Set(const Rule& rule, T& out) {
    out = dice_.Value(rule);
  }
  template <class E>
  void Set(const WordRule&, E& out) {
    out = Words<E>()[dice_.Below(Words<E>().size())].value;
  }
  template <class Item, class T>
  void Set(const ListRule<Item>& rule, std::vector<T>& out) {
    out.clear();
    for (std::uint64_t left = dice_.Between(rule.not_empty ? 1 : 0, 4); left > 0; --left) {
      T item{};
      Set(rule.item, item);
      if (std::find(out.begin(), out.end(), item) == out.end()) out.push_back(item);
    }
  }
  template <class Value, class T>
  void Set(const OptionalRule<Value>& rule, std::optional<T>& out) {
    out.reset();
    if (dice_.Coin()) Set(rule.value, out.emplace());
  }

  Dice& dice_;
  Owner& out_;
};

template <class Owner, class Keys>
void Fill(Dice& dice, Owner& out, Keys keys) {
  RandomKeys<Owner> visitor(dice, out);
  keys(visitor);
}

// What the reader asks of keys together.
void Reconcile(Dice& dice, Probe& probe) {
  if (probe.fast_interval > probe.interval) {
    probe.fast_interval = DefaultFastInterval(probe.interval);
  }
  if (probe.kind == ProbeKind::kExec && probe.command.empty()) probe.command = {dice.Text()};
}

}  // namespace

Config RandomConfig(std::uint32_t seed) {
  Dice dice(seed);
  Config config;
  Fill(dice, config.global, [](auto& v) { GlobalKeys(v); });
  Fill(dice, config.admin, [](auto& v) { AdminKeys(v); });
  for (std::uint64_t i = 0, count = dice.Between(1, 4); i < count; ++i) {
    Pool& pool = config.pools.emplace_back();
    pool.name = "p" + std::to_string(i) + dice.Name();
    Fill(dice, pool, [](auto& v) { PoolKeys(v); });
    Fill(dice, pool.probe, [](auto& v) { ProbeKeys(v); });
    Reconcile(dice, pool.probe);
    for (std::uint64_t j = 0, backends = dice.Below(5); j < backends; ++j) {
      Backend& backend = pool.backends.emplace_back();
      Fill(dice, backend, [](auto& v) { BackendKeys(v); });
      backend.name = "b" + std::to_string(j) + dice.Name();
    }
  }
  const auto pool = [&] { return config.pools[dice.Below(config.pools.size())].name; };
  for (std::uint64_t i = 0, count = dice.Between(1, 3); i < count; ++i) {
    Listener& listener = config.listeners.emplace_back();
    listener.name = "l" + std::to_string(i) + dice.Name();
    Fill(dice, listener, [](auto& v) { ListenerKeys(v); });
    listener.pool = pool();
    listener.bind = {{dice.Ip(), static_cast<std::uint16_t>(1000 + i)}};
    for (std::uint64_t j = 0, routes = dice.Below(4); j < routes; ++j) {
      Route& route = listener.routes.emplace_back();
      Fill(dice, route, [](auto& v) { RouteKeys(v); });
      route.sni = {"r" + std::to_string(j) + "." + dice.ServerName()};
      route.pool = pool();
    }
  }
  return config;
}

}  // namespace sstplb::config
