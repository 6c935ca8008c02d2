// Addresses: one identity for one client, text both ways, and blocks.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/base/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "lb/base/fd.h"

namespace sstplb {
namespace {

IpAddress Ip(const char* text) {
  const auto ip = IpAddress::Parse(text);
  EXPECT_TRUE(ip.has_value()) << text;
  return ip.value_or(IpAddress());
}

TEST(IpAddress, ParseAndPrint) {
  const struct {
    const char* text;
    const char* printed;  // null: refused
    bool v4;
  } cases[] = {
      // text                     printed           v4
      {"192.0.2.1", "192.0.2.1", true},
      {"0.0.0.0", "0.0.0.0", true},
      {"255.255.255.255", "255.255.255.255", true},
      {"2001:db8::1", "2001:db8::1", false},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1", false},
      {"::", "::", false},
      {"::ffff:192.0.2.1", "192.0.2.1", true},  // one client, one identity
      {"::ffff:c000:0201", "192.0.2.1", true},
      {"", nullptr, false},
      {"192.0.2", nullptr, false},
      {"192.0.2.256", nullptr, false},
      {"192.0.2.01", nullptr, false},  // octal or decimal: nobody knows
      {"192.0.2.1 ", nullptr, false},
      {"[2001:db8::1]", nullptr, false},
      {"fe80::1%eth0", nullptr, false},
      {"2001:db8::1::2", nullptr, false},
      {"localhost", nullptr, false},
  };
  for (const auto& c : cases) {
    const auto ip = IpAddress::Parse(c.text);
    ASSERT_EQ(ip.has_value(), c.printed != nullptr) << '"' << c.text << '"';
    if (!ip) continue;
    EXPECT_EQ(ip->ToString(), c.printed);
    EXPECT_EQ(ip->is_v4(), c.v4) << c.text;
    EXPECT_EQ(ip->is_v6(), !c.v4) << c.text;
  }
  EXPECT_FALSE(IpAddress::Parse(std::string_view("192.0.2.1\0x", 11)));
}

TEST(IpAddress, Values) {
  EXPECT_EQ(IpAddress(), Ip("0.0.0.0"));
  EXPECT_EQ(IpAddress::V4({192, 0, 2, 1}), Ip("192.0.2.1"));
  EXPECT_EQ(IpAddress::V6(Ip("192.0.2.1").bytes()), Ip("192.0.2.1"));
  EXPECT_NE(Ip("::"), Ip("0.0.0.0"));
  EXPECT_LT(Ip("192.0.2.1"), Ip("192.0.2.2"));
  EXPECT_TRUE(Ip("0.0.0.0").is_unspecified());
  EXPECT_TRUE(Ip("::").is_unspecified());
  EXPECT_FALSE(Ip("::1").is_unspecified());
  EXPECT_FALSE(Ip("0.0.0.1").is_unspecified());
  EXPECT_EQ(IpAddressHash()(Ip("::ffff:192.0.2.1")), IpAddressHash()(Ip("192.0.2.1")));
}

TEST(IpAddress, SourceKeyIsTheSixtyFourOfIpv6) {
  EXPECT_EQ(Ip("192.0.2.1").SourceKey(), Ip("192.0.2.1"));
  EXPECT_EQ(Ip("2001:db8:1:2:3:4:5:6").SourceKey(), Ip("2001:db8:1:2::"));
  EXPECT_EQ(Ip("2001:db8:1:2::").SourceKey(), Ip("2001:db8:1:2:ffff::1").SourceKey());
  EXPECT_NE(Ip("2001:db8:1:2::").SourceKey(), Ip("2001:db8:1:3::").SourceKey());
}

TEST(SocketAddress, TextBothWays) {
  for (const char* text : {"192.0.2.1:443", "[2001:db8::1]:443", "0.0.0.0:0", "[::]:65535"}) {
    const auto address = SocketAddress::Parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->ToString(), text);
  }
  EXPECT_FALSE(SocketAddress::Parse("localhost:443"));
}

TEST(SocketAddress, SockaddrBothWays) {
  for (const char* text : {"192.0.2.1:443", "[2001:db8::1]:8443"}) {
    const SocketAddress address = *SocketAddress::Parse(text);
    sockaddr_storage storage;
    const socklen_t size = address.ToSockaddr(storage);
    EXPECT_EQ(size, address.ip.is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    EXPECT_EQ(storage.ss_family, address.family());
    EXPECT_EQ(SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage)), address);
  }
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  EXPECT_FALSE(SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&local)));
}

TEST(SocketAddress, OfARealSocket) {
  const Fd listener(::socket(AF_INET6, SOCK_STREAM, 0));
  sockaddr_storage storage;
  const socklen_t any = SocketAddress{Ip("::"), 0}.ToSockaddr(storage);
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&storage), any) != 0) {
    GTEST_SKIP() << "no IPv6 on this machine";
  }
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  const auto bound = LocalAddress(listener.get());
  ASSERT_TRUE(bound);
  EXPECT_NE(bound->port, 0);
  EXPECT_FALSE(PeerAddress(listener.get()));

  // Over a socket of both families an IPv4 client looks IPv6: it must not stay so.
  const Fd client(::socket(AF_INET, SOCK_STREAM, 0));
  const socklen_t size = SocketAddress{Ip("127.0.0.1"), bound->port}.ToSockaddr(storage);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  const Fd accepted(::accept(listener.get(), nullptr, nullptr));
  EXPECT_EQ(PeerAddress(accepted.get()), LocalAddress(client.get()));
  EXPECT_TRUE(PeerAddress(accepted.get())->ip.is_v4());
}

TEST(HostPort, Parse) {
  const struct {
    const char* text;
    const char* host;  // null: refused
    int port;
    bool address;
  } cases[] = {
      // text                      host               port  address
      {"vpn1.example.com:443", "vpn1.example.com", 443, false},
      {"10.0.0.11:443", "10.0.0.11", 443, true},
      {"[2001:db8::11]:443", "2001:db8::11", 443, true},
      {"h:0", "h", 0, false},
      {"h:65535", "h", 65535, false},
      {"", nullptr, 0, false},
      {"h", nullptr, 0, false},
      {"h:", nullptr, 0, false},
      {":443", nullptr, 0, false},
      {"h:65536", nullptr, 0, false},
      {"h:99999999999999999999", nullptr, 0, false},
      {"h:-1", nullptr, 0, false},
      {"h:+1", nullptr, 0, false},
      {"h:4 4", nullptr, 0, false},
      {"h:https", nullptr, 0, false},
      {"2001:db8::11:443", nullptr, 0, false},  // where does the port begin
      {"[2001:db8::11]", nullptr, 0, false},
      {"[]:443", nullptr, 0, false},
      {"[h]:443", nullptr, 0, false},
      {"[10.0.0.11]:443", nullptr, 0, false},
      {"[2001:db8::11:443", nullptr, 0, false},
      {"https://h:443", nullptr, 0, false},
      {"user@h:443", nullptr, 0, false},
      {"a b:443", nullptr, 0, false},
      {"a\x7f:443", nullptr, 0, false},
      {"caf\xc3\xa9:443", nullptr, 0, false},
  };
  for (const auto& c : cases) {
    const auto parsed = HostPort::Parse(c.text);
    ASSERT_EQ(parsed.has_value(), c.host != nullptr) << '"' << c.text << '"';
    if (!parsed) continue;
    EXPECT_EQ(parsed->host, c.host);
    EXPECT_EQ(parsed->port, c.port) << c.text;
    EXPECT_EQ(parsed->AsAddress().has_value(), c.address) << c.text;
    EXPECT_EQ(parsed->ToString(), c.text);
  }
  std::string longest(253, 'a');
  longest += ":443";
  EXPECT_TRUE(HostPort::Parse(longest));
  longest.insert(0, 1, 'a');
  EXPECT_FALSE(HostPort::Parse(longest));
  EXPECT_FALSE(HostPort::Parse(std::string_view("a\0b:443", 7)));
}

TEST(Cidr, Contains) {
  const struct {
    const char* block;
    const char* ip;
    bool inside;
  } cases[] = {
      // block            address               inside
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.7/8", "10.1.2.3", true},  // host bits do not count
      {"192.0.2.128/25", "192.0.2.128", true},
      {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},
      {"192.0.2.1/32", "192.0.2.1", true},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},  // all of IPv4 is not all
      {"::/0", "2001:db8::1", true},
      {"::/0", "192.0.2.1", false},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"2001:db8::1/128", "2001:db8::1", true},
      {"10.0.0.0/8", "::ffff:10.1.2.3", true},
  };
  for (const auto& c : cases) {
    const auto block = Cidr::Parse(c.block);
    ASSERT_TRUE(block) << c.block;
    EXPECT_EQ(block->Contains(Ip(c.ip)), c.inside) << c.ip << " in " << c.block;
  }
}

TEST(Cidr, Parse) {
  for (const char* text :
       {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.1", "2001:db8::/32", "::/0", "::1"}) {
    const auto block = Cidr::Parse(text);
    ASSERT_TRUE(block) << text;
    EXPECT_EQ(block->ToString(), text);
  }
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8",
                           "2001:db8::/129", "10.0.0/8", "h/8", "10.0.0.0/8 "}) {
    EXPECT_FALSE(Cidr::Parse(text)) << '"' << text << '"';
  }
}

TEST(Cidr, AnyOfMany) {
  const std::vector<Cidr> blocks = {*Cidr::Parse("10.0.0.0/8"), *Cidr::Parse("2001:db8::/32")};
  EXPECT_TRUE(ContainsAny(blocks, Ip("2001:db8::7")));
  EXPECT_TRUE(ContainsAny(blocks, Ip("10.0.0.1")));
  EXPECT_FALSE(ContainsAny(blocks, Ip("192.0.2.1")));
  EXPECT_FALSE(ContainsAny({}, Ip("192.0.2.1")));
}

}  // namespace
}  // namespace sstplb
