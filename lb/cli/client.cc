// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/client.h"

#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "lb/base/fd.h"

namespace sstplb::cli {
namespace {

constexpr time_t kConnectSeconds = 5;
constexpr time_t kAnswerSeconds = 20;   // the balancer gives up sooner, and says so
constexpr time_t kSilenceSeconds = 30;  // a followed balancer speaks every ten

constexpr std::size_t kMaxPending = 1024 * 1024;

// Takes whole lines off the front of `pending` and gives the data of events on.
bool GiveEvents(std::string& pending, const std::function<bool(std::string_view)>& on_data) {
  constexpr std::string_view kData = "data: ";
  std::size_t end = 0;
  while ((end = pending.find('\n')) != std::string::npos) {
    const std::string line = pending.substr(0, end);
    pending.erase(0, end + 1);
    if (line.starts_with(kData) && !on_data(std::string_view(line).substr(kData.size()))) {
      return false;
    }
  }
  return pending.size() < kMaxPending;
}

std::string Target(const std::string& path, const Parameters& parameters) {
  std::string out = path;
  for (const auto& [name, value] : parameters) {
    out += (out.size() == path.size() ? "?" : "&") + name + "=" + Encode(value);
  }
  return out;
}

httplib::Request MakeRequest(std::string_view method, const std::string& path,
                             const Parameters& parameters, const std::string& body) {
  httplib::Request request;
  request.method = method;
  request.path = Target(path, parameters);
  request.set_header("Host", "localhost");
  if (!body.empty()) {
    request.body = body;
    request.set_header("Content-Type", "application/json");
  }
  return request;
}

void Prepare(httplib::Client& client, time_t silence) {
  client.set_address_family(AF_UNIX);
  client.set_connection_timeout(kConnectSeconds);
  client.set_read_timeout(silence);
  client.set_write_timeout(kConnectSeconds);
  client.set_url_encode(false);
}

}  // namespace

std::string Encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

Error Client::Explain(bool timed_out) const {
  const std::string nobody = "no balancer answers at " + socket_ + ": ";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof address.sun_path) return {nobody + "the path is too long"};
  socket_.copy(address.sun_path, sizeof address.sun_path - 1);
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), generic, sizeof address) == 0) {
    return {timed_out ? nobody + "it takes the question and stays silent; its log may tell why"
                      : nobody + "the connection ended before the answer; it may be stopping"};
  }
  const int why = errno;
  if (why == EACCES || why == EPERM) {
    return {"may not open " + socket_ +
            ": run this as root or as a member of the socket's group (ls -l " + socket_ + ")"};
  }
  if (why == ENOENT || why == ECONNREFUSED || why == ENOTDIR) {
    return {nobody +
            "is `sstplb run` running? If its admin.socket is elsewhere, name it with "
            "--socket PATH, -c FILE or SSTPLB_SOCKET"};
  }
  return {nobody + std::strerror(why)};
}

Result<Reply> Client::Ask(std::string_view method, const std::string& path,
                          const Parameters& parameters, const std::string& body) const {
  httplib::Client client(socket_, 80);
  Prepare(client, kAnswerSeconds);
  const httplib::Result result = client.send(MakeRequest(method, path, parameters, body));
  if (!result) return Explain(result.error() == httplib::Error::Read);
  return Reply{result->status, result->body};
}

Result<Reply> Client::Follow(const std::string& path, const Parameters& parameters,
                             const std::function<bool(std::string_view)>& on_data) const {
  httplib::Client client(socket_, 80);
  Prepare(client, kSilenceSeconds);
  httplib::Request request = MakeRequest("GET", path, parameters, "");
  Reply reply;
  bool enough = false;
  std::string pending;
  request.response_handler = [&](const httplib::Response& response) {
    reply.status = response.status;
    return true;
  };
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    std::string& to = reply.status == 200 ? pending : reply.body;
    to.append(data, size);
    if (reply.status != 200) return to.size() < kMaxPending;
    enough = !GiveEvents(pending, on_data);
    return !enough;
  };
  const httplib::Result result = client.send(request);
  if (enough || (result && reply.status != 200)) return reply;
  return Explain(false);
}

}  // namespace sstplb::cli
