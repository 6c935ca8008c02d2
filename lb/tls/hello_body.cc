// Message to values: the reading half of client_hello.h. Every rule it enforces is in the table of
// returned strings, with the RFC it comes from.
//
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bitset>
#include <memory>

#include "lb/tls/client_hello.h"

namespace sstplb::tls {
namespace {

// Empty: nothing broken.
using Broken = std::string_view;

enum ExtensionType : std::uint16_t {
  kServerName = 0,
  kSignatureAlgorithms = 13,
  kAlpn = 16,
  kSessionTicket = 35,
  kPreSharedKey = 41,
  kEarlyData = 42,
  kSupportedVersions = 43,
  kKeyShare = 51,
  kEncryptedClientHello = 0xfe0d,
};

// Says whether a type was seen before. A usual hello has a score of extensions, most below 64: one
// word and a short array; a hostile one may have 16,000, for which a bitmap keeps it linear.
class SeenTypes {
 public:
  bool Insert(std::uint16_t type) {
    if (type < 64) {
      const bool fresh = !(low_ >> type & 1);
      low_ |= std::uint64_t{1} << type;
      return fresh;
    }
    if (all_) return InsertAll(type);
    for (std::size_t i = 0; i < count_; ++i) {
      if (high_[i] == type) return false;
    }
    if (count_ == high_.size()) {
      all_ = std::make_unique<std::bitset<65536>>();
      for (const std::uint16_t seen : high_) all_->set(seen);
      return InsertAll(type);
    }
    high_[count_++] = type;
    return true;
  }

 private:
  bool InsertAll(std::uint16_t type) {
    const bool fresh = !all_->test(type);
    all_->set(type);
    return fresh;
  }

  std::uint64_t low_ = 0;
  std::size_t count_ = 0;
  std::array<std::uint16_t, 16> high_;
  std::unique_ptr<std::bitset<65536>> all_;
};

// RFC 6066, 3: server_name_list<1..2^16-1>, HostName<1..2^16-1>, one name of a type at most. Of
// other name types only the length is known, so they are skipped by it.
Broken ReadServerName(ByteView data, ClientHello& hello) {
  Reader extension(data);
  ByteView list;
  if (!extension.Vector16(list) || !extension.empty()) return "server_name: list length";
  if (list.empty()) return "server_name: empty list (RFC 6066, 3)";
  std::bitset<256> types;
  for (Reader names(list); !names.empty();) {
    std::uint8_t type = 0;
    ByteView name;
    if (!names.U8(type) || !names.Vector16(name)) return "server_name: entry over its list";
    if (types.test(type)) return "server_name: two names of one type (RFC 6066, 3)";
    types.set(type);
    if (type != 0) continue;
    if (name.empty()) return "server_name: empty HostName (RFC 6066, 3)";
    hello.has_sni = true;
    hello.sni = AsText(name);
  }
  return {};
}

// RFC 7301, 3.1: protocol_name_list<2..2^16-1>, ProtocolName<1..2^8-1>.
Broken ReadAlpn(ByteView data, ClientHello& hello) {
  Reader extension(data);
  ByteView list;
  if (!extension.Vector16(list) || !extension.empty() || list.empty()) return "alpn: list length";
  for (Reader names(list); !names.empty();) {
    ByteView name;
    if (!names.Vector8(name)) return "alpn: name over its list";
    if (name.empty()) return "alpn: empty name (RFC 7301, 3.1)";
  }
  hello.alpn = AlpnList(list);
  return {};
}

// RFC 8446, 4.2.1: versions<2..254>.
Broken ReadSupportedVersions(ByteView data, ClientHello& hello) {
  Reader extension(data);
  ByteView list;
  if (!extension.Vector8(list) || !extension.empty() || list.empty() || list.size() % 2 != 0) {
    return "supported_versions: list length (RFC 8446, 4.2.1)";
  }
  hello.supported_versions = U16List(list);
  return {};
}

// RFC 8446, 4.2.3: supported_signature_algorithms<2..2^16-2>.
Broken ReadSignatureAlgorithms(ByteView data, ClientHello& hello) {
  Reader extension(data);
  ByteView list;
  if (!extension.Vector16(list) || !extension.empty() || list.empty() || list.size() % 2 != 0) {
    return "signature_algorithms: list length (RFC 8446, 4.2.3)";
  }
  hello.signature_algorithms = U16List(list);
  return {};
}

// RFC 8446, 4.2.8: client_shares<0..2^16-1>, key_exchange<1..2^16-1>.
Broken ReadKeyShare(ByteView data, ClientHello& hello) {
  Reader extension(data);
  ByteView list;
  if (!extension.Vector16(list) || !extension.empty()) return "key_share: list length";
  for (Reader shares(list); !shares.empty();) {
    std::uint16_t group = 0;
    ByteView key;
    if (!shares.U16(group) || !shares.Vector16(key)) return "key_share: entry over its list";
    if (key.empty()) return "key_share: empty key (RFC 8446, 4.2.8)";
  }
  hello.key_share_groups = KeyShareList(list);
  return {};
}

Broken ReadExtension(const Extension& extension, ClientHello& hello) {
  switch (extension.type) {
    case kServerName:
      return ReadServerName(extension.data, hello);
    case kSignatureAlgorithms:
      return ReadSignatureAlgorithms(extension.data, hello);
    case kAlpn:
      return ReadAlpn(extension.data, hello);
    case kSupportedVersions:
      return ReadSupportedVersions(extension.data, hello);
    case kKeyShare:
      return ReadKeyShare(extension.data, hello);
    case kSessionTicket:
      hello.has_ticket = !extension.data.empty();
      return {};
    case kPreSharedKey:
      hello.has_psk = true;
      return {};
    case kEarlyData:
      hello.has_early_data = true;
      return {};
    case kEncryptedClientHello:
      hello.has_ech = true;
      return {};
    default:
      return {};
  }
}

Broken ReadExtensions(ByteView block, ClientHello& hello) {
  SeenTypes seen;
  for (Reader reader(block); !reader.empty();) {
    // RFC 8446, 4.2.11. Servers check the binder over everything before it.
    if (hello.has_psk) return "pre_shared_key is not last (RFC 8446, 4.2.11)";
    Extension extension;
    if (!reader.U16(extension.type) || !reader.Vector16(extension.data)) {
      return "extension over its block";
    }
    if (!seen.Insert(extension.type)) return "duplicate extension (RFC 8446, 4.2)";
    ++hello.extension_count;
    if (const Broken broken = ReadExtension(extension, hello); !broken.empty()) return broken;
  }
  hello.extensions = ExtensionList(block);
  return {};
}

}  // namespace

std::string_view ParseHelloBody(ByteView body, ClientHello& hello) {
  hello = {};
  Reader reader(body);
  if (!reader.U16(hello.legacy_version) || !reader.Skip(32)) return "body ends in its first fields";
  if (!reader.Vector8(hello.session_id)) return "session_id over the body";
  if (hello.session_id.size() > 32) return "session_id over 32 bytes (RFC 8446, 4.1.2)";
  ByteView ciphers;
  if (!reader.Vector16(ciphers)) return "cipher_suites over the body";
  if (ciphers.empty() || ciphers.size() % 2 != 0) return "cipher_suites length (RFC 8446, 4.1.2)";
  hello.ciphers = U16List(ciphers);
  ByteView compression;
  if (!reader.Vector8(compression)) return "compression_methods over the body";
  if (compression.empty()) return "no compression_methods (RFC 8446, 4.1.2)";
  if (reader.empty()) return {};  // TLS 1.2 and before may have no extensions (RFC 5246, 7.4.1.2)
  ByteView extensions;
  if (!reader.Vector16(extensions) || !reader.empty()) return "extensions length";
  return ReadExtensions(extensions, hello);
}

}  // namespace sstplb::tls
