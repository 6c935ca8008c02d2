// stream_check: many TCP sessions whose every byte is known beforehand, to be sent through whatever
// stands between `client` and `server`. Sizes, order of the ends and the size of single reads and
// writes are random from a seed. Both ends check what they get and print a tally as JSON; the
// server prints its own when it is told to end by SIGTERM or SIGINT.
//
//   stream_check server [--host A] [--port N] [--handshake]     prints "listening on PORT"
//   stream_check client --target HOST:PORT [--sessions N] [--concurrency C] [--seed S]
//       [--max-size BYTES] [--hello FILE] [--spread] [--handshake] [--mixed] [--seconds S]
//
// The client's exit code is 1 if one session failed.
//   --hello      a ClientHello goes ahead
//   --handshake  for both: a whole TLS handshake goes ahead (tests/dialogue); needs --hello
//   --spread     clients have many addresses of 127.0.0.0/8
//   --mixed      also echoes that take their time, resets, and bulk: see MakeMixedPlan()
//   --seconds    new sessions begin for so long, instead of --sessions
//
// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "tests/e2e/stream_check/client.h"
#include "tests/e2e/stream_check/options.h"
#include "tests/e2e/stream_check/server.h"

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const stream_check::Options options(argc, argv, 2);
  if (mode == "server") return stream_check::Serve(options);
  if (mode == "client") return stream_check::Ask(options);
  stream_check::Die("say server or client");
}
