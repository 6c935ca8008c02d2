// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/mschap.h"

// MD4 and DES are what the protocol is made of; their modern interface needs a provider that is
// not always installed.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/des.h>
#include <openssl/evp.h>
#include <openssl/md4.h>
#include <openssl/pkcs12.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <utility>

namespace sstplb::tunnel {
namespace {

using Md4Hash = std::array<std::uint8_t, 16>;
using Sha1Hash = std::array<std::uint8_t, 20>;

constexpr std::string_view kSigning = "Magic server to client signing constant";
constexpr std::string_view kIteration = "Pad to make it do more than one iteration";
constexpr std::string_view kMasterKey = "This is the MPPE Master Key";
constexpr std::string_view kClientSends =
    "On the client side, this is the send key; on the server side, it is the receive key.";
constexpr std::string_view kClientReceives =
    "On the client side, this is the receive key; on the server side, it is the send key.";
constexpr std::size_t kPadSize = 40;
constexpr std::size_t kDesKeySize = 7;

Md4Hash Md4(ByteView data) {
  Md4Hash hash{};
  MD4(data.data(), data.size(), hash.data());
  return hash;
}

Sha1Hash Sha1(std::initializer_list<ByteView> parts) {
  Bytes all;
  for (const ByteView part : parts) all.insert(all.end(), part.begin(), part.end());
  Sha1Hash hash{};
  EVP_Digest(all.data(), all.size(), hash.data(), nullptr, EVP_sha1(), nullptr);
  return hash;
}

// Little endian, without an end mark.
Bytes ToUtf16(std::string_view text) {
  unsigned char* big = nullptr;
  int size = 0;
  OPENSSL_utf82uni(text.data(), static_cast<int>(text.size()), &big, &size);
  if (big == nullptr) return {};
  Bytes out(big, big + std::max(size - 2, 0));
  OPENSSL_clear_free(big, static_cast<std::size_t>(size));
  for (std::size_t i = 0; i + 1 < out.size(); i += 2) std::swap(out[i], out[i + 1]);
  return out;
}

// DES takes 8 bytes with 7 bits of the key in each, and a bit of parity that nobody looks at.
void EncryptDes(const std::uint8_t* key, const Sha1Hash& block, std::uint8_t* out) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < kDesKeySize; ++i) bits = bits << 8 | key[i];
  DES_cblock spread{};
  for (std::size_t i = 0; i < sizeof spread; ++i) {
    spread[i] = static_cast<std::uint8_t>((bits >> (49 - 7 * i) & 0x7f) << 1);
  }
  DES_key_schedule schedule;
  DES_set_key_unchecked(&spread, &schedule);
  DES_cblock in{};
  DES_cblock result{};
  std::copy_n(block.begin(), sizeof in, in);
  DES_ecb_encrypt(&in, &result, &schedule, DES_ENCRYPT);
  std::copy_n(result, sizeof result, out);
}

std::string UpperHex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0x0f];
  }
  return text;
}

// The two keys, 16 bytes each, of which the client sends with the first.
sstp::Hash32 Keys(const Sha1Hash& master) {
  const ByteView key = ByteView(master).first(16);
  const Bytes zeros(kPadSize, 0x00);
  const Bytes twos(kPadSize, 0xf2);
  const Sha1Hash send = Sha1({key, zeros, AsBytes(kClientSends), twos});
  const Sha1Hash receive = Sha1({key, zeros, AsBytes(kClientReceives), twos});
  sstp::Hash32 both{};
  std::copy_n(send.begin(), 16, both.begin());
  std::copy_n(receive.begin(), 16, both.begin() + 16);
  return both;
}

}  // namespace

MschapAnswer AnswerMschap(const MschapChallenge& server, const MschapChallenge& client,
                          std::string_view user, std::string_view password) {
  const std::string_view name = user.substr(user.rfind('\\') + 1);
  const Sha1Hash challenge = Sha1({client, server, AsBytes(name)});
  const Md4Hash hash = Md4(ToUtf16(password));
  const Md4Hash twice = Md4(hash);
  std::array<std::uint8_t, 3 * kDesKeySize> keys{};
  std::copy(hash.begin(), hash.end(), keys.begin());
  MschapAnswer answer;
  for (std::size_t i = 0; i < 3; ++i) {
    EncryptDes(keys.data() + i * kDesKeySize, challenge, answer.response.data() + i * 8);
  }
  const Sha1Hash signature = Sha1({twice, answer.response, AsBytes(kSigning)});
  answer.proof =
      "S=" + UpperHex(Sha1({signature, ByteView(challenge).first(8), AsBytes(kIteration)}));
  answer.hlak = Keys(Sha1({twice, answer.response, AsBytes(kMasterKey)}));
  return answer;
}

}  // namespace sstplb::tunnel
