// The sections [listener.NAME] and their routes, as a part of read.cc.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "lb/config/fields.h"
#include "lb/config/reading.h"

namespace sstplb::config {
namespace {

void Refer(Reading& reading, Fields& fields, const std::string& pool) {
  const Node* node = fields.Take("pool");
  if (node == nullptr || pool.empty()) return;
  reading.references.push_back({pool, fields.PathOf("pool"), node->at});
}

// The same address twice would split its connections between two listeners by chance.
void CheckBind(Reading& reading, Fields& fields, const std::string& listener) {
  const Node* node = fields.Take("bind");
  if (node == nullptr) return;
  for (const Node& item : node->items) {
    const auto address = SocketAddress::Parse(item.text);
    // The kernel gives port 0 a port of its own each time; a list refuses its own doubles.
    if (!address || address->port == 0) continue;
    const auto [known, is_new] = reading.bound.emplace(*address, listener);
    if (is_new || known->second == listener) continue;
    fields.About("bind")(item.at, Quote(address->ToString()) + " is already bound by listener " +
                                      KeyText(known->second));
  }
}

bool IsEmptyList(const Node* node) {
  return node == nullptr || (node->is(Node::Kind::kArray) && node->items.empty());
}

// Complains when one hello could match two routes by the same name.
class RouteNames {
 public:
  void Add(const Complain& complain, Position at, const Route& route) {
    if (route.sni.empty()) Add(complain, at, route, "");
    for (const std::string& name : route.sni) Add(complain, at, route, name);
  }

 private:
  void Add(const Complain& complain, Position at, const Route& route, const std::string& name) {
    const std::string what = name.empty() ? "any name" : Quote(name);
    if (route.alpn.empty()) AddOne(complain, at, name, "", what);
    for (const std::string& protocol : route.alpn) {
      AddOne(complain, at, name, protocol, what + " with ALPN " + Quote(protocol));
    }
  }

  void AddOne(const Complain& complain, Position at, const std::string& name,
              const std::string& protocol, const std::string& what) {
    const auto [known, is_new] = taken_.emplace(std::pair(name, protocol), at);
    if (is_new) return;
    complain(at, what + " is already routed at line " + std::to_string(known->second.line));
  }

  std::map<std::pair<std::string, std::string>, Position> taken_;
};

void ReadRoutes(Reading& reading, Fields& fields, Listener& listener) {
  const Node* tables = fields.TakeTables("route");
  if (tables == nullptr) return;
  RouteNames names;
  for (const Node& table : tables->items) {
    Fields inner(reading.complaints, table, fields.PathOf("route"), table.at);
    Route route;
    ReadKeys<Route> visitor(inner, route);
    RouteKeys(visitor);
    Refer(reading, inner, route.pool);
    if (IsEmptyList(inner.Take("sni")) && IsEmptyList(inner.Take("alpn"))) {
      inner.About("sni")(table.at, "a route needs sni or alpn; the pool for every other hello is " +
                                       fields.PathOf("pool"));
    }
    inner.Finish();
    if (!route.sni.empty() || !route.alpn.empty()) {
      names.Add(fields.About("route"), table.at, route);
    }
    listener.routes.push_back(std::move(route));
  }
}

}  // namespace

void ReadListener(Reading& reading, const std::string& path, const Node::Member& table) {
  Fields fields(reading.complaints, table.value, path, table.at);
  Listener listener;
  listener.name = table.key;
  ReadKeys<Listener> visitor(fields, listener);
  ListenerKeys(visitor);
  Refer(reading, fields, listener.pool);
  CheckBind(reading, fields, listener.name);
  ReadRoutes(reading, fields, listener);
  fields.Finish();
  reading.config.listeners.push_back(std::move(listener));
}

}  // namespace sstplb::config
