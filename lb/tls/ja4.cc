// SPDX-License-Identifier: Apache-2.0
#include "lb/tls/ja4.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace sstplb::tls {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kNothing = "000000000000";
constexpr std::uint16_t kServerName = 0;
constexpr std::uint16_t kAlpn = 16;

std::string_view VersionName(std::uint16_t version) {
  switch (version) {
    case 0x0304:
      return "13";
    case 0x0303:
      return "12";
    case 0x0302:
      return "11";
    case 0x0301:
      return "10";
    case 0x0300:
      return "s3";
    case 0x0002:
      return "s2";
    default:
      return "00";
  }
}

// The highest of supported_versions that is no GREASE, else the version field.
std::uint16_t OfferedVersion(const ClientHello& hello) {
  std::optional<std::uint16_t> highest;
  for (const std::uint16_t version : hello.supported_versions) {
    if (!IsGrease(version) && version > highest.value_or(0)) highest = version;
  }
  return highest.value_or(hello.legacy_version);
}

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// First and last character of the first protocol; of its hexadecimal form if one of them is not
// alphanumeric.
std::array<char, 2> AlpnMark(const ClientHello& hello) {
  if (hello.alpn.empty()) return {'0', '0'};
  const std::string_view name = hello.alpn.front();
  const char first = name.front();
  const char last = name.back();
  if (IsAlphanumeric(first) && IsAlphanumeric(last)) return {first, last};
  return {kHex[static_cast<unsigned char>(first) >> 4],
          kHex[static_cast<unsigned char>(last) & 15]};
}

void AppendCount(std::string& out, std::size_t count) {
  count = std::min<std::size_t>(count, 99);
  out.push_back(static_cast<char>('0' + count / 10));
  out.push_back(static_cast<char>('0' + count % 10));
}

// "1301,1302": four digits each.
void AppendList(std::string& out, const std::vector<std::uint16_t>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) out.push_back(',');
    for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHex[values[i] >> shift & 15]);
  }
}

std::vector<std::uint16_t> WithoutGrease(const U16List& list) {
  std::vector<std::uint16_t> out;
  out.reserve(list.size());
  for (const std::uint16_t value : list) {
    if (!IsGrease(value)) out.push_back(value);
  }
  return out;
}

// The first 12 hexadecimal digits of SHA-256.
bool AppendHash(std::string& out, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    return false;
  }
  for (std::size_t i = 0; i < 6; ++i) {
    out.push_back(kHex[digest[i] >> 4]);
    out.push_back(kHex[digest[i] & 15]);
  }
  return true;
}

}  // namespace

std::string Ja4(const ClientHello& hello) {
  std::vector<std::uint16_t> ciphers = WithoutGrease(hello.ciphers);
  std::sort(ciphers.begin(), ciphers.end());

  std::size_t extension_count = 0;
  bool has_server_name = false;
  std::vector<std::uint16_t> extensions;  // without SNI and ALPN, which are told in the first part
  extensions.reserve(hello.extension_count);
  for (const Extension& extension : hello.extensions) {
    if (IsGrease(extension.type)) continue;
    ++extension_count;
    if (extension.type == kServerName) has_server_name = true;
    if (extension.type != kServerName && extension.type != kAlpn) {
      extensions.push_back(extension.type);
    }
  }
  std::sort(extensions.begin(), extensions.end());
  const std::vector<std::uint16_t> signatures = WithoutGrease(hello.signature_algorithms);

  std::string out;
  out.reserve(36);
  out += 't';
  out += VersionName(OfferedVersion(hello));
  out += has_server_name ? 'd' : 'i';
  AppendCount(out, ciphers.size());
  AppendCount(out, extension_count);
  for (const char c : AlpnMark(hello)) out += c;

  std::string text;
  text.reserve(5 * (ciphers.size() + extensions.size() + signatures.size()));
  out += '_';
  AppendList(text, ciphers);
  if (ciphers.empty()) {
    out += kNothing;
  } else if (!AppendHash(out, text)) {
    return {};
  }
  out += '_';
  text.clear();
  AppendList(text, extensions);
  if (!signatures.empty()) {
    text += '_';
    AppendList(text, signatures);  // in the client's order
  }
  if (extensions.empty()) {
    out += kNothing;
  } else if (!AppendHash(out, text)) {
    return {};
  }
  return out;
}

}  // namespace sstplb::tls
