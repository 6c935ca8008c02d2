// Reading: what the readers of the sections share while one file is read.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lb/config/config.h"
#include "lb/config/document.h"

namespace sstplb::config {

struct PoolReference {
  std::string pool;
  std::string key;  // of the key that names it
  Position at;
};

struct Reading {
  explicit Reading(std::string file) : complaints(std::move(file)) {}

  Complaints complaints;
  Config config;
  // The names of all pools, those with errors too, so that one error does not become two.
  std::vector<std::string> pool_names;
  std::vector<PoolReference> references;
  std::map<SocketAddress, std::string> bound;  // and by which listener
};

// One [listener.NAME] or [pool.NAME] table: `path` is "listener.NAME", `at` its place.
void ReadListener(Reading& reading, const std::string& path, const Node::Member& table);
void ReadPool(Reading& reading, const std::string& path, const Node::Member& table);

}  // namespace sstplb::config
