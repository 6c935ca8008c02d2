// SPDX-License-Identifier: Apache-2.0
#include "lb/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "lb/base/hash.h"

namespace sstplb {
namespace {

constexpr int kMappedPrefix = 96;
constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<unsigned> ParseDecimal(std::string_view text, unsigned limit) {
  unsigned value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  if (value > limit || text.empty()) return std::nullopt;
  return value;
}

template <class Getter>
std::optional<SocketAddress> AddressBy(Getter get, int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (get(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  return SocketAddress::FromSockaddr(reinterpret_cast<const sockaddr*>(&storage));
}

}  // namespace

IpAddress IpAddress::V4(std::array<std::uint8_t, 4> bytes) {
  IpAddress ip;
  std::copy(bytes.begin(), bytes.end(), ip.bytes_.begin() + 12);
  return ip;
}

IpAddress IpAddress::V6(const std::array<std::uint8_t, 16>& bytes) {
  IpAddress ip;
  ip.bytes_ = bytes;
  ip.v4_ = std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
  return ip;
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, copy.c_str(), v4.data()) == 1) return V4(v4);
  std::array<std::uint8_t, 16> v6{};
  if (inet_pton(AF_INET6, copy.c_str(), v6.data()) == 1) return V6(v6);
  return std::nullopt;
}

bool IpAddress::is_unspecified() const {
  const auto* begin = v4_ ? bytes_.data() + 12 : bytes_.data();
  return std::all_of(begin, bytes_.data() + 16, [](std::uint8_t b) { return b == 0; });
}

IpAddress IpAddress::SourceKey() const {
  if (v4_) return *this;
  IpAddress key = *this;
  std::fill(key.bytes_.begin() + 8, key.bytes_.end(), std::uint8_t{0});
  return key;
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  if (v4_) return inet_ntop(AF_INET, bytes_.data() + 12, text, sizeof text);
  return inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
}

std::size_t IpAddressHash::operator()(const IpAddress& ip) const {
  return static_cast<std::size_t>(Hash64(ip.bytes(), 0));
}

std::optional<SocketAddress> SocketAddress::Parse(std::string_view text) {
  const auto host_port = HostPort::Parse(text);
  if (!host_port) return std::nullopt;
  return host_port->AsAddress();
}

std::optional<SocketAddress> SocketAddress::FromSockaddr(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    return SocketAddress{IpAddress::V4(bytes), ntohs(in.sin_port)};
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return SocketAddress{IpAddress::V6(bytes), ntohs(in.sin6_port)};
  }
  return std::nullopt;
}

socklen_t SocketAddress::ToSockaddr(sockaddr_storage& out) const {
  out = {};
  if (ip.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.v4_bytes().data(), 4);
    std::memcpy(&out, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  std::memcpy(&in.sin6_addr, ip.bytes().data(), 16);
  std::memcpy(&out, &in, sizeof in);
  return sizeof in;
}

std::string SocketAddress::ToString() const {
  if (ip.is_v4()) return ip.ToString() + ":" + std::to_string(port);
  return "[" + ip.ToString() + "]:" + std::to_string(port);
}

std::optional<SocketAddress> LocalAddress(int fd) { return AddressBy(::getsockname, fd); }
std::optional<SocketAddress> PeerAddress(int fd) { return AddressBy(::getpeername, fd); }

std::optional<HostPort> HostPort::Parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = ParseDecimal(text.substr(colon + 1), 65535);
  if (!port) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // Without brackets a second colon would leave open where the port begins.
  if (host.empty() || (!bracketed && host.find(':') != std::string_view::npos)) return std::nullopt;
  if (bracketed) {
    const auto ip = IpAddress::Parse(host);
    if (!ip || host.find(':') == std::string_view::npos) return std::nullopt;
  }
  constexpr std::size_t kLongestName = 253;  // RFC 1035, section 2.3.4, as text
  if (host.size() > kLongestName) return std::nullopt;
  const auto valid = [](char c) {
    return std::string_view("/ \t\r\n[]@\"'\x7f").find(c) == std::string_view::npos && c > ' ';
  };
  if (!std::all_of(host.begin(), host.end(), valid)) return std::nullopt;
  return HostPort{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::optional<SocketAddress> HostPort::AsAddress() const {
  const auto ip = IpAddress::Parse(host);
  if (!ip) return std::nullopt;
  return SocketAddress{*ip, port};
}

std::string HostPort::ToString() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<Cidr> Cidr::Parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto ip = IpAddress::Parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  const int width = ip->is_v4() ? 32 : 128;
  int bits = width;
  if (slash != std::string_view::npos) {
    const auto parsed = ParseDecimal(text.substr(slash + 1), static_cast<unsigned>(width));
    if (!parsed) return std::nullopt;
    bits = static_cast<int>(*parsed);
  }
  Cidr block;
  block.base_ = *ip;
  block.bits_ = ip->is_v4() ? bits + kMappedPrefix : bits;
  return block;
}

bool Cidr::Contains(const IpAddress& ip) const {
  if (ip.is_v4() != base_.is_v4()) return false;
  const auto whole = static_cast<std::size_t>(bits_ / 8);
  const auto& a = base_.bytes();
  const auto& b = ip.bytes();
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
    return false;
  }
  const int rest = bits_ % 8;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

std::string Cidr::ToString() const {
  const int bits = base_.is_v4() ? bits_ - kMappedPrefix : bits_;
  const int width = base_.is_v4() ? 32 : 128;
  return bits == width ? base_.ToString() : base_.ToString() + "/" + std::to_string(bits);
}

bool ContainsAny(const std::vector<Cidr>& blocks, const IpAddress& ip) {
  return std::any_of(blocks.begin(), blocks.end(), [&](const Cidr& c) { return c.Contains(ip); });
}

}  // namespace sstplb
