// Listening sockets for the admin server: a Unix socket that nobody else can reach at any moment,
// and a TCP socket.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/base/inherited_sockets.h"
#include "lb/base/result.h"

namespace sstplb::admin {

// A bound Unix socket. Removes its file when destroyed, unless another took its place.
class UnixListener {
 public:
  // `mode` is the file's from its first moment on. A socket file that nobody listens at any more is
  // replaced, one that is answered and any other file is an error. The last folder of the path is
  // made when it is missing.
  static Result<UnixListener> Open(const std::string& path, std::uint32_t mode);
  // One that another process has opened, and whose file is not this one's until OwnFile().
  static UnixListener Adopt(Fd listening);
  // From here on the file at `path` is ours to remove.
  void OwnFile(const std::string& path);
  // The file stays: another process listens there.
  void KeepFile() { path_.clear(); }
  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&&) = delete;
  ~UnixListener();

  int fd() const { return fd_.get(); }

 private:
  UnixListener() = default;
  Fd fd_;
  std::string path_;
  std::uint64_t device_ = 0;  // which file is ours
  std::uint64_t inode_ = 0;
};

// Takes the admin socket out of what the service manager has passed: a Unix stream socket that is
// named "admin" or bound to `path`. Not valid when there is none.
Fd TakeAdminSocket(std::vector<InheritedSocket>& passed, const std::string& path);

// `address` may have port 0; LocalAddress() tells the real one.
Result<Fd> ListenTcp(const SocketAddress& address);

}  // namespace sstplb::admin
