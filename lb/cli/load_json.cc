// The report of a load as JSON (load_text.h).
//
// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "lb/cli/load_text.h"

namespace sstplb::cli {
namespace {

using Json = nlohmann::ordered_json;
using load::Report;

Json Percentiles(const load::Histogram& took) {
  const auto of = [&took](Duration value) {
    return took.count() > 0 ? Json(Seconds(value)) : Json();
  };
  return {{"count", took.count()},
          {"min_seconds", of(took.min())},
          {"p50_seconds", of(took.Percentile(0.5))},
          {"p90_seconds", of(took.Percentile(0.9))},
          {"p99_seconds", of(took.Percentile(0.99))},
          {"max_seconds", of(took.max())}};
}

Json ReasonJson(const load::Reason& reason) {
  return {{"reason", reason.Word()}, {"detail", reason.detail}};
}

Json OptionsJson(const load::Options& options) {
  const auto per_second = [](Duration every) {
    return every.count() > 0 ? Json(1 / Seconds(every)) : Json();
  };
  Json json;
  json["target"] = options.target;
  json["address"] = options.server.ToString();
  json["tunnels"] = options.tunnels;
  json["rate_per_second"] = per_second(options.start_every);
  json["hold_seconds"] = Seconds(options.hold);
  json["depth"] = ToString(options.depth);
  json["payload_bytes_per_second"] = options.payload;
  json["churn_per_second"] = per_second(options.churn_every);
  json["retry_seconds"] = options.retry.count() > 0 ? Json(Seconds(options.retry)) : Json(nullptr);
  json["sni"] = options.sni;
  json["sources"] = Json::array();
  for (const IpAddress& source : options.sources) json["sources"].push_back(source.ToString());
  json["timeout_seconds"] = Seconds(options.timeout);
  json["workers"] = options.workers;
  return json;
}

Json StepsJson(const Report& report) {
  Json all = Json::array();
  for (std::size_t i = 0; i < load::StepsOf(report.options.depth); ++i) {
    const load::StepFigures& figures = report.figures.steps[i];
    Json step = {{"step", ToString(static_cast<load::Step>(i))}};
    step.update(Percentiles(figures.took));
    step["failed"] = figures.failed;
    step["failures"] = Json::array();
    for (const auto& [reason, count] : figures.reasons.all()) {
      Json failure = ReasonJson(reason);
      failure["count"] = count;
      step["failures"].push_back(std::move(failure));
    }
    all.push_back(std::move(step));
  }
  return all;
}

Json LossesJson(const Report& report) {
  Json all = Json::array();
  for (const auto& [reason, ages] : report.figures.losses.all()) {
    Json loss = ReasonJson(reason);
    loss["age"] = Percentiles(ages);
    all.push_back(std::move(loss));
  }
  return all;
}

Json PayloadJson(const Report& report) {
  const double seconds = Seconds(report.hold);
  const auto rate = [seconds](std::uint64_t bytes) {
    return seconds > 0 ? Json(static_cast<double>(bytes) / seconds) : Json();
  };
  const load::Figures& figures = report.figures;
  return {{"sent_bytes", figures.held_bytes_sent},
          {"received_bytes", figures.held_bytes_received},
          {"sent_bytes_per_second", rate(figures.held_bytes_sent)},
          {"received_bytes_per_second", rate(figures.held_bytes_received)},
          {"packets_skipped", figures.counts.packets_skipped}};
}

}  // namespace

std::string LoadJson(const Report& report) {
  const load::Figures& figures = report.figures;
  const load::Counts& counts = figures.counts;
  Json json;
  json["good"] = report.Good();
  json["interrupted"] = report.interrupted;
  json["complete"] = report.complete;
  json["options"] = OptionsJson(report.options);
  json["ramp_seconds"] = Seconds(report.ramp);
  json["held_seconds"] = Seconds(report.hold);
  json["closing_seconds"] = Seconds(report.closing);
  json["started"] = counts.started;
  json["came_up"] = counts.came_up;
  json["failed"] = counts.failed;
  json["lost"] = counts.lost;
  json["closed"] = counts.closed;
  json["left_open"] = counts.left_open;
  json["given_up"] = counts.given_up;
  json["steps"] = StepsJson(report);
  json["setup"] = Percentiles(figures.setup);
  json["losses"] = LossesJson(report);
  json["payload"] = PayloadJson(report);
  json["pings"] = Percentiles(figures.pings);
  json["pings"]["sent"] = figures.pings_sent;
  json["certificates"] = Json::array();
  for (const auto& [hash, tunnels] : figures.certificates.all()) {
    json["certificates"].push_back({{"sha256", load::Fingerprint(hash)}, {"tunnels", tunnels}});
  }
  // What servers said need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sstplb::cli
