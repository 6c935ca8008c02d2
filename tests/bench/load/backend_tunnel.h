// BackendTunnel: one connection of the backend, from its hello to its end.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "tests/bench/load/backend.h"
#include "tests/bench/load/dialogue.h"
#include "tests/bench/load/poller.h"

namespace sstplb::bench {

// Owns itself: destroyed at the end of its connection, however that comes.
class BackendTunnel final : public Poller::Target {
 public:
  static void Start(Poller& poller, Fd fd, Manner manner);

  void OnEvents(std::uint32_t events) override;

 private:
  enum class Phase : std::uint8_t { kHello, kFinished, kEcho, kDownload, kUpload };

  BackendTunnel(Poller& poller, Fd fd, Manner manner);

  // Each returns whether the connection goes on.
  bool OnReadable();
  bool ReadIntro();
  bool TakeRecord(ByteView record);
  bool Begin(ByteView payload);
  bool Echo();
  bool Take();
  bool SendDownload();
  bool SendPending();
  bool Queue(ByteView bytes);

  void Rearm();

  Poller& poller_;
  Fd fd_;
  Manner manner_;
  Phase phase_ = Phase::kHello;
  bool client_ended_ = false;
  std::uint32_t interest_ = 0;
  std::size_t block_at_ = 0;  // download: where in the block of records the next byte is
  std::uint64_t received_ = 0;
  Bytes intro_;    // of the client, until the wish
  Bytes pending_;  // not yet taken by the socket; nothing is read meanwhile
};

}  // namespace sstplb::bench
