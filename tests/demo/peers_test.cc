// The farm against clients of others: openssl s_client, and sstpc as far as it goes without a
// kernel that speaks PPP.
//
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/demo/farm_helpers.h"

namespace sstplb::demo {
namespace {

std::string Find(const char* name) {
  for (const char* folder : {"/usr/bin/", "/usr/sbin/", "/usr/local/bin/"}) {
    const std::string path = std::string(folder) + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

// A child whose stdin is `input` and whose stdout and stderr are read by the test.
class Child {
 public:
  Child(std::vector<std::string> arguments, int input) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    out_ = Fd(ends[0]);
    const Fd theirs(ends[1]);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setsid();
      ::dup2(input, 0);
      ::dup2(theirs.get(), 1);
      ::dup2(theirs.get(), 2);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  // Reads until `text` was printed; false when the time or the output is up first.
  bool Prints(const std::string& text) {
    const TimePoint deadline = Clock::now() + kPatience;
    while (printed_.find(text) == std::string::npos) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      pollfd wait{out_.get(), POLLIN, 0};
      if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) <= 0) return false;
      char block[4096];
      const ssize_t got = ::read(out_.get(), block, sizeof block);
      if (got <= 0) return false;
      printed_.append(block, static_cast<std::size_t>(got));
    }
    return true;
  }
  const std::string& printed() const { return printed_; }

 private:
  pid_t pid_ = -1;
  Fd out_;
  std::string printed_;
};

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    std::string name = (std::filesystem::temp_directory_path() / "sstplb-ca-XXXXXX").string();
    const Fd fd(::mkstemp(name.data()));
    path_ = name;
    std::ofstream(path_) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Peers, OpensslVerifiesTheCertificateAndGetsItsAnswer) {
  const std::string openssl = Find("openssl");
  if (openssl.empty()) GTEST_SKIP() << "no openssl program on this machine";
  const auto farm = StartFarm();
  const TemporaryFile ca(farm->certificate(0).pem);
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    int input[2];
    ASSERT_EQ(::pipe2(input, O_CLOEXEC), 0);
    const Fd theirs(input[0]);
    const Fd ours(input[1]);
    Child child({openssl, "s_client", "-connect", farm->address(0).ToString(), "-servername",
                 "vpn.sstp.test", "-verify_hostname", "vpn.sstp.test", "-verify_return_error",
                 "-CAfile", ca.path(), version, "-ign_eof"},
                theirs.get());
    ASSERT_TRUE(child.Prints("Verify return code: 0 (ok)")) << child.printed();
    const std::string post =
        "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n"
        "Host: x\r\nContent-Length: 18446744073709551615\r\n\r\n";
    ASSERT_EQ(::write(ours.get(), post.data(), post.size()), static_cast<ssize_t>(post.size()));
    EXPECT_TRUE(child.Prints("HTTP/1.1 200 \r\nContent-Length: 18446744073709551615\r\n"))
        << child.printed();
  }
  EXPECT_EQ(farm->counters(0).posts, 2u);
}

TEST(Peers, SstpcIsAcknowledged) {
  const std::string sstpc = Find("sstpc");
  if (sstpc.empty()) GTEST_SKIP() << "no sstpc on this machine: package sstp-client";
  const auto farm = StartFarm();
  // sstpc 1.0.18 never looks at an answer that was there before it began to wait for one.
  ASSERT_TRUE(farm->SetFault(0, {FaultKind::kSlow, 0, 0, std::chrono::milliseconds(50)}).ok());
  const TemporaryFile ca(farm->certificate(0).pem);
  // sstpc speaks asynchronous PPP on its terminal; nobody answers there.
  const Fd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal.valid());
  ASSERT_EQ(::grantpt(terminal.get()), 0);
  ASSERT_EQ(::unlockpt(terminal.get()), 0);
  const Fd line(::open(::ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(line.valid());
  Child child({sstpc, "--log-level", "4", "--log-stderr", "--nolaunchpppd", "--ipparam",
               "sstplb-demo-" + std::to_string(::getpid()), "--tls-ext", "--ca-cert", ca.path(),
               "--host", "vpn.sstp.test", farm->address(0).ToString()},
              line.get());
  EXPECT_TRUE(child.Prints("CONNECT ACK")) << child.printed();
  EXPECT_TRUE(farm->Await(
      0, [](const ServerCounters& c) { return c.calls == 1 && c.addresses_in_use == 1; },
      kPatience));
  const auto tunnels = farm->tunnels(0);
  ASSERT_EQ(tunnels.size(), 1u);
  EXPECT_EQ(tunnels[0].server_name, "vpn.sstp.test");
}

}  // namespace
}  // namespace sstplb::demo
