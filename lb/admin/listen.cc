// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/listen.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sstplb::admin {
namespace {

constexpr int kBacklog = 64;

std::string Because() { return std::string(": ") + std::strerror(errno); }

Result<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error{"admin.socket: a path has 1 to " + std::to_string(sizeof address.sun_path - 1) +
                 " bytes, not " + std::to_string(path.size()) + ": choose a shorter one"};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* AsSockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

int Option(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// Where a Unix socket is bound; "" when it has no path.
std::string PathOf(int fd) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  const std::size_t length = size - offsetof(sockaddr_un, sun_path);
  return std::string(address.sun_path, ::strnlen(address.sun_path, length));
}

// /run/sstplb is on no disk: after a boot it is missing unless the service manager makes it.
void MakeFolder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) ::mkdir(path.substr(0, slash).c_str(), 0755);
}

// Removes what a process that is gone has left; fails when the path is somebody's.
Status ClearStale(const std::string& path, const sockaddr_un& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return Done{};  // bind() tells what else is wrong
  if (!S_ISSOCK(info.st_mode)) {
    return Error{"admin.socket: " + path + " exists and is no socket: remove it or choose another"};
  }
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool refused =
      ::connect(probe.get(), AsSockaddr(address), sizeof address) != 0 && errno == ECONNREFUSED;
  if (!refused) {
    return Error{"admin.socket: a balancer already answers at " + path +
                 ": stop it, or give this one another admin.socket"};
  }
  if (::unlink(path.c_str()) != 0) {
    return Error{"admin.socket: cannot remove the stale " + path + Because()};
  }
  return Done{};
}

}  // namespace

Result<UnixListener> UnixListener::Open(const std::string& path, std::uint32_t mode) {
  const Result<sockaddr_un> address = UnixAddress(path);
  if (!address) return address.error();
  MakeFolder(path);
  if (const Status cleared = ClearStale(path, *address); !cleared) return cleared.error();

  UnixListener out;
  out.fd_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // On Linux the file gets the mode that the unbound socket has, less the umask: there is no moment
  // in which it is wider, and the umask, which all threads share, is left alone. What the umask
  // took away is given back when the file is there.
  if (::fchmod(out.fd_.get(), static_cast<mode_t>(mode)) != 0 ||
      ::bind(out.fd_.get(), AsSockaddr(*address), sizeof *address) != 0) {
    return Error{"admin.socket: cannot bind " + path + Because()};
  }
  out.OwnFile(path);
  if (::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0 ||
      ::listen(out.fd_.get(), kBacklog) != 0) {
    return Error{"admin.socket: cannot listen at " + path + Because()};
  }
  return out;
}

UnixListener UnixListener::Adopt(Fd listening) {
  (void)::fcntl(listening.get(), F_SETFL, ::fcntl(listening.get(), F_GETFL) | O_NONBLOCK);
  UnixListener out;
  out.fd_ = std::move(listening);
  return out;
}

void UnixListener::OwnFile(const std::string& path) {
  path_ = path;
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return;
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : fd_(std::move(other.fd_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

UnixListener::~UnixListener() {
  struct stat info {};
  if (path_.empty() || ::lstat(path_.c_str(), &info) != 0) return;
  if (info.st_dev == device_ && info.st_ino == inode_) ::unlink(path_.c_str());
}

Fd TakeAdminSocket(std::vector<InheritedSocket>& passed, const std::string& path) {
  const auto fits = [&path](const InheritedSocket& socket) {
    const int fd = socket.fd.get();
    const bool unix_stream = Option(fd, SO_DOMAIN) == AF_UNIX && Option(fd, SO_TYPE) == SOCK_STREAM;
    if (!unix_stream || Option(fd, SO_ACCEPTCONN) != 1) return false;
    return socket.name == "admin" || PathOf(fd) == path;
  };
  const auto found = path.empty() ? passed.end() : std::ranges::find_if(passed, fits);
  if (found == passed.end()) return Fd();
  Fd fd = std::move(found->fd);
  passed.erase(found);
  return fd;
}

Result<Fd> ListenTcp(const SocketAddress& address) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ip.is_v6()) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  sockaddr_storage storage{};
  const socklen_t size = address.ToSockaddr(storage);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return Error{"admin.http: cannot listen at " + address.ToString() + Because() +
                 ": choose another address, or \"\" for none"};
  }
  return fd;
}

}  // namespace sstplb::admin
