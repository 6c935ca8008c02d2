// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/load_command.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <utility>

#include "lb/cli/load_screen.h"
#include "lb/cli/option_text.h"

namespace sstplb::cli {
namespace {

using load::Depth;

constexpr std::array<Depth, 4> kDepths = {Depth::kTls, Depth::kPost, Depth::kCall, Depth::kPpp};
constexpr double kMostPerSecond = 100000;
constexpr std::uint64_t kLeastPayload = 64;  // bytes a second
constexpr std::uint64_t kMostPayload = std::uint64_t{1} << 30;
constexpr std::uint32_t kMostTunnels = 1000000;
constexpr unsigned kMostWorkers = 64;
// What a server is patient with: SoftEther 20 s, others 60 s for the whole negotiation.
constexpr Duration kPatient = std::chrono::seconds(20);
constexpr std::size_t kMostPasswordBytes = 255;  // what PAP has room for

// Between two events: "50/s", "0.5/s", "30/m".
std::optional<Duration> ParseEvery(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view unit = text.substr(slash + 1);
  if (unit != "s" && unit != "m") return std::nullopt;
  double count = 0;
  const char* end = text.data() + slash;
  const auto read = std::from_chars(text.data(), end, count, std::chars_format::fixed);
  if (read.ec != std::errc() || read.ptr != end || !std::isfinite(count)) return std::nullopt;
  const double per_second = unit == "s" ? count : count / 60;
  constexpr double kLeastPerSecond = 1e-6;
  if (per_second > kMostPerSecond || per_second < kLeastPerSecond) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / per_second));
}

// Bytes a second: "100KiB/s".
std::optional<std::uint64_t> ParsePayload(std::string_view text) {
  if (!text.ends_with("/s")) return std::nullopt;
  const auto bytes = ParseSize(text.substr(0, text.size() - 2));
  if (!bytes || *bytes < kLeastPayload || *bytes > kMostPayload) return std::nullopt;
  return bytes;
}

std::optional<Depth> ParseDepth(std::string_view text) {
  for (const Depth depth : kDepths) {
    if (ToString(depth) == text) return depth;
  }
  return std::nullopt;
}

CLI::Validator RateText() {
  return Check([](const std::string& text) {
    return ParseEvery(text) ? "" : "\"" + text + "\" is no rate, as 50/s, 0.5/s or 30/m";
  });
}

CLI::Validator PayloadText() {
  return Check([](const std::string& text) {
    return ParsePayload(text) ? ""
                              : "\"" + text +
                                    "\" is no payload, as 500B/s, 100KiB/s or 2MiB/s, from 64 "
                                    "bytes to 1 GiB a second";
  });
}

CLI::Validator WordText(std::vector<std::string> words) {
  return Check([words = std::move(words)](const std::string& text) {
    std::string all;
    for (const std::string& word : words) {
      if (word == text) return std::string();
      all += (all.empty() ? "" : ", ") + word;
    }
    return "\"" + text + "\" is none of: " + all;
  });
}

CLI::Validator IpText() {
  return Check([](const std::string& text) {
    return IpAddress::Parse(text) ? "" : "\"" + text + "\" is no IP address";
  });
}

std::vector<std::string> DepthWords() {
  std::vector<std::string> words;
  words.reserve(kDepths.size());
  for (const Depth depth : kDepths) words.emplace_back(ToString(depth));
  return words;
}

// The first line.
Result<std::string> ReadPassword(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) {
    return Error{"--password-file: no password can be read from " + path};
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.size() > kMostPasswordBytes) {
    return Error{"--password-file: the first line of " + path + " has over 255 bytes"};
  }
  return line;
}

// Servers end what goes no further than this.
bool OutlivesPatience(const load::Options& load) {
  return load.depth != Depth::kPpp &&
         load.start_every * static_cast<std::int64_t>(load.tunnels) + load.hold > kPatient;
}

constexpr char kAbout[] = "Load a server, or a farm behind a balancer, with SSTP tunnels";
constexpr char kMore[] =
    "Point it only at servers that you are responsible for: every tunnel takes memory, an\n"
    "address and lines of log there. The defaults are gentle; raise them step by step.\n"
    "Depths: tls, the handshake; post, 200 for SSTP_DUPLEX_POST; call, Call Connect Ack; ppp,\n"
    "an address. Servers end what goes no further than call after 20 to 60 s. Ctrl-C ends the\n"
    "load in order, a second one at once.\n"
    "Exit: 0 every tunnel came up and stayed; 1 not so; 2 bad usage, or more than this host\n"
    "allows.";

}  // namespace

LoadCommand::LoadCommand(CLI::App& parent) {
  const load::Options defaults;
  tunnels_ = defaults.tunnels;
  hold_ = ExactDuration(defaults.hold);
  rate_ = "10/s";
  depth_ = ToString(defaults.depth);
  timeout_ = ExactDuration(defaults.timeout);
  workers_ = defaults.workers;

  app_ = parent.add_subcommand("load", kAbout);
  app_->add_option("server", target_, "The server")
      ->required()
      ->check(AddressText())
      ->type_name("HOST:PORT");
  app_->add_option("--tunnels", tunnels_, "How many")
      ->check(CLI::Range(std::uint32_t{1}, kMostTunnels))
      ->type_name("N")
      ->capture_default_str();
  CLI::Option* rate = app_->add_option("--rate", rate_, "How fast they are started")
                          ->check(RateText())
                          ->type_name("N/s")
                          ->capture_default_str();
  app_->add_option("--ramp", ramp_, "Instead of --rate: start them all within this time")
      ->excludes(rate)
      ->check(DurationText())
      ->type_name("DURATION");
  app_->add_option("--hold", hold_, "How long to keep them once all are up")
      ->check(DurationText())
      ->type_name("DURATION")
      ->capture_default_str();
  app_->add_option("--depth", depth_, "How far each goes: tls, post, call or ppp")
      ->check(WordText(DepthWords()))
      ->type_name("WORD")
      ->capture_default_str();
  app_->add_option("--payload", payload_,
                   "What each sends: pings with ppp; with call, frames that servers drop")
      ->check(PayloadText())
      ->type_name("SIZE/s");
  app_->add_option("--churn", churn_, "While held, how many are ended and replaced")
      ->check(RateText())
      ->type_name("N/s");
  app_->add_option("--retry", retry_, "Try again what is lost or fails, after a time up to this")
      ->check(DurationText())
      ->type_name("DURATION");
  app_->add_option("--sni", sni_, "The server name to show (default: HOST, unless an address)")
      ->type_name("NAME");
  app_->add_option("--host", host_, "The Host header (default: HOST)")->type_name("NAME");
  CLI::Option* user =
      app_->add_option("--user", user_, "For ppp, by PAP or MS-CHAPv2")->type_name("NAME");
  app_->add_option("--password-file", password_file_, "For ppp: the password is its first line")
      ->needs(user)
      ->type_name("FILE");
  app_->add_option("--source", sources_, "Local addresses to connect from, in turn")
      ->delimiter(',')
      ->check(IpText())
      ->type_name("ADDRESS,...");
  app_->add_option("--tls", tls_, "Only this version (default: 1.2 or 1.3)")
      ->check(WordText({"1.2", "1.3"}))
      ->type_name("VERSION");
  app_->add_option("--timeout", timeout_, "For each step of a set-up")
      ->check(DurationText())
      ->type_name("DURATION")
      ->capture_default_str();
  app_->add_option("--workers", workers_, "Threads")
      ->check(CLI::Range(1U, kMostWorkers))
      ->type_name("N")
      ->capture_default_str();
  app_->add_flag("--json", json_, "Print the report as JSON");
  app_->footer(kMore);
}

int LoadCommand::Run(const Entry& entry, Console& console) const {
  const Result<LoadOptions> options = Read();
  if (!options) {
    console.err << "sstplb load: " << options.error().message << "\n";
    return kBadUsage;
  }
  if (OutlivesPatience(options->load)) {
    console.err << "sstplb load: most servers end a tunnel that has no address after 20 to 60 s; "
                   "--depth ppp keeps it\n";
  }
  LoadScreen screen(console, json_);
  return entry.load(*options, screen);
}

Result<LoadOptions> LoadCommand::Read() const {
  LoadOptions options;
  options.target = *HostPort::Parse(target_);
  load::Options& load = options.load;
  load.target = target_;
  load.tunnels = tunnels_;
  load.start_every = *ParseEvery(rate_);
  if (!ramp_.empty()) {
    load.start_every = *ParseDuration(ramp_) / static_cast<std::int64_t>(tunnels_);
  }
  load.hold = *ParseDuration(hold_);
  load.depth = *ParseDepth(depth_);
  if (!payload_.empty()) {
    if (load.depth < Depth::kCall) {
      return Error{"--payload needs a call: --depth call or --depth ppp"};
    }
    load.payload = *ParsePayload(payload_);
  }
  if (!churn_.empty()) load.churn_every = *ParseEvery(churn_);
  if (!retry_.empty()) load.retry = *ParseDuration(retry_);
  const bool named = !options.target.AsAddress().has_value();
  load.sni = sni_.empty() && named ? options.target.host : sni_;
  load.host = host_.empty() ? options.target.host : host_;
  if (load.host.find_first_of("\r\n") != std::string::npos) {
    return Error{"--host: a line break cannot be in it"};
  }
  for (const std::string& source : sources_) load.sources.push_back(*IpAddress::Parse(source));
  if (!tls_.empty()) {
    load.tls = tls_ == "1.2" ? load::TlsVersion::k12 : load::TlsVersion::k13;
  }
  load.timeout = *ParseDuration(timeout_);
  if (load.timeout.count() == 0) return Error{"--timeout: no step can be done in no time"};
  load.workers = workers_;
  const Status user = ReadUser(load);
  if (!user) return user.error();
  return options;
}

Status LoadCommand::ReadUser(load::Options& load) const {
  const bool ppp = load.depth == Depth::kPpp;
  if (!ppp && !user_.empty()) return Error{"--user is for --depth ppp"};
  if (!ppp) return Done{};
  if (user_.empty() || password_file_.empty()) {
    return Error{"--depth ppp needs --user and --password-file"};
  }
  const Result<std::string> password = ReadPassword(password_file_);
  if (!password) return password.error();
  load.user = user_;
  load.password = *password;
  return Done{};
}

}  // namespace sstplb::cli
