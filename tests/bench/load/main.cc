// bench_load: both ends of the load that tests/bench/run sends through a balancer.
//
//   bench_load serve [--answer] [--ports N]                  prints {"ports": [...]}
//   bench_load client --target 127.0.0.1:PORT... --hello FILE
//
// Each is one thread on one epoll and ends with its standard input. What the client is told: see
// commands.h.
//
// SPDX-License-Identifier: Apache-2.0
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/bench/load/backend.h"
#include "tests/bench/load/commands.h"
#include "tests/bench/load/fail.h"

namespace sstplb::bench {
namespace {

using namespace std::chrono_literals;

// Says when standard input has ended.
class InputEnd final : public Poller::Target {
 public:
  explicit InputEnd(Poller& poller) { poller.Add(STDIN_FILENO, EPOLLIN, *this); }
  bool come() const { return come_; }
  void OnEvents(std::uint32_t) override {
    char byte = 0;
    if (read(STDIN_FILENO, &byte, 1) <= 0) come_ = true;
  }

 private:
  bool come_ = false;
};

int Serve(Manner manner, int ports) {
  Poller poller;
  InputEnd end(poller);
  const Backend backend(poller, manner, ports);
  std::string list;
  for (const auto port : backend.ports()) list += (list.empty() ? "" : ", ") + std::to_string(port);
  std::cout << "{\"ports\": [" << list << "]}" << std::endl;
  while (!end.come()) poller.Wait(Clock::now() + 1h);
  return 0;
}

int Ask(const std::vector<std::string>& targets, const std::string& hello) {
  Destination destination;
  for (const auto& target : targets) {
    const auto address = SocketAddress::Parse(target);
    if (!address || !address->ip.is_v4()) Fail("no IPv4 address and port: " + target);
    destination.addresses.push_back(*address);
  }
  std::ifstream file(hello, std::ios::binary);
  if (!file) Fail("cannot read " + hello);
  destination.hello.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  RunCommands(std::cin, std::cout, destination);
  return 0;
}

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace sstplb::bench

int main(int argc, char** argv) {
  namespace bench = sstplb::bench;
  CLI::App app{"Both ends of the load of tests/bench/run."};
  app.require_subcommand(1);
  auto* serve = app.add_subcommand("serve", "the backend; ends with its standard input");
  bool answer = false;
  int ports = 1;
  serve->add_flag("--answer", answer, "answer a hello and close, instead of a tunnel");
  serve->add_option("--ports", ports, "how many ports to listen on")->check(CLI::Range(1, 64));
  auto* client = app.add_subcommand("client", "the clients; takes commands on standard input");
  std::vector<std::string> targets;
  std::string hello;
  client->add_option("--target", targets, "ADDRESS:PORT; several are taken in turn")->required();
  client->add_option("--hello", hello, "a file with a ClientHello")->required();
  CLI11_PARSE(app, argc, argv);
  bench::RaiseFileLimit();
  if (serve->parsed()) {
    return bench::Serve(answer ? bench::Manner::kAnswer : bench::Manner::kTunnel, ports);
  }
  return bench::Ask(targets, hello);
}
