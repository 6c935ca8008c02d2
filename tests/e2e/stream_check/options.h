// Options: what the command line says, as --key value pairs, and how the program gives up.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <map>
#include <string>

namespace stream_check {

// Says why on standard error and ends the program with 2.
[[noreturn]] void Die(const std::string& why);

class Options {
 public:
  // Reads argv from `first` on. Dies of what is no option.
  Options(int argc, char** argv, int first);

  std::string Text(const std::string& key, const std::string& otherwise) const;
  std::uint64_t Number(const std::string& key, std::uint64_t otherwise) const;
  bool Has(const std::string& key) const { return values_.count(key) != 0; }

 private:
  std::map<std::string, std::string> values_;
};

// Dies if `host` is no IPv4 address.
sockaddr_in Address(const std::string& host, std::uint64_t port);

}  // namespace stream_check
