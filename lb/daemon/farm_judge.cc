// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/farm_judge.h"

#include <map>
#include <utility>

#include "lb/config/lint_pool.h"
#include "lb/config/names.h"
#include "lb/config/words.h"
#include "lb/control/certificate_judge.h"
#include "probes/server_kind.h"

namespace sstplb::daemon {
namespace {

using control::CertificateFinding;

constexpr std::size_t kMostNames = 4;  // of a certificate, in a line

std::string KeyOf(const FarmAnswer& answer) {
  return "pool." + config::KeyText(answer.pool) + ".backend." + config::KeyText(answer.backend);
}

std::string Days(Duration left) {
  const auto days = std::chrono::duration_cast<std::chrono::hours>(left).count() / 24;
  if (left < Duration::zero()) return "expired " + std::to_string(-days) + " days ago";
  return std::to_string(days) + " days left";
}

std::string NamesText(const probes::CertificateFacts& facts) {
  std::string text;
  for (std::size_t i = 0; i < facts.names.size() && i < kMostNames; ++i) {
    text += (i == 0 ? "" : " ") + facts.names[i];
  }
  if (facts.names.size() > kMostNames || facts.names_cut) text += " and more";
  return text.empty() ? "none" : text;
}

class Judge {
 public:
  Judge(const config::Config& config, const FarmAnswer& answer, WallTime now, config::Findings& out)
      : config_(config), answer_(answer), now_(now), out_(out) {}

  void Run() {
    if (!answer_.lookup_error.empty()) {
      return Add(
          "backend_unfit",
          "its host name " + answer_.target.host + " has no address (" + answer_.lookup_error + ")",
          "Check the name and this host's resolver");
    }
    if (!answer_.report) {
      return Add("backend_not_asked", "the time was up before it had answered",
                 "Ask it alone with sstplb probe " + answer_.target.ToString() +
                     ", or give --within more time");
    }
    if (!answer_.report->good()) Unfit(*answer_.report);
    const config::Pool* pool = config_.FindPool(answer_.pool);
    if (pool == nullptr) return;
    ServerKind(*pool);
    ProxyHeader(*pool);
    Certificate(*pool);
  }

 private:
  void Add(const char* name, std::string reason, std::string remedy) {
    out_.push_back(
        {config::Severity::kWarning, name, KeyOf(answer_), std::move(reason), std::move(remedy)});
  }

  void Unfit(const probes::ProbeReport& report) {
    std::string reason = "its probe ends in " + std::string(probes::ToString(report.outcome)) +
                         " (" + std::string(probes::Info(report.outcome).sentence) + ")";
    if (!report.detail.empty()) reason += ", " + report.detail;
    std::string remedy = report.hint;
    if (remedy.ends_with('.')) remedy.pop_back();
    if (remedy.empty())
      remedy = "Look at every step with sstplb probe " + answer_.target.ToString();
    Add("backend_unfit", std::move(reason), std::move(remedy));
  }

  void ServerKind(const config::Pool& pool) {
    const std::string note = probes::ServerKindNote(pool.probe.server, answer_.report->server_kind);
    if (note.empty()) return;
    Add("server_kind_differs", "it is " + note, "Use probe.server = \"auto\", or what answers");
  }

  // What the file does not tell: a kind that was learned. Where the probe itself began with a
  // header, whoever answered has read it.
  void ProxyHeader(const config::Pool& pool) {
    using config::ProxyProtocol;
    const std::string& kind = answer_.report->server_kind;
    if (pool.proxy_protocol == ProxyProtocol::kNone || !answer_.request) return;
    if (answer_.request->proxy_protocol != ProxyProtocol::kNone) return;
    if (kind == config::ToWord(pool.probe.server)) return;
    auto finding = config::ProxyUnreadable(KeyOf(answer_), kind);
    if (!finding) return;
    finding->reason =
        "it answers as " + kind + ", and sessions begin with a PROXY header: " + finding->reason;
    out_.push_back(std::move(*finding));
  }

  void Certificate(const config::Pool& pool) {
    if (!answer_.report->tls || !answer_.report->tls->certificate) return;
    const control::ShownCertificate shown{*answer_.report->tls->certificate,
                                          answer_.report->tls->ocsp, answer_.report->tls->chain};
    for (const auto& [finding, evidence] :
         control::Judge(shown, control::WishOf(config_, pool), now_)) {
      switch (finding) {
        case CertificateFinding::kExpired:
          Add("certificate_expired", "its certificate expired at " + evidence, "Renew it");
          break;
        case CertificateFinding::kExpires:
          Add("certificate_expires", "its certificate expires " + evidence, "Renew it");
          break;
        case CertificateFinding::kNotYetValid:
          Add("certificate_not_yet_valid", "its certificate is valid only " + evidence,
              "Compare the clocks of this host and of the server");
          break;
        case CertificateFinding::kRevoked:
          Add("certificate_revoked", "its certificate is revoked " + evidence,
              "Install another one");
          break;
        case CertificateFinding::kNames:
          Add("certificate_names",
              "its certificate does not cover " + evidence +
                  ", which clients dial by the routes to this pool",
              "Renew it with these names, or correct the routes");
          break;
      }
    }
  }

  const config::Config& config_;
  const FarmAnswer& answer_;
  const WallTime now_;
  config::Findings& out_;
};

}  // namespace

std::string AnswerLine(const FarmAnswer& answer, WallTime now) {
  std::string line = KeyOf(answer) + " " + answer.target.ToString();
  if (answer.address && answer.address->ToString() != answer.target.ToString()) {
    line += " (" + answer.address->ToString() + ")";
  }
  if (!answer.lookup_error.empty()) return line + ": no address: " + answer.lookup_error;
  if (!answer.report) return line + ": no answer yet when the time was up";
  const probes::ProbeReport& report = *answer.report;
  line +=
      ": " + std::string(probes::ToString(report.outcome)) + " in " + FormatDuration(report.took);
  if (!report.server_kind.empty()) line += "; " + report.server_kind;
  if (!report.tls) return line;
  line += "; " + report.tls->version;
  if (!report.tls->certificate) return line;
  const probes::CertificateFacts& facts = *report.tls->certificate;
  return line + "; certificate of " +
         (facts.common_name.empty() ? facts.subject : facts.common_name) + ", " +
         Days(facts.not_after - now) + "; names " + NamesText(facts);
}

config::Findings JudgeFarm(const config::Config& config, const FarmAnswers& answers, WallTime now) {
  config::Findings out;
  std::map<std::string, std::map<std::string, std::string>> shown;  // by pool and backend
  for (const FarmAnswer& answer : answers) {
    Judge(config, answer, now, out).Run();
    if (!answer.report || !answer.report->tls || !answer.report->tls->certificate) continue;
    shown[answer.pool][answer.backend] = answer.report->tls->certificate->sha256;
  }
  for (const auto& [pool, certificates] : shown) {
    const std::string differences = control::Differences(certificates);
    if (differences.empty()) continue;
    out.push_back({config::Severity::kWarning, "certificates_differ",
                   "pool." + config::KeyText(pool),
                   "its backends show different certificates: " + differences,
                   "Install one certificate on all of them"});
  }
  return out;
}

}  // namespace sstplb::daemon
