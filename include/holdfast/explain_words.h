// SPDX-License-Identifier: Apache-2.0
// The words of an explanation: a name and a line for each stage, a sentence for each warning.
#ifndef HOLDFAST_EXPLAIN_WORDS_H_
#define HOLDFAST_EXPLAIN_WORDS_H_

#include <holdfast/c/explain.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {
namespace explain_text {

// Up to three digits behind the point, none of them a last 0.
inline std::string Number(double value) {
  char digits[64];
  const auto end = std::to_chars(digits, std::end(digits), value, std::chars_format::fixed, 3).ptr;
  std::string text(digits, end);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

inline std::string Time(hf_duration duration) {
  if (duration == HF_INFINITE) return "no limit";
  const struct {
    hf_duration size;
    const char* name;
  } units[] = {{HF_S, " s"}, {HF_MS, " ms"}, {HF_US, " us"}};
  for (const auto& unit : units) {
    if (duration < unit.size) continue;
    return Number(static_cast<double>(duration) / static_cast<double>(unit.size)) + unit.name;
  }
  return std::to_string(duration) + " ns";
}

// "{n0}" number 0 as a count, "{t0}" as a time, "{m0}" as thousandths, "{q1}" numbers 1 and 2 as a queue.
inline std::string Fill(std::string_view pattern, const int64_t* numbers) {
  std::string text;
  while (!pattern.empty()) {
    const size_t brace = pattern.find('{');
    text += pattern.substr(0, brace);
    if (brace == std::string_view::npos) break;
    const char unit = pattern[brace + 1];
    const int64_t number = numbers[pattern[brace + 2] - '0'];
    if (unit == 't') text += Time(number);
    if (unit == 'n') text += std::to_string(number);
    if (unit == 'q')
      text += number == 0 ? "no queue" : Fill("{n1} waiting for up to {t2}", numbers);
    if (unit == 'm') text += Number(static_cast<double>(number) / 1000);
    pattern.remove_prefix(brace + 4);
  }
  return text;
}

struct Stage {
  hf_stage_kind kind;
  std::string_view name;  // the field of hf_pipeline_options, if there is one
  std::string_view pattern;
};
inline constexpr Stage kStages[] = {
    {HF_STAGE_KILL_SWITCH, "kill_switch", "before everything, and before each attempt"},
    {HF_STAGE_TIMEOUT, "timeout", "{t0} for the whole call"},
    {HF_STAGE_CALL_LIMITER, "call_limiter", "{n0} calls per {t1}, waits for up to {t2}"},
    {HF_STAGE_CALL_BULKHEAD, "call_bulkhead", "{n0} calls at once, {q1}"},
    {HF_STAGE_RETRY, "retry", "up to {n0} attempts, backoff from {t1} up to {t2}"},
    {HF_STAGE_HEDGE, "hedge", "up to {n0} attempts, not before {t1}, {m2} hedges per call"},
    {HF_STAGE_BUDGET, "budget", "{m0} tokens, {m1} back per success"},
    {HF_STAGE_BREAKER, "breaker", "opens at {m0} of failures for {t1}, then {n2} probes"},
    {HF_STAGE_THROTTLE, "throttle", "refuses by chance below {m0} of successes in {t1}"},
    {HF_STAGE_LIMITER, "limiter", "{n0} attempts per {t1}, waits for up to {t2}"},
    {HF_STAGE_BULKHEAD, "bulkhead", "{n0} attempts at once, {q1}"},
    {HF_STAGE_FAULT, "fault", "injected by rule"},
    {HF_STAGE_ATTEMPT_TIMEOUT, "attempt_timeout", "{t0} for each attempt"},
};

inline const Stage& StageOf(hf_stage_kind kind) {
  static constexpr Stage kOther = {0, "stage", "of a newer version"};
  const Stage* const found = std::ranges::find(kStages, kind, &Stage::kind);
  return found == std::end(kStages) ? kOther : *found;
}

// Number 0 is `found`, 1 is `against`.
struct Sentence {
  hf_warning_kind kind;
  std::string_view pattern;
};
inline constexpr Sentence kSentences[] = {
    {HF_WARNING_RETRIES_DO_NOT_FIT,
     "only {n0} of max_attempts {n1} can begin in time if each takes its attempt_timeout: raise "
     "timeout "
     "or max_elapsed, or lower attempt_timeout, backoff or max_attempts"},
    {HF_WARNING_BACKOFF_BEYOND_TIMEOUT,
     "the delay grows to {t0}, and the call is over after {t1}: lower base, cap or max_attempts"},
    {HF_WARNING_ATTEMPT_TIMEOUT_UNUSED,
     "attempt_timeout {t0} never comes, the call is over after {t1}: lower it, or raise timeout"},
    {HF_WARNING_RETRY_WITHOUT_BUDGET,
     "in an outage every call makes {n0} attempts, for as long as it lasts: add a budget"},
    {HF_WARNING_RETRY_WITHOUT_TIMEOUT,
     "an attempt that hangs is never retried and holds its call for ever: set attempt_timeout"},
    {HF_WARNING_RETRY_WITHOUT_ATTEMPT_TIMEOUT,
     "an attempt that hangs takes all of {t1}, so that none of max_attempts {n0} is left for a "
     "retry: "
     "set attempt_timeout"},
    {HF_WARNING_RETRY_WITHOUT_BRAKE,
     "nothing stops {n0} attempts per call to what is down: add a breaker or a throttle"},
    {HF_WARNING_RETRY_NOT_IDEMPOTENT,
     "calls that are not idempotent are repeated only where nothing can have happened, never after "
     "a "
     "timeout: make them idempotent, give a rule with an effect, or expect max_attempts {n0} to be "
     "rare"},
    {HF_WARNING_NO_JITTER,
     "jitter none lets clients that failed together come back together: use jitter full"},
    {HF_WARNING_BUDGET_ALLOWS_NONE,
     "max_tokens {m0} allows no retry at all, for more than half must be left after a failure: use "
     "more "
     "than {m1}"},
    {HF_WARNING_TREE_STOPS_RETRIES,
     "tree_retries ends a call after {n0} attempts that were sent, so that max_attempts {n1} is "
     "not "
     "reached: raise tree_retries or lower max_attempts"},
    {HF_WARNING_TREE_UNUSED,
     "tree_retries allows {n0} attempts, and all layers together make at most {n1}: lower it to "
     "have an "
     "effect"},
    {HF_WARNING_HEDGE_NOT_IDEMPOTENT,
     "calls that are not idempotent are never hedged, {n1} of max_attempts {n0} is made: declare "
     "them "
     "idempotent, or leave the hedge out"},
    {HF_WARNING_HEDGE_BEYOND_TIMEOUT,
     "no hedge is sent before {t0}, and the call is over after {t1}: lower its delay (min_delay)"},
    {HF_WARNING_HEDGE_BEYOND_ATTEMPT,
     "no hedge is sent before {t0}, and attempt_timeout {t1} comes first: lower its delay "
     "(min_delay)"},
    {HF_WARNING_OPEN_FOR_BEYOND_TIMEOUT,
     "open_for {t0} is not below the call's {t1}: a call that meets an open breaker seldom waits "
     "for it, "
     "it fails at once"},
    {HF_WARNING_OPEN_FOR_BELOW_ATTEMPT,
     "open_for {t0} is over before attempts that hang for {t1} are, so that probes join them: "
     "raise it"},
    {HF_WARNING_PROBE_LEASE_BELOW_ATTEMPT,
     "probe_lease {t0} ends before a slow probe of {t1} does, which is then lost: raise it"},
    {HF_WARNING_SLOW_AFTER_BEYOND_ATTEMPT,
     "slow_after {t0} never comes, an attempt is over after {t1}: lower it"},
    {HF_WARNING_QUEUE_BEYOND_TIMEOUT,
     "max_wait {t0} exceeds the call's {t1}, so that calls can die waiting: lower it, and leave "
     "time for "
     "the attempt"},
    {HF_WARNING_QUEUE_WITHOUT_TIMEOUT,
     "{n0} may wait for {t1} with no deadline, so that places go to callers who have given up: set "
     "timeout, or tell the callers' deadline"},
    {HF_WARNING_LIMITER_BEYOND_TIMEOUT,
     "max_wait {t0} exceeds the call's {t1}, beyond which it has no effect: lower it"},
    {HF_WARNING_LIMITER_BELOW_BULKHEAD,
     "its rate puts {n0} attempts in flight at this latency, so that bulkhead's limit {n1} is "
     "never "
     "reached: lower that one or raise the rate"},
    {HF_WARNING_BULKHEAD_UNUSED,
     "call_bulkhead's limit {n0} keeps bulkhead's {n1} from ever being reached, unless others "
     "share it: "
     "raise the one or leave out the other"},
    {HF_WARNING_SAME_BULKHEAD,
     "call_bulkhead and bulkhead are one object, so that {n0} calls at once wait for each other: "
     "make "
     "two"},
    {HF_WARNING_SAME_LIMITER,
     "call_limiter and limiter are one object, so that a call takes two of {n0} permits: make two"},
};

}  // namespace explain_text
}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_EXPLAIN_WORDS_H_
