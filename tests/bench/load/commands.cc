// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/commands.h"

#include <istream>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "tests/bench/load/bulk.h"
#include "tests/bench/load/connections.h"
#include "tests/bench/load/echo.h"
#include "tests/bench/load/fail.h"
#include "tests/bench/load/poller.h"
#include "tests/dialogue/handshake.h"

namespace sstplb::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kOpenPatience = 60s;
constexpr std::size_t kOpeningAtOnce = 200;

Duration FromSeconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

json Percentiles(Latencies& latencies) {
  return {{"p50", latencies.Microseconds(0.5)},
          {"p90", latencies.Microseconds(0.9)},
          {"p99", latencies.Microseconds(0.99)},
          {"p99.9", latencies.Microseconds(0.999)},
          {"max", latencies.Microseconds(1)}};
}

// Reads one word of a command; fails the program if it is not there.
template <class T>
T Word(std::istream& line) {
  T word{};
  if (!(line >> word)) Fail("a command with a word missing");
  return word;
}

class Client {
 public:
  explicit Client(Destination& destination) : destination_(destination) {}

  json Answer(const std::string& command, std::istream& words) {
    if (command == "connections") return Connections(words);
    if (command == "open") return Open(words);
    if (command == "echo") return Echo(words);
    if (command == "download") return Bulk(Way::kDownload, words);
    if (command == "upload") return Bulk(Way::kUpload, words);
    Fail("no such command: " + command);
  }

 private:
  json Connections(std::istream& words) {
    ConnectionLoad load;
    load.at_once = Word<std::size_t>(words);
    load.rate = Word<double>(words);
    load.duration = FromSeconds(Word<double>(words));
    ConnectionRun run = RunConnections(poller_, destination_, load);
    return {{"count", run.done},
            {"seconds", Seconds(run.took)},
            {"first_byte_us", Percentiles(run.first_byte)}};
  }

  json Open(std::istream& words) {
    const auto wanted = Word<std::size_t>(words);
    const TimePoint begun = Clock::now();
    const TimePoint deadline = begun + kOpenPatience;
    std::size_t ready = tunnels_.size();
    while (ready < wanted) {
      while (tunnels_.size() < wanted && tunnels_.size() - ready < kOpeningAtOnce) {
        tunnels_.push_back(std::make_unique<EchoTunnel>(poller_, destination_));
      }
      poller_.Wait(deadline);
      if (Clock::now() > deadline) Fail("tunnels that do not come up");
      while (ready < tunnels_.size() && tunnels_[ready]->ready()) ++ready;
    }
    return {{"tunnels", tunnels_.size()}, {"seconds", Seconds(Clock::now() - begun)}};
  }

  json Echo(std::istream& words) {
    const auto rate = Word<double>(words);
    const auto duration = FromSeconds(Word<double>(words));
    const auto size = Word<std::size_t>(words);
    const auto tunnels = Word<std::size_t>(words);
    if (tunnels < 1 || tunnels > tunnels_.size()) Fail("an echo over tunnels that are not open");
    if (size <= dialogue::kRecordHeader || size > dialogue::kLargestBody)
      Fail("an echo of a size that is no record");
    EchoRun run = RunEcho(poller_, std::span(tunnels_).first(tunnels), rate, size, duration);
    return {{"count", run.sent},
            {"seconds", Seconds(run.took)},
            {"latency_us", Percentiles(run.latencies)}};
  }

  json Bulk(Way way, std::istream& words) {
    const auto streams = Word<std::size_t>(words);
    const auto duration = FromSeconds(Word<double>(words));
    const BulkRun run = RunBulk(poller_, destination_, way, streams, duration);
    return {{"bytes", run.bytes}, {"seconds", Seconds(run.took)}};
  }

  Destination& destination_;
  Poller poller_;
  std::vector<std::unique_ptr<EchoTunnel>> tunnels_;
};

}  // namespace

void RunCommands(std::istream& in, std::ostream& out, Destination& destination) {
  Client client(destination);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    const auto command = Word<std::string>(words);
    out << client.Answer(command, words).dump() << std::endl;
  }
}

}  // namespace sstplb::bench
