// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/session_options.h"

#include "lb/cli/option_text.h"
#include "lb/cli/when.h"

namespace sstplb::cli {

Parameters SessionFilterTexts::ToParameters() const {
  Parameters out;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) out.emplace_back(name, value);
  };
  if (const auto name = ParseBackendName(backend)) {
    add("pool", name->pool);
    add("backend", name->name);
  }
  add("pool", pool);
  add("listener", listener);
  add("source", source);
  add("sni", sni);
  add("liveness", liveness);
  const auto seconds = [&](const char* name, const std::string& text) {
    if (const auto duration = ParseDuration(text)) add(name, std::to_string(Seconds(*duration)));
  };
  seconds("older_seconds", older);
  seconds("idle_seconds", idle);
  return out;
}

std::shared_ptr<SessionFilterTexts> AddSessionFilter(CLI::App& command) {
  auto filter = std::make_shared<SessionFilterTexts>();
  CLI::Option* backend = command.add_option("--backend", filter->backend, "On this backend")
                             ->check(BackendText())
                             ->type_name("POOL/NAME");
  command.add_option("--pool", filter->pool, "Of this pool")->excludes(backend)->type_name("POOL");
  command.add_option("--listener", filter->listener, "Of this listener")->type_name("NAME");
  command.add_option("--source", filter->source, "From this address or block")->type_name("CIDR");
  command.add_option("--sni", filter->sni, "With this server name")->type_name("NAME");
  command.add_option("--older", filter->older, "At least this old")
      ->check(Check(SpanProblem))
      ->type_name("DURATION");
  command.add_option("--idle", filter->idle, "Without a byte for at least this")
      ->check(Check(SpanProblem))
      ->type_name("DURATION");
  command.add_option("--liveness", filter->liveness, "In this state (docs/sensing.md)")
      ->check(CLI::IsMember({"handshaking", "established", "quiet", "one_way", "dead"}))
      ->type_name("STATE");
  return filter;
}

}  // namespace sstplb::cli
