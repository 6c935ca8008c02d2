// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/successor.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace sstplb::daemon {
namespace {

// Exit codes of a child that did not become the program, as a shell has them.
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

// A program that is run by another user than root loses every capability that is not ambient. Only
// system calls: between fork() and exec() of a process with threads nothing else is allowed.
void KeepCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return;
  for (auto& part : data) part.inheritable = part.permitted;
  if (::syscall(SYS_capset, &header, data.data()) != 0) return;
  for (unsigned cap = 0; cap <= CAP_LAST_CAP; ++cap) {
    if ((data[cap / 32].permitted >> (cap % 32) & 1) == 0) continue;
    (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
  }
}

[[noreturn]] void Become(const char* const* arguments) {
  // What is blocked or ignored here stays so over exec().
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (::geteuid() != 0) KeepCapabilities();
  ::execv(arguments[0], const_cast<char* const*>(arguments));
  ::_exit(errno == ENOENT ? kNotFound : kCannotRun);
}

std::string HowItEnded(const siginfo_t& info) {
  if (info.si_code != CLD_EXITED) return "killed by signal " + std::to_string(info.si_status);
  if (info.si_status == kNotFound) return "the binary is not there any more";
  if (info.si_status == kCannotRun) return "the binary cannot be run";
  return "ended with status " + std::to_string(info.si_status) +
         "; what it said is in the log or at the standard error of this process";
}

}  // namespace

std::string OwnBinary() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

Successor::Successor(Loop& loop, std::function<void(const std::string&)> ended)
    : ended_(std::move(ended)), end_(loop.ev()) {
  end_.set<Successor, &Successor::OnEnd>(this);
}

Successor::~Successor() { end_.stop(); }

Result<pid_t> Successor::Start(const std::string& binary, const std::string& config_file,
                               const std::string& handoff_path) {
  const char* const arguments[] = {
      binary.c_str(),       "run",  "--config", config_file.c_str(), "--takeover",
      handoff_path.c_str(), nullptr};
  const pid_t pid = ::fork();
  if (pid < 0) return Error{std::string("cannot start a process: ") + std::strerror(errno)};
  if (pid == 0) Become(arguments);
  process_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process_.valid()) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return Error{std::string("cannot watch the new process: ") + std::strerror(error)};
  }
  end_.start(process_.get(), ev::READ);
  return pid;
}

void Successor::Kill() {
  if (running()) (void)::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
}

void Successor::OnEnd(ev::io&, int) {
  end_.stop();
  siginfo_t info{};
  (void)::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &info, WEXITED);
  process_.Reset();
  ended_(HowItEnded(info));
}

}  // namespace sstplb::daemon
