// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/bulk.h"

#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/bench/load/fail.h"
#include "tests/bench/load/tunnel.h"

namespace sstplb::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;  // for the handshakes, and for the end
constexpr std::size_t kReadSize = 1 << 20;

class Stream : public Tunnel {
 public:
  using Tunnel::Tunnel;

  // Ends the client's direction at the next end of a record.
  virtual void End() = 0;
  bool done() const { return done_; }
  // That have arrived; of an upload only when done().
  std::uint64_t bytes() const { return bytes_; }

 protected:
  void Finish(std::uint64_t bytes) {
    bytes_ = bytes;
    done_ = true;
    Close();
  }
  void EndDirection() {
    if (shutdown(fd(), SHUT_WR) != 0) FailErrno("shutdown");
  }

 private:
  bool done_ = false;
  std::uint64_t bytes_ = 0;
};

class Download final : public Stream {
 public:
  Download(Poller& poller, Destination& destination)
      : Stream(poller, destination, Wish::kDownload) {}

  void End() override {
    ending_ = true;
    EndDirection();
  }

 private:
  void OnWritable() override {}
  void OnReadable() override {
    const auto got = Skip(kReadSize);
    if (got < 0) return;
    received_ += static_cast<std::uint64_t>(got);
    if (got > 0) return;
    if (!ending_) Fail("a download ended");
    Finish(received_);
  }

  bool ending_ = false;
  std::uint64_t received_ = 0;
};

class Upload final : public Stream {
 public:
  Upload(Poller& poller, Destination& destination, ByteView block)
      : Stream(poller, destination, Wish::kUpload), block_(block) {}

  void End() override {
    ending_ = true;
    OnWritable();
  }

 private:
  static constexpr int kSendsPerTurn = 8;  // so that no stream holds up the others

  void OnReady() override { WantWrite(true); }

  void OnWritable() override {
    for (int i = 0; i < kSendsPerTurn; ++i) {
      const std::size_t left = Left();
      if (left == 0) {
        EndDirection();
        return WantWrite(false);
      }
      const auto put = Send(fd(), block_.subspan(at_, left));
      if (put < 0) FailErrno("an upload");
      if (put == 0) return;
      at_ = (at_ + static_cast<std::size_t>(put)) % block_.size();
    }
  }

  // To be sent in one piece: to the end of the block, or of the record if that is the last one.
  std::size_t Left() const {
    if (!ending_) return block_.size() - at_;
    const std::size_t record = block_.size() / kBlockRecords;
    return (record - at_ % record) % record;
  }

  void OnReadable() override {
    const std::ptrdiff_t got = Receive(std::span(count_).subspan(count_have_));
    if (got < 0) return;
    if (got == 0) Fail("an upload ended without its count");
    count_have_ += static_cast<std::size_t>(got);
    if (count_have_ == count_.size()) Finish(CountOf(count_));
  }

  ByteView block_;
  std::size_t at_ = 0;
  bool ending_ = false;
  Bytes count_ = Bytes(kCountSize);
  std::size_t count_have_ = 0;
};

}  // namespace

BulkRun RunBulk(Poller& poller, Destination& destination, Way way, std::size_t streams,
                Duration duration) {
  const Bytes block = Block();
  std::vector<std::unique_ptr<Stream>> all;
  const TimePoint begun = Clock::now();
  for (std::size_t i = 0; i < streams; ++i) {
    if (way == Way::kDownload) {
      all.push_back(std::make_unique<Download>(poller, destination));
    } else {
      all.push_back(std::make_unique<Upload>(poller, destination, block));
    }
  }
  const TimePoint end = begun + duration;
  while (Clock::now() < end) poller.Wait(end);
  for (const auto& stream : all) {
    if (!stream->ready()) Fail("a stream without its handshake");
    stream->End();
  }
  const TimePoint deadline = end + kPatience;
  while (!std::all_of(all.begin(), all.end(), [](const auto& s) { return s->done(); })) {
    poller.Wait(deadline);
    if (Clock::now() > deadline) Fail("streams that do not come to their end");
  }
  BulkRun run;
  run.took = Clock::now() - begun;
  for (const auto& stream : all) run.bytes += stream->bytes();
  return run;
}

}  // namespace sstplb::bench
