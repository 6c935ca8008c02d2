// kind = "exec": what a command's end means, and that nothing of it stays behind.
//
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "tests/probes/certificates.h"
#include "tests/probes/run_probe.h"

namespace sstplb::probes {
namespace {

using std::chrono::milliseconds;

ProbeRequest Exec(std::vector<std::string> command) {
  ProbeRequest request =
      RequestFor(config::ProbeKind::kExec, SocketAddress::Parse("[2001:db8::1]:443").value());
  request.settings.command = std::move(command);
  return request;
}

ProbeRequest Shell(const std::string& script) { return Exec({"sh", "-c", script}); }

TEST(ExecProbe, Table) {
  struct Row {
    ProbeRequest request;
    const char* outcome;
    const char* detail;
  };
  const Row rows[] = {
      {Exec({"true"}), "ok", ""},
      {Exec({"/bin/echo", "a b", "c"}), "ok", "a b c"},
      {Shell("echo one; echo two"), "ok", "one"},
      {Shell("printf 'bell\\007'"), "ok", "bell\\x07"},
      {Exec({"false"}), "exec_failed", "status 1"},
      {Shell("echo no route >&2; exit 7"), "exec_failed", "status 7: no route"},
      {Shell("kill -9 $$"), "exec_failed", "signal 9"},
      {Shell("echo $SSTPLB_POOL $SSTPLB_BACKEND $SSTPLB_ADDRESS"), "ok",
       "main vpn1 [2001:db8::1]:443"},
      {Shell("env | grep -vcE '^(PATH|PWD|OLDPWD|SHLVL|_|SSTPLB_[A-Z]+)='"), "exec_failed",
       "status 1: 0"},
      {Shell("cat"), "ok", ""},  // stdin is empty
      {Shell("head -c 3000000 /dev/zero | tr '\\0' x"), "ok", nullptr},
      {Exec({"/nonexistent/check"}), "exec_not_run",
       "/nonexistent/check: No such file or directory"},
      {Exec({"/etc/passwd"}), "exec_not_run", "/etc/passwd: Permission denied"},
      {Exec({}), "exec_not_run", "no command is configured"},
  };
  for (const Row& row : rows) {
    const ProbeReport report = RunProbe(row.request);
    EXPECT_EQ(Word(report), row.outcome) << report.detail;
    if (row.detail == nullptr) {
      EXPECT_EQ(report.detail, std::string(256, 'x'));
    } else {
      EXPECT_EQ(report.detail, row.detail);
    }
  }
}

TEST(ExecProbe, InheritsNoDescriptor) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);  // without close-on-exec, as a careless library would
  const ProbeReport report = RunProbe(Shell("ls /proc/self/fd | tr '\\n' ' '"));
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(report.detail, "0 1 2 3 ") << "3 is the folder that ls reads";
}

TEST(ExecProbe, SignalsAreAtTheirDefaults) {
  ::signal(SIGPIPE, SIG_IGN);
  // The C library keeps 32 and 33 for itself.
  const ProbeReport report =
      RunProbe(Shell("grep -E '^Sig(Blk|Ign)' /proc/self/status | grep -oE '.{8}$' | tr -d '\\n'"));
  EXPECT_TRUE(report.detail == "0000000000000000" || report.detail == "0000000080000000")
      << report.detail;
}

bool Gone(pid_t process) {
  for (int i = 0; i < 200; ++i) {
    if (::kill(process, 0) != 0 && errno == ESRCH) return true;
    // A killed grandchild is reaped by init, or stays a zombie where there is none.
    std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
    std::string number, name, state;
    stat >> number >> name >> state;
    if (state == "Z") return true;
    ::usleep(10'000);
  }
  return false;
}

pid_t PidIn(const std::string& path) {
  pid_t process = 0;
  std::ifstream(path) >> process;
  return process;
}

TEST(ExecProbe, AtTheDeadlineTheWholeGroupDies) {
  const TempFile file("");
  ProbeRequest request = Shell("sleep 60 & echo $! > " + file.path() + "; echo waiting; wait");
  request.settings.timeout = milliseconds(300);
  const ProbeReport report = RunProbe(request);
  EXPECT_EQ(Word(report), "exec_timeout");
  EXPECT_EQ(report.detail, "waiting");
  EXPECT_LT(report.took, milliseconds(1500));
  const pid_t child = PidIn(file.path());
  ASSERT_GT(child, 0);
  EXPECT_TRUE(Gone(child));
}

TEST(ExecProbe, WhatACommandLeavesBehindDiesWithIt) {
  const TempFile file("");
  const ProbeReport report = RunProbe(Shell("sleep 60 & echo $! > " + file.path()));
  EXPECT_EQ(Word(report), "ok") << "the pipe that the child holds open does not hold the probe";
  EXPECT_LT(report.took, milliseconds(2000));
  EXPECT_TRUE(Gone(PidIn(file.path())));
}

TEST(ExecProbe, CancelAndDestroy) {
  const ProbeReport report =
      RunProbe(Exec({"sleep", "60"}), milliseconds(100), [](Probe& probe) { probe.Cancel(); });
  EXPECT_EQ(Word(report), "cancelled");

  Loop loop;
  TlsContexts contexts;
  {
    const std::unique_ptr<Probe> probe = MakeProbe(loop, contexts, Exec({"sleep", "60"}));
    probe->Start([](const ProbeReport&) { ADD_FAILURE() << "called after its end"; });
  }
  // No child is left, not even a dead one.
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace sstplb::probes
