// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/server.h"

#include <fcntl.h>

#include <fstream>
#include <string>

#include "lb/admin/door.h"
#include "lb/admin/listen.h"
#include "lb/admin/routes.h"

namespace sstplb::admin {
namespace {

constexpr std::size_t kMinToken = 16;
constexpr std::size_t kMaxToken = 4096;

// One line; what is around it is not part of the token.
Result<std::string> ReadToken(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path);
  std::string token;
  if (!file || !std::getline(file, token)) {
    return Error{"admin.http_token_file: cannot read a token from " + path};
  }
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.size() < kMinToken || token.size() > kMaxToken) {
    return Error{"admin.http_token_file: the first line of " + path +
                 " must be a token of at least 16 characters, as of `openssl rand -hex 32`"};
  }
  return token;
}

bool IsLoopback(const IpAddress& ip) {
  static const auto kBlocks = {Cidr::Parse("127.0.0.0/8"), Cidr::Parse("::1/128")};
  for (const auto& block : kBlocks) {
    if (block && block->Contains(ip)) return true;
  }
  return false;
}

}  // namespace

struct AdminServer::Parts {
  Router router;
  std::string path;
  bool keep_file = false;
  std::optional<UnixListener> socket;
  Fd http;
  // Last, so that they end first.
  std::optional<Door> socket_door;
  std::optional<Door> http_door;
};

AdminServer::AdminServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

AdminServer::~AdminServer() { Stop(); }

Result<std::unique_ptr<AdminServer>> AdminServer::Open(const config::Admin& options,
                                                       control::Api& api, Logger& logger,
                                                       PassedSockets passed) {
  const Result<std::string> token = ReadToken(options.http_token_file);
  if (!token) return token.error();
  auto parts = std::make_unique<Parts>();
  parts->router = MakeRouter(api);
  parts->path = options.socket;
  parts->keep_file = passed.keep_file;
  if (!options.socket.empty()) {
    Result<UnixListener> socket = passed.socket.valid()
                                      ? UnixListener::Adopt(std::move(passed.socket))
                                      : UnixListener::Open(options.socket, options.socket_mode);
    if (!socket) return socket.error();
    parts->socket.emplace(std::move(*socket));
    parts->socket_door.emplace(parts->socket->fd(), Policy{.trusted = true}, parts->router, logger);
  }
  if (options.http) {
    Result<Fd> http =
        passed.http.valid() ? Result<Fd>(std::move(passed.http)) : ListenTcp(*options.http);
    if (!http) return http.error();
    parts->http = std::move(*http);
    Policy policy{.loopback = IsLoopback(options.http->ip), .token = *token};
    parts->http_door.emplace(parts->http.get(), std::move(policy), parts->router, logger);
  }
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(parts)));
}

void AdminServer::Start() {
  if (parts_->socket_door) parts_->socket_door->Start();
  if (parts_->http_door) parts_->http_door->Start();
}

void AdminServer::Pause(Duration grace) {
  if (parts_->socket_door) parts_->socket_door->Pause(grace);
  if (parts_->http_door) parts_->http_door->Pause(grace);
}

void AdminServer::Resume() {
  if (parts_->socket_door) parts_->socket_door->Resume();
  if (parts_->http_door) parts_->http_door->Resume();
}

void AdminServer::Stop(Duration grace) {
  if (parts_->socket_door) parts_->socket_door->Stop(grace);
  if (parts_->http_door) parts_->http_door->Stop(grace);
}

PassedSockets AdminServer::Copies() const {
  const auto copy = [](int fd) { return Fd(fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 0)); };
  return {.socket = copy(parts_->socket ? parts_->socket->fd() : -1),
          .keep_file = parts_->keep_file,
          .http = copy(parts_->http.get())};
}

void AdminServer::OwnFile() {
  if (parts_->socket && !parts_->keep_file) parts_->socket->OwnFile(parts_->path);
}

void AdminServer::KeepFile() {
  if (parts_->socket) parts_->socket->KeepFile();
}

std::optional<SocketAddress> AdminServer::http_address() const {
  if (!parts_->http.valid()) return std::nullopt;
  return LocalAddress(parts_->http.get());
}

}  // namespace sstplb::admin
