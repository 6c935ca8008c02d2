// See options.h.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/stream_check/options.h"

#include <arpa/inet.h>

#include <cstdio>
#include <cstdlib>
#include <set>

namespace stream_check {
namespace {

const std::set<std::string>& Flags() {
  static const std::set<std::string> kFlags = {"spread", "handshake", "mixed"};
  return kFlags;
}

}  // namespace

void Die(const std::string& why) {
  std::fprintf(stderr, "stream_check: %s\n", why.c_str());
  std::exit(2);
}

Options::Options(int argc, char** argv, int first) {
  for (int i = first; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("--", 0) != 0) Die("what is " + word + "?");
    const std::string key = word.substr(2);
    if (Flags().count(key) != 0) {
      values_[key] = "yes";
    } else if (++i < argc) {
      values_[key] = argv[i];
    } else {
      Die(word + " needs a value");
    }
  }
}

std::string Options::Text(const std::string& key, const std::string& otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? otherwise : found->second;
}

std::uint64_t Options::Number(const std::string& key, std::uint64_t otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? otherwise : std::strtoull(found->second.c_str(), nullptr, 10);
}

sockaddr_in Address(const std::string& host, std::uint64_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) Die("not an IPv4 address: " + host);
  return address;
}

}  // namespace stream_check
