// The words of the command line, their options and help; CLI11 reads them.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/cli.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>

#include "lb/cli/check_options.h"
#include "lb/cli/commands.h"
#include "lb/cli/drain_options.h"
#include "lb/cli/load_command.h"
#include "lb/cli/option_text.h"
#include "lb/cli/rebalance_options.h"
#include "lb/cli/session_options.h"
#include "lb/cli/when.h"
#include "lb/config/words.h"

namespace sstplb::cli {
namespace {

constexpr char kDefaultConfig[] = "/etc/sstplb/sstplb.toml";
constexpr char kDefaultSocket[] = "/run/sstplb/admin.sock";

// Options that every command that asks the daemon has.
struct Common {
  std::string socket;
  std::string config;
  bool json = false;
};

// What the parse leaves to be done.
struct Plan {
  const Entry& entry;
  Console& console;
  std::function<int()> action;
};

using SharedCommon = std::shared_ptr<Common>;

Result<std::string> SocketOf(const Common& common, const Entry& entry) {
  if (!common.socket.empty()) return common.socket;
  if (!common.config.empty()) return entry.admin_socket(common.config);
  const char* named = std::getenv("SSTPLB_SOCKET");
  return std::string(named != nullptr && *named != '\0' ? named : kDefaultSocket);
}

SharedCommon AddCommon(CLI::App& command) {
  auto common = std::make_shared<Common>();
  command
      .add_option("--socket", common->socket,
                  "The daemon's admin socket (default: $SSTPLB_SOCKET, then " +
                      std::string(kDefaultSocket) + ")")
      ->type_name("PATH");
  command.add_option("-c,--config", common->config, "Take the socket from this configuration")
      ->type_name("FILE");
  command.add_flag("--json", common->json, "Print the API's answer as it is");
  return common;
}

// The command's action asks the daemon.
template <class Ask>
void Asks(CLI::App& command, Plan& plan, Ask ask) {
  const SharedCommon common = AddCommon(command);
  command.callback([&plan, common, ask] {
    plan.action = [&plan, common, ask] {
      const Result<std::string> socket = SocketOf(*common, plan.entry);
      if (!socket) {
        plan.console.err << socket.error().message << "\n";
        return kBadUsage;
      }
      Session session{plan.console, Client(*socket), common->json};
      return ask(session);
    };
  });
}

CLI::Validator BindText() {
  return Check([](const std::string& text) {
    return SocketAddress::Parse(text) ? "" : "\"" + text + "\" is no ADDRESS:PORT";
  });
}

// The positional POOL/NAME of a command.
std::shared_ptr<std::string> AddBackendName(CLI::App& command) {
  auto name = std::make_shared<std::string>();
  command.add_option("backend", *name, "The backend")
      ->required()
      ->check(BackendText())
      ->type_name("POOL/NAME");
  return name;
}

// `value` must live as long as the command.
template <class E>
void AddWord(CLI::App& command, const std::string& option, E& value, const std::string& help) {
  const auto take = [&value](const std::string& text) {
    value = config::FromWord<E>(text).value_or(value);
  };
  const auto problem = [](const std::string& text) -> std::string {
    if (config::FromWord<E>(text)) return "";
    std::string words;
    for (const config::Word<E>& word : config::Words<E>()) {
      words += (words.empty() ? "" : ", ") + std::string(word.text);
    }
    return "\"" + text + "\" is none of: " + words;
  };
  command.add_option_function<std::string>(option, take, help)
      ->check(Check(problem))
      ->type_name("WORD")
      ->default_str(std::string(config::ToWord(value)));
}

void AddRun(CLI::App& app, Plan& plan) {
  CLI::App& run = *app.add_subcommand("run", "Run the balancer in the foreground");
  auto options = std::make_shared<RunOptions>(RunOptions{kDefaultConfig});
  run.add_option("-c,--config", options->config, "The configuration")
      ->type_name("FILE")
      ->capture_default_str();
  CLI::Option* takeover =
      run.add_option("--takeover", options->takeover_path,
                     "Take listeners and live sessions over from the balancer that runs; with its "
                     "handoff socket when that is not beside the admin socket of FILE")
          ->type_name("[PATH]")
          ->expected(0, 1);
  run.callback([&plan, options, takeover] {
    options->takeover = takeover->count() > 0;
    plan.action = [&plan, options] { return plan.entry.run(*options); };
  });
}

void AddCheck(CLI::App& app, Plan& plan) {
  CLI::App& check = *app.add_subcommand(
      "check",
      "Every error and warning of a configuration, of this host and, asked to, of the farm");
  const auto texts = AddCheckOptions(check, kDefaultConfig);
  check.callback(
      [&plan, texts] { plan.action = [&plan, texts] { return plan.entry.check(texts->Read()); }; });
}

void AddDemo(CLI::App& app, Plan& plan) {
  CLI::App& demo = *app.add_subcommand(
      "demo", "The balancer in front of an embedded farm of SSTP servers, with live tunnels");
  struct Texts {
    DemoOptions options;
    std::string listen;
    std::string http;
  };
  auto texts = std::make_shared<Texts>();
  demo.add_flag("--check", texts->options.check,
                "Set tunnels up over every backend, report and end");
  demo.add_option("--listen", texts->listen, "Where the balancer listens")
      ->check(BindText())
      ->type_name("ADDRESS:PORT");
  demo.add_option("--admin-http", texts->http, "Where dashboard and metrics are")
      ->check(BindText())
      ->type_name("ADDRESS:PORT");
  demo.add_option("--tunnels", texts->options.tunnels, "How many tunnels to keep up")
      ->check(CLI::Range(1, 10000))
      ->type_name("N");
  demo.callback([&plan, texts] {
    texts->options.listen = SocketAddress::Parse(texts->listen);
    texts->options.admin_http = SocketAddress::Parse(texts->http);
    plan.action = [&plan, texts] { return plan.entry.demo(texts->options); };
  });
}

void AddProbe(CLI::App& app, Plan& plan) {
  CLI::App& probe = *app.add_subcommand("probe", "Probe one server once, and show every step");
  struct Texts {
    ProbeOptions options;
    std::string target;
    std::string timeout = "3s";
  };
  auto texts = std::make_shared<Texts>();
  config::Probe& p = texts->options.probe;
  p.proxy_protocol = config::ProbeProxyProtocol::kNone;  // there is no data path to be like
  probe.add_option("server", texts->target, "The server")
      ->required()
      ->check(AddressText())
      ->type_name("HOST:PORT");
  probe.add_option("--sni", p.sni, "The server name to show")->type_name("NAME");
  AddWord(probe, "--kind", p.kind, "none, tcp, tls, sstp, http or exec");
  AddWord(probe, "--server", p.server, "Which SSTP server to expect");
  AddWord(probe, "--depth", p.depth, "sstp: post or call");
  AddWord(probe, "--verify", p.verify, "The certificate: none, chain or name");
  AddWord(probe, "--proxy-protocol", p.proxy_protocol, "The header in front: none, v1 or v2");
  probe.add_option("--ca-file", p.ca_file, "Trust these certificates, not the system's")
      ->type_name("FILE");
  probe.add_option("--timeout", texts->timeout, "For all steps together")
      ->check(Check(SpanProblem))
      ->type_name("DURATION")
      ->capture_default_str();
  probe.add_flag("--tls-versions", texts->options.tls_versions,
                 "Also try every version and cipher of TLS, one connection each");
  probe.add_flag("--json", texts->options.json, "Print the result as JSON");
  probe.callback([&plan, texts] {
    texts->options.target = *HostPort::Parse(texts->target);
    texts->options.probe.timeout = *ParseDuration(texts->timeout);
    plan.action = [&plan, texts] { return plan.entry.probe(texts->options); };
  });
}

void AddLoad(CLI::App& app, Plan& plan) {
  auto command = std::make_shared<LoadCommand>(app);
  command->app().callback([&plan, command] {
    plan.action = [&plan, command] { return command->Run(plan.entry, plan.console); };
  });
}

void AddBackendAdd(CLI::App& group, Plan& plan) {
  CLI::App& add = *group.add_subcommand("add", "Add a backend to a pool");
  const auto name = AddBackendName(add);
  auto options = std::make_shared<AddOptions>();
  add.add_option("address", options->address, "Where it is")
      ->required()
      ->check(AddressText())
      ->type_name("HOST:PORT");
  add.add_option("--weight", options->weight, "Its share of new sessions (default: 100)")
      ->type_name("N");
  add.add_option("--max-sessions", options->max_sessions, "0: no cap")->type_name("N");
  add.add_flag("--disabled", options->disabled, "Without sessions until `backend enable`");
  Asks(add, plan, [name, options](Session& session) {
    options->backend = *ParseBackendName(*name);
    return AddBackend(session, *options);
  });
}

void AddBackendRemove(CLI::App& group, Plan& plan) {
  CLI::App& remove = *group.add_subcommand(
      "remove",
      "Take a backend out of its pool; its sessions are drained as [pool.NAME.drain] says, else "
      "run on, and with the last one it is gone");
  const auto name = AddBackendName(remove);
  auto options = std::make_shared<RemoveOptions>();
  remove.add_flag("--force", options->force, "Without that drain: its sessions run on");
  remove.add_flag("--wait", options->wait, "Until its last session is gone");
  Asks(remove, plan, [name, options](Session& session) {
    options->backend = *ParseBackendName(*name);
    return RemoveBackend(session, *options);
  });
}

void AddBackendDrain(CLI::App& group, Plan& plan) {
  CLI::App& drain =
      *group.add_subcommand("drain",
                            "No new sessions to a backend; live ones run on, or are closed "
                            "at a pace or over a time");
  const auto name = AddBackendName(drain);
  const auto texts = AddDrainOptions(drain);
  Asks(drain, plan, [name, texts](Session& session) {
    DrainOptions options = texts->Read();
    options.backend = *ParseBackendName(*name);
    return DrainBackend(session, options);
  });
}

void AddDrain(CLI::App& app, Plan& plan) {
  CLI::App& drain = *app.add_subcommand(
      "drain",
      "No new sessions to this balancer; live ones run on, or are closed at a pace or over "
      "a time");
  const auto texts = AddDrainOptions(drain);
  Asks(drain, plan, [texts](Session& session) { return DrainAll(session, texts->Read()); });
}

// A command that needs nothing but the backend's name.
template <class Ask>
void AddBackendCommand(CLI::App& group, Plan& plan, const char* word, const char* help, Ask ask) {
  CLI::App& command = *group.add_subcommand(word, help);
  const auto name = AddBackendName(command);
  Asks(command, plan,
       [name, ask](Session& session) { return ask(session, *ParseBackendName(*name)); });
}

void AddBackend(CLI::App& app, Plan& plan) {
  CLI::App& group = *app.add_subcommand("backend", "List and steer backends");
  CLI::App& list = *group.add_subcommand("list", "Backends with health, load and certificate");
  auto pool = std::make_shared<std::string>();
  list.add_option("--pool", *pool, "Only those of this pool")->type_name("POOL");
  Asks(list, plan, [pool](Session& session) { return ListBackends(session, *pool); });
  AddBackendAdd(group, plan);
  AddBackendRemove(group, plan);
  AddBackendDrain(group, plan);
  AddBackendCommand(group, plan, "enable", "New sessions may go to it",
                    [](Session& s, const BackendName& b) { return SetAdmin(s, b, "active"); });
  AddBackendCommand(group, plan, "disable", "No new sessions to it, and it stays so",
                    [](Session& s, const BackendName& b) { return SetAdmin(s, b, "disabled"); });
  CLI::App& weigh = *group.add_subcommand("weight", "Set its share of new sessions");
  const auto weighed = AddBackendName(weigh);
  auto weight = std::make_shared<unsigned>(0);
  weigh.add_option("weight", *weight, "0: none by hashing")->required()->type_name("N");
  Asks(weigh, plan, [weighed, weight](Session& session) {
    return SetWeight(session, *ParseBackendName(*weighed), *weight);
  });
  AddBackendCommand(group, plan, "reset", "Forget what was decided by command: the file counts",
                    [](Session& s, const BackendName& b) { return ResetBackend(s, b); });
}

void AddRebalance(CLI::App& app, Plan& plan) {
  CLI::App& rebalance = *app.add_subcommand(
      "rebalance",
      "Move sessions from backends that have too many to those that have too few, a few an hour");
  const auto texts = AddRebalanceOptions(rebalance);
  Asks(rebalance, plan, [texts](Session& session) { return Rebalance(session, texts->Read()); });
}

void AddSession(CLI::App& app, Plan& plan) {
  CLI::App& group = *app.add_subcommand("session", "List, show and close sessions");
  CLI::App& list = *group.add_subcommand("list", "Live sessions, by id");
  const auto filter = AddSessionFilter(list);
  auto limit = std::make_shared<unsigned>(100);
  auto after = std::make_shared<std::string>();
  list.add_option("--limit", *limit, "At most so many")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->capture_default_str();
  list.add_option("--after", *after, "Go on after this one")->type_name("ID");
  Asks(list, plan, [filter, limit, after](Session& session) {
    Parameters parameters = filter->ToParameters();
    parameters.emplace_back("limit", std::to_string(*limit));
    if (!after->empty()) parameters.emplace_back("after", *after);
    return ListSessions(session, parameters);
  });
  CLI::App& show = *group.add_subcommand("show", "All about one session");
  auto id = std::make_shared<std::string>();
  show.add_option("id", *id, "The session")->required()->type_name("ID");
  Asks(show, plan, [id](Session& session) { return ShowOneSession(session, *id); });
  CLI::App& close = *group.add_subcommand("close", "Close sessions, by id or by filter");
  auto ids = std::make_shared<std::vector<std::string>>();
  close.add_option("id", *ids, "The sessions")->type_name("ID");
  const auto closing = AddSessionFilter(close);
  Asks(close, plan, [ids, closing](Session& session) {
    return CloseSessions(session, *ids, closing->ToParameters());
  });
}

void AddExplain(CLI::App& app, Plan& plan) {
  CLI::App& explain = *app.add_subcommand(
      "explain", "Which backend a client would get now, and why; sends nothing");
  struct Texts {
    std::string source, sni, listener;
    std::vector<std::string> alpn;
  };
  auto texts = std::make_shared<Texts>();
  explain.add_option("--source", texts->source, "The client's address")
      ->required()
      ->type_name("IP");
  explain.add_option("--sni", texts->sni, "The server name it asks for")->type_name("NAME");
  explain.add_option("--listener", texts->listener, "Where it comes in")->type_name("NAME");
  explain.add_option("--alpn", texts->alpn, "What it offers")->type_name("NAME");
  Asks(explain, plan, [texts](Session& session) {
    Parameters question = {{"source", texts->source}};
    if (!texts->sni.empty()) question.emplace_back("sni", texts->sni);
    if (!texts->listener.empty()) question.emplace_back("listener", texts->listener);
    for (const std::string& name : texts->alpn) question.emplace_back("alpn", name);
    return Explain(session, question);
  });
}

void AddRest(CLI::App& app, Plan& plan) {
  CLI::App& events = *app.add_subcommand("events", "The last changes of state and refusals");
  auto follow = std::make_shared<bool>(false);
  auto limit = std::make_shared<unsigned>(100);
  events.add_flag("-f,--follow", *follow, "Go on until interrupted");
  events.add_option("--limit", *limit, "How many of the past")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->capture_default_str();
  Asks(events, plan, [follow, limit](Session& session) {
    return Events(session, {{"limit", std::to_string(*limit)}}, *follow);
  });
  CLI::App& reload = *app.add_subcommand(
      "reload", "Read the configuration anew, in place; live sessions do not notice");
  auto dry_run = std::make_shared<bool>(false);
  reload.add_flag("--dry-run", *dry_run, "Only print what would change");
  Asks(reload, plan, [dry_run](Session& session) { return Reload(session, *dry_run); });
  CLI::App& upgrade = *app.add_subcommand(
      "upgrade", "Start the binary on disk and hand it every listener and every live session");
  Asks(upgrade, plan, [](Session& session) { return Upgrade(session); });
  CLI::App& group = *app.add_subcommand("config", "The running configuration");
  CLI::App& shown = *group.add_subcommand("export", "As TOML, changes by command included");
  Asks(shown, plan, [](Session& session) { return ExportConfig(session); });
}

void AddAll(CLI::App& app, Plan& plan) {
  app.set_version_flag("--version", "sstplb " SSTPLB_VERSION);
  AddRun(app, plan);
  AddCheck(app, plan);
  AddDemo(app, plan);
  CLI::App& status = *app.add_subcommand("status", "Listeners, pools and backends on one screen");
  Asks(status, plan, [](Session& session) { return GetStatus(session); });
  AddBackend(app, plan);
  AddDrain(app, plan);
  AddRebalance(app, plan);
  AddSession(app, plan);
  AddExplain(app, plan);
  AddProbe(app, plan);
  AddLoad(app, plan);
  AddRest(app, plan);
  // Last: what is set before is inherited by every command.
  app.footer(
      "Exit: 0 done; 1 refused, or the answer is no; 2 bad usage or configuration; 3 no "
      "daemon.\nMore about a command: sstplb COMMAND --help");
}

}  // namespace

Console Console::Standard() {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool plain = (no_colour != nullptr && *no_colour != '\0') ||
                     (term != nullptr && std::string_view(term) == "dumb");
  return {.out = std::cout, .err = std::cerr, .terminal = terminal, .colour = terminal && !plain};
}

int Main(const std::vector<std::string>& arguments, const Entry& entry, Console& console) {
  CLI::App app("sstplb: a TLS-aware balancer for SSTP VPN farms", "sstplb");
  Plan plan{entry, console, nullptr};
  try {
    AddAll(app, plan);
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    if (plan.action) return plan.action();
    console.err << "a command is missing\n\n" << app.help();
    return kBadUsage;
  } catch (const CLI::ParseError& e) {
    return app.exit(e, console.out, console.err) == 0 ? kDone : kBadUsage;
  } catch (const std::exception& e) {
    console.err << "sstplb: " << e.what() << "\n";
    return kRefused;
  }
}

}  // namespace sstplb::cli
