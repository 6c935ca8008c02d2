// IP addresses, socket addresses and CIDR blocks as plain comparable values.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sstplb {

// One IPv4 or IPv6 address. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is held as IPv4, so that a
// client has one identity however it was accepted.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress V4(std::array<std::uint8_t, 4> bytes);
  static IpAddress V6(const std::array<std::uint8_t, 16>& bytes);
  // Dotted quad or RFC 4291 text, nothing around it.
  static std::optional<IpAddress> Parse(std::string_view text);

  bool is_v4() const { return v4_; }
  bool is_v6() const { return !v4_; }
  // 16 bytes in network order; IPv4 in its mapped form.
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  std::array<std::uint8_t, 4> v4_bytes() const {
    return {bytes_[12], bytes_[13], bytes_[14], bytes_[15]};
  }
  bool is_unspecified() const;

  // Who a client is for affinity and limits: an IPv4 address itself, an IPv6 address its /64.
  IpAddress SourceKey() const;

  std::string ToString() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
  bool v4_ = true;
};

struct IpAddressHash {
  std::size_t operator()(const IpAddress& ip) const;
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  // "192.0.2.1:443" or "[2001:db8::1]:443".
  static std::optional<SocketAddress> Parse(std::string_view text);
  // AF_INET and AF_INET6 only.
  static std::optional<SocketAddress> FromSockaddr(const sockaddr* address);
  socklen_t ToSockaddr(sockaddr_storage& out) const;
  int family() const { return ip.is_v4() ? AF_INET : AF_INET6; }

  std::string ToString() const;

  auto operator<=>(const SocketAddress&) const = default;
};

// Where a descriptor is bound or connected; nullopt when it is neither or not IP.
std::optional<SocketAddress> LocalAddress(int fd);
std::optional<SocketAddress> PeerAddress(int fd);

// A host name or an address, with a port, as written in a configuration.
struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;

  static std::optional<HostPort> Parse(std::string_view text);
  // Set when the host is an address and needs no look-up.
  std::optional<SocketAddress> AsAddress() const;
  std::string ToString() const;

  bool operator==(const HostPort&) const = default;
};

// An address block: "10.0.0.0/8", "2001:db8::/32", or one address.
class Cidr {
 public:
  static std::optional<Cidr> Parse(std::string_view text);
  bool Contains(const IpAddress& ip) const;
  std::string ToString() const;

  bool operator==(const Cidr&) const = default;

 private:
  IpAddress base_;
  int bits_ = 0;  // of the 128 of the mapped form
};

bool ContainsAny(const std::vector<Cidr>& blocks, const IpAddress& ip);

}  // namespace sstplb
