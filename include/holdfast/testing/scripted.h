// SPDX-License-Identifier: Apache-2.0
// ScriptedAttempts: a dependency that does what a test wrote down.
//
//   ScriptedAttempts dependency(clock, {Fails(HF_UNAVAILABLE, 20ms), Succeeds(5ms)});
//   absl::Status status = Call(pipeline, {.clock = &clock}, dependency);
//
// One beat per attempt, in order: it takes its time on the virtual clock, then answers. An attempt beyond
// the script fails for good, so that a test cannot pass on one attempt too many. One thread at a time.
#ifndef HOLDFAST_TESTING_SCRIPTED_H_
#define HOLDFAST_TESTING_SCRIPTED_H_

#include <absl/status/status.h>
#include <holdfast/attempt.h>
#include <holdfast/c/outcome.h>
#include <holdfast/outcome.h>
#include <holdfast/status.h>
#include <holdfast/testing/virtual_clock.h>

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::testing {

// What happens in one attempt.
struct Beat {
  Duration takes{0};
  hf_outcome outcome{};
  std::function<void()> then = {};  // runs at the end; may throw
};

inline Beat Succeeds(Duration takes = Duration{0}) {
  return {.takes = takes, .outcome = OutcomeOfCode(HF_OK)};
}

inline Beat Fails(hf_code code, Duration takes = Duration{0}) {
  return {.takes = takes, .outcome = OutcomeOfCode(code)};
}

// Fails as retryable, and says when to come back.
inline Beat Throttles(Duration retry_after, Duration takes = Duration{0}) {
  Beat beat = Fails(HF_RESOURCE_EXHAUSTED, takes);
  beat.outcome.retry_after = retry_after.count();
  return beat;
}

// Fails, and it is known that nothing was done.
inline Beat NeverStarts(hf_code code = HF_UNAVAILABLE, Duration takes = Duration{0}) {
  Beat beat = Fails(code, takes);
  beat.outcome.effect = HF_EFFECT_NOT_STARTED;
  return beat;
}

inline Beat Throws(std::function<void()> thrower, Duration takes = Duration{0}) {
  return {.takes = takes, .outcome = {}, .then = std::move(thrower)};
}

class ScriptedAttempts {
 public:
  ScriptedAttempts(VirtualClock& clock, std::vector<Beat> beats)
      : clock_(clock), beats_(std::move(beats)) {}

  absl::Status operator()(Attempt& attempt) {
    const size_t played = played_++;
    if (played >= beats_.size()) return absl::FailedPreconditionError("beyond the script");
    const Beat& beat = beats_[played];
    clock_.Advance(beat.takes);
    if (beat.then) beat.then();
    attempt.set_outcome(beat.outcome);
    return MakeStatus(beat.outcome.code, HF_R_NONE, "scripted");
  }

  // Attempts made so far, those beyond the script included.
  size_t played() const { return played_; }
  size_t beats() const { return beats_.size(); }

 private:
  VirtualClock& clock_;
  const std::vector<Beat> beats_;
  size_t played_ = 0;
};

}  // namespace holdfast::inline v0_5::testing

#endif  // HOLDFAST_TESTING_SCRIPTED_H_
