// SPDX-License-Identifier: Apache-2.0
#include "tests/backend/dns_server.h"

#include <sys/socket.h>

#include <cstdlib>

namespace sstplb::backend {
namespace {

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr std::uint16_t kClassInternet = 1;

// RFC 1035, section 4.1: the flags of an answer from a server that also asks others.
constexpr std::uint16_t kAnswerFlags = 0x8180;
constexpr std::uint16_t kNoSuchName = 3;
constexpr std::uint16_t kServerFailure = 2;

std::string ReadName(Reader& reader) {
  std::string name;
  ByteView label;
  while (reader.Vector8(label) && !label.empty()) {
    if (!name.empty()) name += '.';
    name += AsText(label);
  }
  return name;
}

}  // namespace

DnsServer::DnsServer(Loop& loop)
    : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      watcher_(loop.ev()) {
  sockaddr_storage storage;
  const socklen_t size = SocketAddress{IpAddress::V4({127, 0, 0, 1}), 0}.ToSockaddr(storage);
  if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) std::abort();
  watcher_.set<DnsServer, &DnsServer::OnQuestion>(this);
  watcher_.start(socket_.get(), ev::READ);
}

void DnsServer::OnQuestion(ev::io&, int) {
  Bytes question(512);
  sockaddr_storage from;
  socklen_t size = sizeof from;
  auto* peer = reinterpret_cast<sockaddr*>(&from);
  const ssize_t got = ::recvfrom(socket_.get(), question.data(), question.size(), 0, peer, &size);
  if (got < 0) return;
  ++questions_;
  question.resize(static_cast<std::size_t>(got));
  const Bytes reply = Reply(question);
  if (!reply.empty()) (void)::sendto(socket_.get(), reply.data(), reply.size(), 0, peer, size);
}

Bytes DnsServer::Reply(ByteView question) {
  Reader reader(question);
  std::uint16_t id = 0;
  std::uint16_t type = 0;
  constexpr std::size_t kRestOfHeader = 10;
  if (!reader.U16(id) || !reader.Skip(kRestOfHeader)) return {};
  const ByteView question_begin = reader.rest();
  const std::string name = ReadName(reader);
  if (!reader.U16(type) || !reader.Skip(2)) return {};
  const ByteView asked = question_begin.first(question_begin.size() - reader.left());

  const auto found = answers_.find(name);
  const Answer answer =
      found == answers_.end() ? Answer{.kind = Answer::Kind::kNoSuchName} : found->second;
  if (answer.kind == Answer::Kind::kSilence) return {};
  std::vector<IpAddress> addresses;
  for (const std::string& text : answer.addresses) {
    const IpAddress ip = *IpAddress::Parse(text);
    if (type == (ip.is_v4() ? kTypeA : kTypeAaaa)) addresses.push_back(ip);
  }

  Bytes out;
  Writer writer(out);
  writer.U16(id);
  const bool failed = answer.kind == Answer::Kind::kServerFailure;
  const bool missing = answer.kind == Answer::Kind::kNoSuchName;
  writer.U16(static_cast<std::uint16_t>(kAnswerFlags | (missing ? kNoSuchName : 0) |
                                        (failed ? kServerFailure : 0)));
  writer.U16(1);
  writer.U16(static_cast<std::uint16_t>(addresses.size()));
  writer.U32(0);  // no authority, nothing additional
  writer.Raw(asked);
  for (const IpAddress& ip : addresses) {
    writer.U16(0xc00c);  // the name of the question
    writer.U16(type);
    writer.U16(kClassInternet);
    writer.U32(answer.ttl);
    const auto v4 = ip.v4_bytes();
    writer.U16(ip.is_v4() ? 4 : 16);
    writer.Raw(ip.is_v4() ? ByteView(v4) : ByteView(ip.bytes()));
  }
  return out;
}

}  // namespace sstplb::backend
