// BackendTunnel: one connection of the backend, from its hello to its end.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "tests/bench/load/poller.h"

namespace sstplb::bench {

enum class Manner : std::uint8_t {
  kTunnel,  // the whole dialogue
  kAnswer,  // Answer() to a hello, then close
};

class BackendTunnel final : public Poller::Target {
 public:
  // Who holds the tunnel. Over() is told at its end, however that came, and may destroy it.
  class Owner {
   public:
    virtual void Over(int fd) = 0;

   protected:
    ~Owner() = default;
  };

  // `poller` and `owner` outlive it.
  BackendTunnel(Poller& poller, Owner& owner, Fd fd, Manner manner);

  void OnEvents(std::uint32_t events) override;

 private:
  enum class Phase : std::uint8_t { kHello, kFlight, kEcho, kDownload, kUpload };

  // Each returns whether the connection goes on.
  bool Work(std::uint32_t events);
  bool OnReadable();
  bool ReadIntro();
  bool TakeRecord(ByteView record);
  bool BeginWith(ByteView payload);
  bool Echo();
  bool Take();
  bool SendDownload();
  bool SendPending();
  bool Queue(ByteView bytes);

  void Rearm();

  Poller& poller_;
  Owner& owner_;
  Fd fd_;
  Manner manner_;
  Phase phase_ = Phase::kHello;
  bool client_ended_ = false;
  std::uint32_t interest_ = EPOLLIN;
  std::size_t block_at_ = 0;  // download: where in the block of records the next byte is
  std::uint64_t received_ = 0;
  Bytes intro_;    // of the client, until its wish
  Bytes pending_;  // what the socket has not taken; nothing is read meanwhile
};

}  // namespace sstplb::bench
