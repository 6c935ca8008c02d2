// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/crypto_binding.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string_view>

namespace sstplb::tunnel {
namespace {

constexpr std::string_view kSeed = "SSTP inner method derived CMK";
constexpr std::uint8_t kSha1Size = 20;
constexpr std::uint8_t kSha256Size = 32;

const EVP_MD* Digest(std::uint8_t hash) {
  return hash == sstp::kHashSha1 ? EVP_sha1() : EVP_sha256();
}

sstp::Hash32 Mac(std::uint8_t hash, const sstp::CryptoBinding& binding, const Hlak& hlak) {
  // T1 of the PRF: the length is little endian, unlike everything else in SSTP.
  Bytes seed;
  Writer out(seed);
  out.Raw(kSeed);
  out.U8(hash == sstp::kHashSha1 ? kSha1Size : kSha256Size);
  out.U8(0);
  out.U8(1);
  unsigned char cmk[EVP_MAX_MD_SIZE];
  unsigned int cmk_size = 0;
  HMAC(Digest(hash), hlak.data(), static_cast<int>(hlak.size()), seed.data(), seed.size(), cmk,
       &cmk_size);

  sstp::CryptoBinding unsigned_binding = binding;
  unsigned_binding.mac = {};
  const Bytes message = sstp::EncodeCallConnected(unsigned_binding);
  sstp::Hash32 mac{};
  HMAC(Digest(hash), cmk, static_cast<int>(cmk_size), message.data(), message.size(), mac.data(),
       nullptr);
  return mac;
}

}  // namespace

sstp::Hash32 CertificateHash(std::uint8_t hash, ByteView der) {
  sstp::Hash32 digest{};
  EVP_Digest(der.data(), der.size(), digest.data(), nullptr, Digest(hash), nullptr);
  return digest;
}

sstp::CryptoBinding MakeBinding(std::uint8_t hash, const sstp::Hash32& nonce, ByteView der,
                                const Hlak& hlak) {
  sstp::CryptoBinding binding{hash, nonce, CertificateHash(hash, der), {}};
  binding.mac = Mac(hash, binding, hlak);
  return binding;
}

BindingVerdict CheckBinding(const sstp::CryptoBinding& binding,
                            const sstp::CryptoBindingRequest& offered, ByteView der,
                            const Hlak& hlak) {
  const bool known = binding.hash == sstp::kHashSha1 || binding.hash == sstp::kHashSha256;
  if (!known || (binding.hash & offered.hash_mask) == 0) return BindingVerdict::kBadHash;
  if (binding.nonce != offered.nonce) return BindingVerdict::kBadNonce;
  if (binding.certificate_hash != CertificateHash(binding.hash, der)) {
    return BindingVerdict::kBadCertificate;
  }
  if (binding.mac != Mac(binding.hash, binding, hlak)) return BindingVerdict::kBadMac;
  return BindingVerdict::kValid;
}

}  // namespace sstplb::tunnel
