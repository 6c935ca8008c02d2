// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string_view>

#include "lb/base/fd.h"

namespace sstplb::backend {
namespace {

constexpr std::size_t kLargest = 32 * 1024 * 1024;

std::string Because(int error) { return std::string(": ") + std::strerror(error); }

std::string Folder(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Where a file goes that cannot be used; empty when it cannot be moved, with errno set.
std::string MoveAway(const std::string& path, std::string_view word, WallTime now) {
  const std::time_t seconds = WallClock::to_time_t(now);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char stamp[32];
  (void)std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
  const std::string first = path + "." + std::string(word) + "-" + stamp;
  constexpr int kTries = 100;
  for (int i = 1; i <= kTries; ++i) {
    std::string name = i == 1 ? first : first + "-" + std::to_string(i);
    if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0) {
      return name;
    }
    if (errno != EEXIST) break;
  }
  return {};
}

Error Unusable(const std::string& path, const std::string& why, WallTime now) {
  const std::string kept = MoveAway(path, "bad", now);
  if (kept.empty()) {
    return Error{"state file " + path + " cannot be used: " + why + "; it could not be kept aside" +
                 Because(errno) + "; move it away by hand"};
  }
  return Error{"state file " + path + " cannot be used: " + why + "; it is kept as " + kept};
}

// Reads what is there, at most one byte more than is allowed.
Result<std::string> ReadAll(int fd) {
  std::string text;
  char block[64 * 1024];
  while (text.size() <= kLargest) {
    const ssize_t got = ::read(fd, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{"it cannot be read" + Because(errno)};
    if (got == 0) return text;
    text.append(block, static_cast<std::size_t>(got));
  }
  return Error{"it is larger than 32 MiB"};
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

// The new text, on the disk, under its temporary name.
Status WriteNew(const std::string& name, std::string_view text) {
  // Left over from a crash; removed and made anew, so that no link is followed.
  ::unlink(name.c_str());
  const Fd fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return Error{"cannot create " + name + Because(errno)};
  if (!WriteAll(fd.get(), text)) return Error{"cannot write " + name + Because(errno)};
  if (::fsync(fd.get()) != 0) return Error{"cannot sync " + name + Because(errno)};
  return Done{};
}

Status SyncFolder(const std::string& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) {
    return Error{"cannot sync the folder " + folder + Because(errno)};
  }
  return Done{};
}

Error NotSaved(const std::string& path, const Error& why) {
  return Error{"state file " + path + " is not saved: " + why.message +
               "; the folder has to be writable by the user that sstplb runs as, and not full"};
}

}  // namespace

Status MayBeSaved(const std::string& path) {
  const std::string folder = Folder(path);
  if (path.empty() || ::access(folder.c_str(), W_OK | X_OK) == 0) return Done{};
  return Error{path + " cannot be written" + Because(errno) +
               "; the folder has to be there, and writable by the user that sstplb runs as"};
}

bool IsThere(const std::string& path) {
  return !path.empty() && ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<std::string> KeepAside(const std::string& path, WallTime now) {
  if (!IsThere(path)) return std::string();
  std::string kept = MoveAway(path, "before", now);
  if (kept.empty()) return Error{path + " cannot be renamed" + Because(errno)};
  return kept;
}

Result<State> LoadStateFile(const std::string& path, WallTime now) {
  // Not blocking: a pipe in the file's place must not hang the start.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) {
    if (errno == ENOENT) return State{};
    return Unusable(path, "it cannot be opened" + Because(errno), now);
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Error{"state file " + path + " is no regular file; name another one in state_file"};
  }
  const auto text = ReadAll(fd.get());
  if (!text) return Unusable(path, text.error().message, now);
  auto state = ParseState(*text);
  if (!state) return Unusable(path, state.error().message, now);
  return state;
}

Status SaveStateFile(const std::string& path, const State& state, WallTime now) {
  const auto text = FormatState(state, now);
  if (!text) return NotSaved(path, text.error());
  return SaveStateText(path, *text);
}

Status SaveStateText(const std::string& path, std::string_view text) {
  if (text.size() > kLargest) {
    return Error{"state file " + path +
                 " is not saved: it would be larger than 32 MiB, and not "
                 "be read again; take away sections that are not this version's"};
  }
  const std::string name = path + ".new";
  if (const auto written = WriteNew(name, text); !written) {
    ::unlink(name.c_str());
    return NotSaved(path, written.error());
  }
  if (::rename(name.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(name.c_str());
    return NotSaved(path, Error{"cannot rename " + name + Because(error)});
  }
  if (const auto synced = SyncFolder(Folder(path)); !synced) return NotSaved(path, synced.error());
  return Done{};
}

}  // namespace sstplb::backend
