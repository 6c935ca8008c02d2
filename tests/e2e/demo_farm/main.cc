// demo_farm [--proxy] [--addresses=N] [KIND[:USER:PASSWORD] [PORT [DAYS [NAME...]]]]: one server of
// the demo farm as a program: rras, softether, and so on; which lets in that user alone; on that
// port (0: any); with a certificate for these names that is good for so many days. With --proxy it
// wants a PROXY header; with --addresses it has so many for tunnels. It is steered by lines on its
// input:
//
//   fault WORD [NUMBER]   what it does wrong from now on (lb/demo/fault.h), with the status of
//                         http_status or the milliseconds of slow; answered by "done"
//   limit N               at most so many connections without a tunnel (0: any); "done"
//   drop                  resets every connection; "done"
//   counters              one line of name=value
//   clients               one line of ADDRESS=TUNNELS, as the PROXY header says, or else the socket
//
// It says "listening ADDRESS:PORT" first, and ends with its input.
//
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lb/demo/farm.h"

namespace {

namespace demo = sstplb::demo;

std::string SetFault(demo::Farm& farm, std::istringstream& words) {
  std::string word;
  demo::Fault fault;
  words >> word;
  const auto kind = demo::FaultKindFromString(word);
  if (!kind) return "no fault is called " + word;
  fault.kind = *kind;
  int number = 0;
  if (words >> number) {
    fault.http_status = number;
    fault.delay = std::chrono::milliseconds(number);
  }
  const sstplb::Status set = farm.SetFault(0, fault);
  return set.ok() ? "done" : set.error().message;
}

std::string Counters(const demo::Farm& farm) {
  const demo::ServerCounters c = farm.counters(0);
  const std::pair<const char*, std::uint64_t> all[] = {
      {"accepted", c.accepted},
      {"tls_done", c.tls_done},
      {"posts", c.posts},
      {"calls", c.calls},
      {"connected", c.connected},
      {"pings", c.pings},
      {"disconnects", c.disconnects},
      {"aborts", c.aborts},
      {"half_open_left", c.half_open_left},
      {"turned_away", c.turned_away},
      {"most_starting", c.most_starting},
      {"most_in_tls", c.most_in_tls},
      {"open", c.open},
      {"tunnels", c.tunnels},
      {"addresses_in_use", c.addresses_in_use},
  };
  std::string text = "counters";
  for (const auto& [name, value] : all)
    text += std::string(" ") + name + "=" + std::to_string(value);
  return text;
}

std::string Clients(const demo::Farm& farm) {
  std::map<std::string, std::size_t> tunnels;
  for (const demo::TunnelInfo& tunnel : farm.tunnels(0)) {
    if (tunnel.connected) ++tunnels[tunnel.client.value_or(tunnel.peer).ip.ToString()];
  }
  std::string text = "clients";
  for (const auto& [client, count] : tunnels) text += " " + client + "=" + std::to_string(count);
  return text;
}

std::string Answer(demo::Farm& farm, const std::string& line) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  if (command == "fault") return SetFault(farm, words);
  if (command == "counters") return Counters(farm);
  if (command == "clients") return Clients(farm);
  if (command == "limit") {
    std::size_t most = 0;
    words >> most;
    farm.SetMaxStarting(0, most);
    return "done";
  }
  if (command == "drop") {
    farm.DropAll(0, true);
    return "done";
  }
  return "no command is called " + command;
}

// Words that are not there leave what the farm has by itself.
demo::ServerOptions OptionsFrom(std::vector<std::string> words) {
  constexpr std::string_view kAddresses = "--addresses=";
  demo::ServerOptions options;
  options.addresses = 20000;
  for (; !words.empty() && words[0].starts_with("--"); words.erase(words.begin())) {
    if (words[0] == "--proxy") options.proxy_header = true;
    if (words[0].starts_with(kAddresses)) {
      options.addresses = std::stoul(words[0].substr(kAddresses.size()));
    }
  }
  if (!words.empty()) {
    std::istringstream word(words[0]);
    std::string name;
    std::getline(word, name, ':');
    std::getline(word, options.user, ':');
    std::getline(word, options.password);
    const auto kind = demo::KindFromString(name);
    if (kind) options.personality = demo::PersonalityOf(*kind);
  }
  if (words.size() > 1) options.listen.port = static_cast<std::uint16_t>(std::stoi(words[1]));
  if (words.size() > 2) options.names.days = std::stoi(words[2]);
  if (words.size() > 3) options.names.names.assign(words.begin() + 3, words.end());
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<demo::ServerOptions> servers = {OptionsFrom({argv + 1, argv + argc})};
  auto farm = demo::Farm::Start(std::move(servers));
  if (!farm.ok()) {
    std::fprintf(stderr, "demo_farm: %s\n", farm.error().message.c_str());
    return 1;
  }
  std::cout << "listening " << (*farm)->address(0).ToString() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Answer(**farm, line) << std::endl;
  }
  return 0;
}
