// SPDX-License-Identifier: Apache-2.0
#include "tests/tls/hello_vectors.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace sstplb::tls::testing {
namespace {

using Json = nlohmann::json;

const std::string kRoot = SSTPLB_TEST_VECTORS "/";

Bytes ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

unsigned Hex(const std::string& text) {
  return static_cast<unsigned>(std::stoul(text, nullptr, 16));
}

std::string FromHex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(Hex(hex.substr(i, 2))));
  }
  return out;
}

std::vector<unsigned> HexList(const Json& list) {
  std::vector<unsigned> out;
  for (const Json& item : list) out.push_back(Hex(item));
  return out;
}

void ReadHello(const Json& expect, HelloVector& vector) {
  if (!expect.at("sni_hex").is_null()) vector.sni = FromHex(expect.at("sni_hex"));
  if (!expect.at("sni_normalised").is_null()) vector.sni_normalised = expect.at("sni_normalised");
  for (const std::string name : expect.at("alpn")) {
    vector.alpn.push_back(name.starts_with("hex:") ? FromHex(name.substr(4)) : name);
  }
  vector.legacy_version = Hex(expect.at("legacy_version"));
  vector.supported_versions = HexList(expect.at("supported_versions"));
  vector.session_id_len = expect.at("session_id_len");
  vector.has_psk = expect.at("has_psk");
  vector.has_ticket = expect.at("has_ticket");
  vector.has_ech = expect.at("has_ech");
  vector.has_early_data = expect.at("has_early_data");
  vector.key_share_groups = HexList(expect.at("key_share_groups"));
  vector.cipher_count = expect.at("cipher_count");
  vector.extension_count = expect.at("extension_count");
  vector.hello_len = expect.at("hello_len");
  vector.ja4 = expect.at("ja4");
}

HelloVectors ReadAll() {
  HelloVectors all;
  std::ifstream file(kRoot + "hello_manifest.json");
  const Json manifest = Json::parse(file);
  all.routes = manifest.at("routes").get<std::map<std::string, std::string>>();
  for (const Json& entry : manifest.at("entries")) {
    HelloVector vector;
    vector.file = entry.at("file");
    vector.kind = entry.at("kind");
    vector.route = entry.at("route");
    vector.bytes = ReadFile(kRoot + vector.file);
    vector.verdict = entry.at("expect").at("verdict");
    if (vector.verdict == "ok") ReadHello(entry.at("expect"), vector);
    all.entries.push_back(std::move(vector));
  }
  return all;
}

}  // namespace

const HelloVectors& AllHelloVectors() {
  static const HelloVectors all = ReadAll();
  return all;
}

const HelloVector& FindHelloVector(const std::string& file) {
  for (const HelloVector& vector : AllHelloVectors().entries) {
    if (vector.file == file) return vector;
  }
  throw std::runtime_error("no vector " + file);
}

}  // namespace sstplb::tls::testing
