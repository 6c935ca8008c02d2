// Serves the dashboard and the API of a balancer that is only values, to look at and to test the
// page with a browser: fake_balancer [ADDRESS:PORT [broken]]; ends when its input ends. A broken
// one serves the page and answers no question.
//
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>

#include "lb/admin/server.h"
#include "tests/admin/fake_api.h"

int main(int argc, char** argv) {
  sstplb::testing::FakeApi api;
  if (argc > 2) {
    api.failure = {sstplb::control::FailureCode::kTimeout, "a worker does not answer", ""};
  }
  const auto logger = sstplb::Logger::Null();
  sstplb::config::Admin options;
  options.socket.clear();
  options.http = sstplb::SocketAddress::Parse(argc > 1 ? argv[1] : "127.0.0.1:0");
  auto server = sstplb::admin::AdminServer::Open(options, api, *logger);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  (*server)->Start();
  std::printf("http://%s/\n", (*server)->http_address()->ToString().c_str());
  std::fflush(stdout);
  for (char c = 0; ::read(STDIN_FILENO, &c, 1) > 0;) {
  }
  return 0;
}
