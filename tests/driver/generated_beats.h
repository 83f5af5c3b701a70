// SPDX-License-Identifier: Apache-2.0
// What the attempts of generated scripts do: every class of outcome, in turn, so that each comes up.
#ifndef HOLDFAST_TESTS_DRIVER_GENERATED_BEATS_H_
#define HOLDFAST_TESTS_DRIVER_GENERATED_BEATS_H_

#include <holdfast/c/outcome.h>

#include <iterator>
#include <vector>

#include "driver/script.h"
#include "model/dice.h"

namespace holdfast::driver_test {

// An outcome, most of which says no more than its code.
struct Ending {
  hf_code code;
  hf_verdict verdict = HF_VERDICT_DERIVE;
  hf_effect effect = HF_EFFECT_DERIVE;
  uint32_t retried = 0;
  hf_duration retry_after = 0;

  hf_outcome Outcome() const { return {code, verdict, effect, retried, retry_after}; }
};

// After which a call may go on, if its guards and its caller let it.
inline constexpr Ending kGoesOn[] = {
    {.code = HF_UNAVAILABLE},
    {.code = HF_INTERNAL},
    {.code = HF_UNKNOWN},
    {.code = HF_DATA_LOSS},
    {.code = HF_DEADLINE_EXCEEDED},
    {.code = HF_ABORTED},             // healthy, and may be tried again
    {.code = HF_RESOURCE_EXHAUSTED},  // throttled
    {.code = HF_RESOURCE_EXHAUSTED, .retry_after = 350 * HF_MS},
    {.code = HF_UNAVAILABLE, .retry_after = 40 * HF_MS},          // shorter than the backoff
    {.code = HF_RESOURCE_EXHAUSTED, .retry_after = 3600 * HF_S},  // hostile
    {.code = HF_UNAVAILABLE, .effect = HF_EFFECT_NOT_STARTED},
    {.code = HF_RESOURCE_EXHAUSTED, .effect = HF_EFFECT_NOT_STARTED, .retry_after = 120 * HF_MS},
    {.code = HF_FAILED_PRECONDITION, .effect = HF_EFFECT_RETRYABLE},
    {.code = HF_ABORTED, .verdict = HF_VERDICT_FAILURE, .effect = HF_EFFECT_RETRYABLE},
    {.code = HF_INTERNAL, .verdict = HF_VERDICT_SUCCESS, .effect = HF_EFFECT_AMBIGUOUS},
    {.code = HF_UNAVAILABLE, .verdict = HF_VERDICT_SLOW},
    {.code = HF_RESOURCE_EXHAUSTED, .verdict = HF_VERDICT_SLOW, .effect = HF_EFFECT_RETRYABLE},
    {.code = HF_UNAVAILABLE, .verdict = HF_VERDICT_SLOW, .effect = HF_EFFECT_NOT_STARTED},
    {.code = HF_ABORTED, .verdict = HF_VERDICT_SUCCESS, .effect = HF_EFFECT_NOT_STARTED},
    {.code = HF_UNAVAILABLE, .retried = 1},  // layers below have tried, too
    {.code = HF_UNAVAILABLE, .retried = 9},
};

// After which it is over.
inline constexpr Ending kEnds[] = {
    {.code = HF_OK},
    {.code = HF_OK, .verdict = HF_VERDICT_SLOW},
    {.code = HF_OK, .verdict = HF_VERDICT_FAILURE},
    {.code = HF_OK, .verdict = HF_VERDICT_IGNORED},
    {.code = HF_OK, .retried = 2},
    {.code = HF_CANCELLED},
    {.code = HF_INVALID_ARGUMENT},
    {.code = HF_NOT_FOUND},
    {.code = HF_ALREADY_EXISTS},
    {.code = HF_PERMISSION_DENIED},
    {.code = HF_FAILED_PRECONDITION},
    {.code = HF_OUT_OF_RANGE},
    {.code = HF_UNIMPLEMENTED},
    {.code = HF_UNAUTHENTICATED},
    {.code = HF_UNAVAILABLE, .effect = HF_EFFECT_FINAL},
    {.code = HF_UNAVAILABLE, .verdict = HF_VERDICT_IGNORED, .effect = HF_EFFECT_NOT_STARTED},
    {.code = HF_ABORTED, .verdict = HF_VERDICT_IGNORED},
    {.code = HF_UNAVAILABLE, .retry_after = HF_INFINITE},
    {.code = HF_NOT_FOUND, .retry_after = HF_INFINITE},
    {.code = HF_UNAVAILABLE, .verdict = 9},  // outside its set: a defect of who classified it
    {.code = HF_OK, .effect = 9},
    {.code = HF_INTERNAL, .retry_after = -1},
};

class BeatSource {
 public:
  // For at most `count` attempts, the last of which mostly ends the call.
  std::vector<Beat> Next(uint32_t count, model::Dice& dice) {
    std::vector<Beat> beats;
    while (beats.size() < count) {
      const bool ends = dice.Chance(beats.size() + 1 == count ? 70 : 20);
      const Ending& ending =
          ends ? kEnds[ended_++ % std::size(kEnds)] : kGoesOn[went_on_++ % std::size(kGoesOn)];
      beats.push_back({.takes = Takes(dice), .outcome = ending.Outcome()});
    }
    return beats;
  }

 private:
  // The attempt timeout of scripts that have one is 50 ms: some are late, some end at that very moment.
  static Duration Takes(model::Dice& dice) {
    constexpr Duration kTimes[] = {0ms, 1us, 3ms, 7ms, 20ms, 20ms, 50ms, 80ms};
    return dice.OneOf(kTimes);
  }

  size_t went_on_ = 0, ended_ = 0;
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_GENERATED_BEATS_H_
