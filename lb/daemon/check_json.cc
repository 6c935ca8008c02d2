// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/check_json.h"

#include <nlohmann/json.hpp>

#include "lb/daemon/probe_json.h"

namespace sstplb::daemon {
namespace {

using Json = nlohmann::ordered_json;

Json FindingsJson(const config::Findings& findings) {
  Json list = Json::array();
  for (const config::Finding& finding : findings) {
    list.push_back({{"severity", config::ToWord(finding.severity)},
                    {"name", finding.name},
                    {"key", finding.key},
                    {"reason", finding.reason},
                    {"remedy", finding.remedy}});
  }
  return list;
}

Json ErrorsJson(const config::Diagnostics& errors) {
  Json list = Json::array();
  for (const config::Diagnostic& error : errors) {
    list.push_back({{"file", error.file},
                    {"line", error.line},
                    {"column", error.column},
                    {"key", error.key},
                    {"message", error.message}});
  }
  return list;
}

Json BackendJson(const FarmAnswer& answer, WallTime now) {
  Json json = {{"pool", answer.pool},
               {"backend", answer.backend},
               {"target", answer.target.ToString()},
               {"lookup_error", answer.lookup_error}};
  json["report"] = answer.report ? ReportJson(answer.request.value_or(probes::ProbeRequest{}),
                                              *answer.report, now)
                                 : Json();
  return json;
}

}  // namespace

std::string CheckJson(const CheckResult& result, WallTime now) {
  Json json;
  json["valid"] = result.valid;
  json["findings"] = FindingsJson(result.findings);
  json["ignored"] = FindingsJson(result.ignored);
  json["errors"] = ErrorsJson(result.errors);
  json["backends"] = Json::array();
  for (const FarmAnswer& answer : result.answers) {
    json["backends"].push_back(BackendJson(answer, now));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sstplb::daemon
