// SPDX-License-Identifier: Apache-2.0
#include "lb/config/read.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "lb/config/fields.h"
#include "lb/config/reading.h"

namespace sstplb::config {
namespace {

constexpr std::size_t kLargestFile = std::size_t{4} << 20;

// [global] and [admin].
template <class Owner, class Keys>
void ReadSection(Fields& root, std::string_view name, Owner& out, Keys keys) {
  const Node::Member* table = root.TakeTable(name);
  if (table == nullptr) return;
  Fields fields(root.complaints(), table->value, std::string(name), table->at);
  ReadKeys<Owner> visitor(fields, out);
  keys(visitor);
  fields.Finish();
}

// [listener.NAME] and [pool.NAME].
using ReadOne = void (*)(Reading&, const std::string&, const Node::Member&);
void ReadNamed(Reading& reading, Fields& root, std::string_view kind, ReadOne read) {
  const Complain complain = root.About(kind);
  const Node::Member* section = root.TakeTable(kind);
  const std::string header = "[" + std::string(kind) + ".NAME]";
  if (root.Take(kind) == nullptr || (section != nullptr && section->value.members.empty())) {
    complain({}, "there must be at least one: add a " + header + " table");
  }
  if (section == nullptr) return;
  for (const Node::Member& one : section->value.members) {
    const std::string path = root.PathOf(kind) + "." + KeyText(one.key);
    const Complain about{reading.complaints, path};
    if (const auto problem = NameProblem(one.key)) about(one.at, *problem);
    if (!one.value.is(Node::Kind::kTable)) {
      about(one.at,
            "expected a table " + header + ", got " + std::string(Describe(one.value.kind)));
      continue;
    }
    read(reading, path, one);
  }
}

void ResolveReferences(Reading& reading) {
  std::string known;
  for (const std::string& name : reading.pool_names) known += (known.empty() ? "" : ", ") + name;
  for (const PoolReference& reference : reading.references) {
    const auto& names = reading.pool_names;
    if (std::find(names.begin(), names.end(), reference.pool) != names.end()) continue;
    reading.complaints.Add(reference.at, reference.key,
                           "there is no pool " + Quote(reference.pool) +
                               (known.empty() ? "" : " (there is: " + known + ")"));
  }
}

Diagnostics Alone(const std::string& file, std::string message) {
  return {Diagnostic{file, 0, 0, "", std::move(message)}};
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

Result<Config, Diagnostics> ReadText(std::string_view text, const std::string& file_name,
                                     Config* partial) {
  const auto document = ParseDocument(text, file_name);
  if (!document) return Diagnostics{document.error()};
  Reading reading(file_name);
  Fields root(reading.complaints, document.value(), "", {});
  ReadSection(root, "global", reading.config.global, [](auto& v) { GlobalKeys(v); });
  ReadSection(root, "admin", reading.config.admin, [](auto& v) { AdminKeys(v); });
  ReadNamed(reading, root, "listener", ReadListener);
  ReadNamed(reading, root, "pool", ReadPool);
  root.Finish("the sections are global, admin, listener.NAME and pool.NAME");
  ResolveReferences(reading);
  if (!reading.complaints.empty()) {
    if (partial != nullptr) *partial = std::move(reading.config);
    return reading.complaints.Sorted();
  }
  return std::move(reading.config);
}

Result<Config, Diagnostics> ReadFile(const std::string& path, Config* partial) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  if (!file) return Alone(path, std::string("cannot be opened: ") + std::strerror(errno));
  std::string text(kLargestFile + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return Alone(path, std::string("cannot be read: ") + std::strerror(errno));
  }
  if (text.size() > kLargestFile) return Alone(path, "is larger than 4 MiB");
  return ReadText(text, path, partial);
}

}  // namespace sstplb::config
