// The paths of the keys that a document gives, names left out as in KnownKeys().
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "lb/config/document.h"

namespace sstplb::config {

// "listener.vpn.tcp.mss" is "listener.*.tcp.mss", and so on.
inline void CollectKeys(const Node& node, const std::string& path, std::vector<std::string>& out) {
  const bool named = path == "listener" || path == "pool";
  for (const Node::Member& member : node.members) {
    const std::string inner = path + (path.empty() ? "" : ".") + (named ? "*" : member.key);
    if (member.value.is(Node::Kind::kTable)) {
      CollectKeys(member.value, inner, out);
    } else if (member.key == "route" || member.key == "backend") {
      for (const Node& item : member.value.items) CollectKeys(item, inner, out);
    } else {
      out.push_back(inner);
    }
  }
}

inline std::vector<std::string> KeyPaths(const Node& document) {
  std::vector<std::string> keys;
  CollectKeys(document, "", keys);
  return keys;
}

}  // namespace sstplb::config
