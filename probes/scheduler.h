// Prober: probes every backend again and again, and tells what it found.
//
// Every `interval`, or every `fast_interval` while the health is not known or the last answer
// speaks against it. An address gets one probe at a time and no more than its budget, whoever asks;
// backends that ask the same of it share the answer (question.h). Over all there is a bounded
// number at once.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lb/base/log.h"
#include "lb/base/loop.h"
#include "probes/budget.h"
#include "probes/probe.h"
#include "probes/rise_fall.h"
#include "probes/schedule.h"

namespace sstplb::probes {

// What one probe has found and changed for one backend.
struct ProbeAnswer {
  TargetKey target;
  ProbeRequest request;
  ProbeReport report;
  RiseFall state;           // with this answer
  Health before;            // without it
  bool died;                // with this answer, and not before it, it is dead (RiseFall::dead)
  std::string server_kind;  // what all answers so far tell (server_kind.h); "" when nothing does
  std::uint64_t postponed;  // how often the budget has put a probe of it off so far

  bool changed() const { return before != state.health(); }
};

// The evidence for a line in the log: went=down was=up history=1111000 fall=3/3
// outcome=tls_timeout took=3.0s detail=... hint=... (the last two only when there are such).
std::vector<LogField> AnswerFields(const ProbeAnswer& answer);

// Belongs to its loop's thread, constructor and destructor included (or to whoever owns a loop that
// does not run); other threads post to the loop. Destroying it drops what is under way.
class Prober {
 public:
  // May call every method of the prober, but not destroy it.
  using OnAnswer = std::function<void(const ProbeAnswer&)>;
  using MakeProbeFn = std::function<std::unique_ptr<Probe>(ProbeRequest)>;

  struct Options {
    std::size_t max_in_flight = 64;
    std::uint64_t seed = 0;  // of the jitter; give each process its own
    MakeProbeFn make;        // null: MakeProbe() of probe.h; tests put theirs here
  };

  Prober(Loop& loop, Options options, OnAnswer on_answer);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Adds a backend, or changes how it is probed. Its history stays, unless another address or
  // another kind of probe makes it meaningless; the same request again changes nothing. Kind
  // "none" removes.
  void Set(ProbeRequest request);
  // What another process has learned about it: it need not begin with an unknown health. Only for a
  // backend that was Set() and has not been probed yet.
  void Restore(const TargetKey& key, const RiseFall::Memory& memory);
  // The same of its kind of server (server_kind.h).
  void RestoreServerKind(const TargetKey& key, const std::string& learned);
  // What is under way for it alone is given up, politely; its answer is not reported.
  void Remove(const TargetKey& key);
  // As soon as place and budget allow; after the probe that is under way, if there is one.
  void ProbeNow(const TargetKey& key);
  // Whether it has at most one place left for a session. A probe of depth "call" would take it from
  // the next client, or find the server full and call a healthy one down: "post" is asked then, and
  // the report's note says so. Stays until it is said otherwise, Set() or not.
  void SetFull(const TargetKey& key, bool full);

  // Null when the backend is not probed. Valid until the next Remove().
  const RiseFall* Find(const TargetKey& key) const;
  std::vector<TargetKey> Targets() const;
  // Removes all, and calls `done` from the loop once the last connection is closed: at most
  // Probe::kMaxClosing later.
  void Shutdown(std::function<void()> done);

 private:
  using QuestionId = std::uint64_t;

  struct Target {
    ProbeRequest request;
    RiseFall state;
    QuestionId question = 0;
  };
  struct Question {
    ProbeRequest request;          // of one of the askers
    std::set<TargetKey> askers;    // never empty
    std::unique_ptr<Probe> probe;  // set while one is under way
    std::uint64_t run = 0;         // which one
    TimePoint started;
    bool again = false;     // ProbeNow() came while one was under way
    bool answered = false;  // once, at least
    bool lowered = false;   // the probe under way asks "post" where "call" was meant
    std::string learned;
    std::uint64_t postponed = 0;
  };
  struct Host {
    Budget budget;
    std::set<QuestionId> questions;
    std::set<QuestionId> waiting;  // due, while another question has its probe
    std::deque<QuestionId> line;   // put off by the budget, and whose turn it is; the first is due
    bool busy = false;
  };
  struct Retired {
    std::unique_ptr<Probe> probe;
    std::optional<SocketAddress> address;
  };

  void Join(const TargetKey& key, Target& target, TimePoint now);
  void Leave(const TargetKey& key, QuestionId id);
  QuestionId FindQuestion(const ProbeRequest& request) const;
  void UpdateBudget(const SocketAddress& address, TimePoint now);
  void OnTimer(ev::timer& watcher, int events);
  void Arm();
  bool MayBegin(QuestionId id, Question& question, TimePoint now);
  void LeaveLine(Host& host, QuestionId id, TimePoint now);
  bool AnyFull(const Question& question) const;
  void Begin(QuestionId id, Question& question);
  void Free(const std::optional<SocketAddress>& address);
  void OnReport(QuestionId id, std::uint64_t run, const ProbeReport& report);
  std::vector<ProbeAnswer> Answers(Question& question, const ProbeReport& report);
  TimePoint NextProbe(const Question& question, TimePoint now);
  bool OnRetired(std::uint64_t run);
  void MaybeDone();

  Loop& loop_;
  Options options_;
  OnAnswer on_answer_;
  TlsContexts contexts_;
  Schedule schedule_;
  std::map<TargetKey, Target> targets_;
  std::set<TargetKey> full_;
  std::map<QuestionId, Question> questions_;
  std::map<SocketAddress, Host> hosts_;  // that have questions, or a probe that still closes
  std::size_t in_flight_ = 0;            // retired ones included
  // Probes whose answer no one waits for any more, until they have closed.
  std::map<std::uint64_t, Retired> retired_;
  QuestionId last_question_ = 0;
  std::uint64_t last_run_ = 0;
  std::mt19937_64 random_;
  ev::timer timer_;
  std::function<void()> done_;
};

}  // namespace sstplb::probes
