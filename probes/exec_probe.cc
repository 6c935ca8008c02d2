// SPDX-License-Identifier: Apache-2.0
#include "probes/exec_probe.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "probes/text.h"

namespace sstplb::probes {
namespace {

constexpr std::size_t kMaxLine = 256;
// SIGKILL works at once, but for a process that is stuck inside the kernel.
constexpr Duration kReap = std::chrono::seconds(1);
constexpr int kReapAtEndMs = 100;

// posix_spawn's two parameter blocks, freed together.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void Prepare(int output) {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    sigset_t none;
    sigemptyset(&none);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const ProbeRequest& request) {
  const char* path = std::getenv("PATH");
  return {std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin"),
          "SSTPLB_POOL=" + request.pool, "SSTPLB_BACKEND=" + request.backend,
          "SSTPLB_ADDRESS=" + (request.address ? request.address->ToString() : "")};
}

Outcome SpawnOutcome(int error) {
  switch (error) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return Outcome::kLocalError;
    default:
      return Outcome::kExecNotRun;
  }
}

}  // namespace

ExecProbe::ExecProbe(Loop& loop, ProbeRequest request)
    : loop_(loop),
      request_(std::move(request)),
      exit_(loop.ev()),
      readable_(loop.ev()),
      timer_(loop.ev()) {
  exit_.set<ExecProbe, &ExecProbe::OnExit>(this);
  readable_.set<ExecProbe, &ExecProbe::OnOutput>(this);
  timer_.set<ExecProbe, &ExecProbe::OnTimer>(this);
}

ExecProbe::~ExecProbe() {
  exit_.stop();
  readable_.stop();
  timer_.stop();
  if (child_ < 0) return;
  Kill();
  pollfd ended{pidfd_.get(), POLLIN, 0};
  ::poll(&ended, 1, kReapAtEndMs);
  ::waitpid(child_, nullptr, WNOHANG);
}

void ExecProbe::Start(Callback done) {
  done_ = std::move(done);
  ::ev_now_update(loop_.ev());
  started_ = Clock::now();
  report_.when = WallClock::now();
  Spawn();
  timer_.start(known_ ? 0.0 : EvSeconds(request_.settings.timeout));
}

void ExecProbe::Spawn() {
  std::vector<std::string> command = request_.settings.command;
  if (command.empty()) return SetOutcome(Outcome::kExecNotRun, "no command is configured");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return SetOutcome(Outcome::kLocalError, std::string("pipe: ") + std::strerror(errno));
  }
  output_.Reset(ends[0]);
  const Fd theirs(ends[1]);
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);

  std::vector<std::string> environment = Environment(request_);
  SpawnPlan plan;
  plan.Prepare(theirs.get());
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, command[0].c_str(), &plan.actions, &plan.attributes,
                                   Pointers(command).data(), Pointers(environment).data());
  if (error != 0) {
    return SetOutcome(SpawnOutcome(error),
                      Printable(command[0], kMaxLine) + ": " + std::strerror(error));
  }
  child_ = child;
  pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));  // close-on-exec by itself
  if (!pidfd_.valid()) {
    SetOutcome(Outcome::kLocalError, std::string("pidfd_open: ") + std::strerror(errno));
    return Kill();
  }
  exit_.start(pidfd_.get(), ev::READ);
  readable_.start(output_.get(), ev::READ);
}

void ExecProbe::OnOutput(ev::io& /*watcher*/, int /*events*/) { ReadOutput(); }

// Takes one piece of what the command writes; all but the first line is dropped.
void ExecProbe::ReadOutput() {
  std::array<char, 4096> chunk;
  const ssize_t got = ::read(output_.get(), chunk.data(), chunk.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return readable_.stop();
  if (line_done_) return;
  const std::string_view text(chunk.data(), static_cast<std::size_t>(got));
  const std::size_t end = text.find('\n');
  line_ += text.substr(0, end);
  line_done_ = end != text.npos || line_.size() > kMaxLine;
  line_.resize(std::min(line_.size(), kMaxLine));
}

void ExecProbe::OnExit(ev::io& /*watcher*/, int /*events*/) {
  exit_.stop();
  ReadOutput();
  Kill();  // what the command may have left behind in its group
  siginfo_t info{};
  const bool reaped = ::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG) == 0 &&
                      info.si_pid == child_;
  child_ = -1;
  if (!known_ && reaped) Judge(info.si_code, info.si_status);
  if (!known_) SetOutcome(Outcome::kLocalError, "the status is lost: SIGCHLD is ignored here");
  Report();
}

void ExecProbe::Judge(int code, int status) {
  const std::string said = line_.empty() ? "" : ": " + Printable(line_, kMaxLine);
  if (code != CLD_EXITED) {
    return SetOutcome(Outcome::kExecFailed, "signal " + std::to_string(status) + said);
  }
  if (status != 0) {
    return SetOutcome(Outcome::kExecFailed, "status " + std::to_string(status) + said);
  }
  SetOutcome(Outcome::kOk, Printable(line_, kMaxLine));
}

void ExecProbe::OnTimer(ev::timer& /*watcher*/, int /*events*/) {
  if (known_) return Report();
  SetOutcome(Outcome::kExecTimeout, Printable(line_, kMaxLine));
  Kill();
  timer_.start(EvSeconds(kReap));
}

void ExecProbe::Cancel() {
  if (known_ || !done_) return;
  SetOutcome(Outcome::kCancelled, {});
  Kill();
  timer_.stop();
  timer_.start(EvSeconds(kReap));
}

// The group outlives its leader until that one is reaped, so its number cannot be another's.
void ExecProbe::Kill() {
  if (child_ > 0) ::kill(-child_, SIGKILL);
}

void ExecProbe::SetOutcome(Outcome outcome, std::string detail) {
  known_ = true;
  report_.outcome = outcome;
  report_.detail = std::move(detail);
  report_.took = Clock::now() - started_;
  report_.steps.push_back({Step::kExec, report_.took});
}

void ExecProbe::Report() {
  timer_.stop();
  readable_.stop();
  const Callback done = std::exchange(done_, nullptr);
  const ProbeReport report = std::move(report_);
  done(report);  // may destroy this
}

}  // namespace sstplb::probes
