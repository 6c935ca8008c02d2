// SPDX-License-Identifier: Apache-2.0
#include "probes/certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "probes/ocsp.h"
#include "probes/text.h"

namespace sstplb::probes {
namespace {

constexpr std::size_t kMaxName = 512;
constexpr int kMaxNames = 256;
constexpr int kMaxChain = 10;

std::string Hex(const unsigned char* bytes, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string Fingerprint(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return {};
  return Hex(digest, size);
}

std::string NameText(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
    return {};
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return Printable({data, static_cast<std::size_t>(std::max(size, 0L))}, kMaxName);
}

std::string AddressText(const ASN1_OCTET_STRING* octets) {
  const unsigned char* bytes = ASN1_STRING_get0_data(octets);
  if (ASN1_STRING_length(octets) == 4) {
    std::array<std::uint8_t, 4> v4{};
    std::copy_n(bytes, v4.size(), v4.begin());
    return IpAddress::V4(v4).ToString();
  }
  if (ASN1_STRING_length(octets) != 16) return "?";
  std::array<std::uint8_t, 16> v6{};
  std::copy_n(bytes, v6.size(), v6.begin());
  return IpAddress::V6(v6).ToString();
}

std::string CommonName(const X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  return Printable({data, static_cast<std::size_t>(ASN1_STRING_length(text))}, kMaxName);
}

std::vector<std::string> AlternativeNames(X509* certificate, bool& cut) {
  std::vector<std::string> texts;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  if (!names) return texts;
  cut = sk_GENERAL_NAME_num(names.get()) > kMaxNames;
  for (int i = 0; i < std::min(sk_GENERAL_NAME_num(names.get()), kMaxNames); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
      const auto size = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
      texts.push_back(Printable({data, size}, kMaxName));
    } else if (name->type == GEN_IPADD) {
      texts.push_back(AddressText(name->d.iPAddress));
    }
  }
  return texts;
}

CertificateFacts ReadCertificate(X509* certificate, long verify_result) {
  CertificateFacts facts;
  facts.sha256 = Fingerprint(certificate);
  facts.subject = NameText(X509_get_subject_name(certificate));
  facts.issuer = NameText(X509_get_issuer_name(certificate));
  facts.common_name = CommonName(certificate);
  facts.names = AlternativeNames(certificate, facts.names_cut);
  facts.not_before = ToWallTime(X509_get0_notBefore(certificate));
  facts.not_after = ToWallTime(X509_get0_notAfter(certificate));
  facts.self_signed = X509_self_signed(certificate, 1) == 1;
  facts.verified = verify_result == X509_V_OK;
  if (!facts.verified) facts.verify_error = X509_verify_cert_error_string(verify_result);
  return facts;
}

bool NameMatches(X509* certificate, const std::string& server_name, const IpAddress& address) {
  if (!server_name.empty() && !IpAddress::Parse(server_name)) {
    return X509_check_host(certificate, server_name.data(), server_name.size(), 0, nullptr) == 1;
  }
  const std::string text = server_name.empty() ? address.ToString() : server_name;
  return X509_check_ip_asc(certificate, text.c_str(), 0) == 1;
}

Trouble ChainTrouble(long verify_result) {
  const Outcome outcome = verify_result == X509_V_ERR_CERT_HAS_EXPIRED
                              ? Outcome::kCertificateExpired
                              : Outcome::kCertificateInvalid;
  return {outcome, X509_verify_cert_error_string(verify_result)};
}

}  // namespace

TlsFacts ReadTlsFacts(SSL* ssl) {
  TlsFacts facts;
  facts.version = SSL_get_version(ssl);
  facts.cipher = SSL_get_cipher_name(ssl);
  const unsigned char* alpn = nullptr;
  unsigned int alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  if (alpn_size > 0) facts.alpn = Printable({reinterpret_cast<const char*>(alpn), alpn_size}, 255);
  if (X509* own = SSL_get0_peer_certificate(ssl); own != nullptr) {
    facts.certificate = ReadCertificate(own, SSL_get_verify_result(ssl));
  }
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < std::min(sk_X509_num(chain), kMaxChain); ++i) {
    X509* link = sk_X509_value(chain, i);
    facts.chain.push_back({NameText(X509_get_subject_name(link)),
                           ToWallTime(X509_get0_notAfter(link)), X509_self_signed(link, 1) == 1});
  }
  facts.ocsp = ReadStapledOcsp(ssl);
  ERR_clear_error();  // a name that cannot be read is no error of the connection
  return facts;
}

std::optional<Trouble> JudgeCertificate(SSL* ssl, config::Verify verify,
                                        const std::string& server_name, const IpAddress& address) {
  if (verify == config::Verify::kNone) return std::nullopt;
  X509* own = SSL_get0_peer_certificate(ssl);
  if (own == nullptr) return Trouble{Outcome::kCertificateInvalid, "the server shows none"};
  const long result = SSL_get_verify_result(ssl);
  if (result != X509_V_OK) return ChainTrouble(result);
  if (verify == config::Verify::kName && !NameMatches(own, server_name, address)) {
    return Trouble{Outcome::kCertificateNameMismatch,
                   "not for " + (server_name.empty() ? address.ToString() : server_name)};
  }
  return std::nullopt;
}

}  // namespace sstplb::probes
