// Outcome: how a probe ended, from one table (outcome.def), and the steps a probe is made of.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sstplb::probes {

enum class Outcome : std::uint8_t {
#define OUTCOME(enumerator, word, verdict, step, sentence) enumerator,
#include "probes/outcome.def"
#undef OUTCOME
};

// What an outcome says about the backend.
enum class Verdict : std::uint8_t {
  kGood,
  kRefuses,  // no place for a new session, but the ones it has may be well
  kDead,     // no session can be well there
  kNone,     // nothing
};

enum class Step : std::uint8_t {
  kResolve,
  kTcp,    // connect
  kProxy,  // the PROXY header leaves
  kTls,    // handshake
  kPost,   // SSTP_DUPLEX_POST until its answer
  kGet,    // GET until its answer
  kCall,   // Call Connect Request until its Ack
  kWatch,  // whether the server takes back what it granted
  kExec,   // the command runs
  kClose,  // until both sides are done
};
std::string_view ToString(Step step);

struct OutcomeInfo {
  std::string_view word;
  Verdict verdict;
  Step step;
  std::string_view sentence;
};

inline constexpr OutcomeInfo kOutcomes[] = {
#define OUTCOME(enumerator, word, verdict, step, sentence) \
  {word, Verdict::verdict, Step::step, sentence},
#include "probes/outcome.def"
#undef OUTCOME
};
inline constexpr std::size_t kOutcomeCount = sizeof kOutcomes / sizeof kOutcomes[0];

inline const OutcomeInfo& Info(Outcome outcome) {
  return kOutcomes[static_cast<std::size_t>(outcome)];
}
inline std::string_view ToString(Outcome outcome) { return Info(outcome).word; }

}  // namespace sstplb::probes
