// SPDX-License-Identifier: Apache-2.0
// Finding: what a reconciler found out about an attempt that ended without a word. See RunOnceOptions::reconcile.
#ifndef HOLDFAST_FINDING_H_
#define HOLDFAST_FINDING_H_

#include <absl/status/status.h>
#include <holdfast/outcome.h>
#include <holdfast/run_once_result.h>
#include <holdfast/status.h>

#include <algorithm>
#include <string>
#include <utility>

namespace holdfast::inline v0_5 {

// One of four.
class Finding {
 public:
  // It happened, and this was its result: stored, and replayed to duplicates, as if the attempt had said so.
  static Finding Happened(std::string result) {
    return Finding(HF_OK, HF_EFFECT_FINAL, Duration{0}, std::move(result));
  }
  // It was refused for good, with this code and message. OK and codes out of range count as UNKNOWN.
  static Finding Refused(const absl::Status& status) {
    const hf_code code = static_cast<hf_code>(status.code());
    const bool known = code > HF_OK && code <= HF_UNAUTHENTICATED;
    return Finding(known ? code : HF_UNKNOWN, HF_EFFECT_FINAL, Duration{0},
                   std::string(status.message()));
  }
  // It did not happen, and never will by itself: the work runs now.
  static Finding NotHappened() {
    return Finding(HF_UNAVAILABLE, HF_EFFECT_NOT_STARTED, Duration{0}, {});
  }
  // Nobody can tell: the key is in doubt, and stays so until it is resolved by hand.
  static Finding Unknown() { return Finding(HF_UNKNOWN, HF_EFFECT_AMBIGUOUS, Duration{0}, {}); }
  // Not known yet: whoever comes `after` that asks again, until then the key is busy. Negative counts as 0, and so does
  // Duration::max(). Each asking is an attempt, and counts towards max_attempts.
  static Finding AskAgain(Duration after) {
    return Finding(HF_UNAVAILABLE, HF_EFFECT_RETRYABLE, std::max(Duration{0}, after), {});
  }

  // For drivers.
  const hf_outcome& outcome() const { return answer_.outcome; }
  Answer TakeAnswer() { return std::move(answer_); }

 private:
  Finding(hf_code code, hf_effect effect, Duration after, std::string body) {
    answer_.outcome.code = code;
    answer_.outcome.effect = effect;
    answer_.outcome.retry_after = after.count();
    answer_.body = std::move(body);
  }

  Answer answer_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_FINDING_H_
