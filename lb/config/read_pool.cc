// The sections [pool.NAME], their probes and backends, as a part of read.cc.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "lb/config/fields.h"
#include "lb/config/reading.h"

namespace sstplb::config {
namespace {

void CheckIntervals(Fields& fields, Probe& probe) {
  const Node* fast = fields.Take("fast_interval");
  if (fast == nullptr) {
    probe.fast_interval = DefaultFastInterval(probe.interval);
  } else if (probe.fast_interval > probe.interval) {
    fields.About("fast_interval")(
        fast->at, "is longer than interval (" + ExactDuration(probe.interval) + ")");
  }
}

void CheckCommand(Fields& fields, const Probe& probe) {
  const Node* command = fields.Take("command");
  const bool empty = command == nullptr || command->items.empty();
  if (probe.kind == ProbeKind::kExec && empty) {
    fields.About("command")(command == nullptr ? fields.at() : command->at,
                            "kind \"exec\" needs the program to run");
  }
}

void ReadProbe(Reading& reading, Fields& pool_fields, Probe& probe) {
  const Node::Member* table = pool_fields.TakeTable("probe");
  if (table == nullptr) return;
  Fields fields(reading.complaints, table->value, pool_fields.PathOf("probe"), table->at);
  ReadKeys<Probe> visitor(fields, probe);
  ProbeKeys(visitor);
  CheckIntervals(fields, probe);
  CheckCommand(fields, probe);
  fields.Finish();
}

void ReadBackends(Reading& reading, Fields& pool_fields, Pool& pool) {
  const Node* tables = pool_fields.TakeTables("backend");
  if (tables == nullptr) return;
  std::map<std::string, Position> names;
  for (const Node& table : tables->items) {
    Fields fields(reading.complaints, table, pool_fields.PathOf("backend"), table.at);
    Backend backend;
    ReadKeys<Backend> visitor(fields, backend);
    BackendKeys(visitor);
    const Node* name = fields.Take("name");
    if (name != nullptr && !backend.name.empty()) {
      const auto [known, is_new] = names.emplace(backend.name, name->at);
      if (!is_new) {
        fields.About("name")(name->at, "the pool already has a backend " + Quote(backend.name) +
                                           " at line " + std::to_string(known->second.line));
      }
    }
    fields.Finish();
    pool.backends.push_back(std::move(backend));
  }
}

}  // namespace

void ReadPool(Reading& reading, const std::string& path, const Node::Member& table) {
  Fields fields(reading.complaints, table.value, path, table.at);
  reading.pool_names.push_back(table.key);
  Pool pool;
  pool.name = table.key;
  ReadKeys<Pool> visitor(fields, pool);
  PoolKeys(visitor);
  ReadProbe(reading, fields, pool.probe);
  ReadBackends(reading, fields, pool);
  fields.Finish();
  reading.config.pools.push_back(std::move(pool));
}

}  // namespace sstplb::config
