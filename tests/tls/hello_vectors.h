// The captured hellos of tests/vectors/hello with what their manifest says of each.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/bytes.h"

namespace sstplb::tls::testing {

struct HelloVector {
  std::string file;  // "hello/curl-default.bin"
  std::string kind;  // real, derived, invalid
  std::string route;
  Bytes bytes;
  std::string verdict;

  // Only when verdict is "ok".
  std::optional<std::string> sni;  // the raw bytes
  std::string sni_normalised;
  std::vector<std::string> alpn;
  unsigned legacy_version = 0;
  std::vector<unsigned> supported_versions;
  std::size_t session_id_len = 0;
  bool has_psk = false;
  bool has_ticket = false;
  bool has_ech = false;
  bool has_early_data = false;
  std::vector<unsigned> key_share_groups;
  std::size_t cipher_count = 0;
  std::size_t extension_count = 0;
  std::size_t hello_len = 0;
  std::string ja4;
};

struct HelloVectors {
  std::vector<HelloVector> entries;
  std::map<std::string, std::string> routes;  // name to tag
};

// Read once; throws, and so fails every test that asks, if a file is missing.
const HelloVectors& AllHelloVectors();
const HelloVector& FindHelloVector(const std::string& file);

}  // namespace sstplb::tls::testing
