// SPDX-License-Identifier: Apache-2.0
#include "lb/base/inherited_sockets.h"

#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace sstplb {
namespace {

struct Free {
  void operator()(void* memory) const { std::free(memory); }  // NOLINT: libsystemd's malloc()
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

}  // namespace

Result<std::vector<InheritedSocket>> TakeInheritedSockets() {
  char** list = nullptr;
  const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &list);
  const Owned<char*> names(list);
  if (count < 0) {
    return Error{std::string("LISTEN_FDS: cannot take the sockets of the service manager: ") +
                 std::strerror(-count)};
  }
  std::vector<InheritedSocket> sockets;
  for (int i = 0; i < count; ++i) {
    const Owned<char> name(names == nullptr ? nullptr : names.get()[i]);
    sockets.push_back({Fd(SD_LISTEN_FDS_START + i), name == nullptr ? "" : name.get()});
  }
  return sockets;
}

}  // namespace sstplb
