// SPDX-License-Identifier: Apache-2.0
#include "engine/worst_case.h"

#include <algorithm>

#include "engine/duration.h"

namespace holdfast::engine {
namespace {

// Visits the policy that applies before any attempt was made, then those of the codes with rules of their
// own; the former stands for all other codes.
template <typename Visit>
void ForEachPolicy(const CallRules& rules, const Visit& visit) {
  visit(rules.backoff);
  for (hf_code code = HF_OK + 1; code <= HF_UNAUTHENTICATED; ++code) {
    const RetryRule& rule = rules.rules.At(code);
    if (rule.max_attempts == 0 && rule.base == 0 && rule.cap == 0) continue;
    visit(rules.rules.Applied(rules.backoff, code));
  }
}

// Of what follows round n. Nothing if that is the last one.
std::optional<DelayRange> DelayAfter(const CallRules& rules, uint32_t round,
                                     hf_duration previous_highest) {
  std::optional<DelayRange> all;
  ForEachPolicy(rules, [&](const BackoffPolicy& policy) {
    if (round >= policy.max_attempts) return;
    const DelayRange one = BackoffRange(policy, round, previous_highest);
    if (!all) all = one;
    all->lowest = std::min(all->lowest, one.lowest);
    all->highest = std::max(all->highest, one.highest);
  });
  return all;
}

// The latest end of a sleep, seen from the start of the call; negative: there can be none.
hf_duration LastStart(const BackoffPolicy& policy, hf_duration deadline) {
  if (deadline == HF_INFINITE) return policy.max_elapsed;
  return std::min(policy.max_elapsed, deadline - std::max<hf_duration>(policy.min_attempt_time, 1));
}

}  // namespace

WorstCase WorstCaseOf(const CallRules& rules, const CallWaits& waits) {
  const hf_duration last_start = LastStart(rules.backoff, waits.deadline);
  uint32_t attempts = 1;
  hf_duration earliest = 0, previous = 0;
  hf_duration latest = waits.call_wait, latest_of_all = latest;
  while (const auto delay = DelayAfter(rules, attempts, previous)) {
    earliest = AddSaturating(earliest, delay->lowest);
    if (earliest > last_start) break;
    hf_duration round =
        AddSaturating(waits.attempt_timeout, AddSaturating(kRetryAfterAllowance, delay->highest));
    if (waits.breaker_wait) round = std::max(round, *waits.breaker_wait);
    latest = AddSaturating(latest, AddSaturating(waits.attempt_wait, round));
    latest = std::min(latest, last_start);
    latest_of_all = std::max(latest_of_all, latest);
    previous = delay->highest;
    ++attempts;
  }
  const hf_duration last = AddSaturating(waits.attempt_wait, waits.attempt_timeout);
  return {attempts, std::min(waits.deadline, AddSaturating(latest_of_all, last))};
}

uint32_t AttemptsThatFit(const CallRules& rules, hf_duration deadline, hf_duration each) {
  const hf_duration last_start = LastStart(rules.backoff, deadline);
  hf_duration start = 0;
  uint32_t attempts = 1;
  while (const auto delay = DelayAfter(rules, attempts, 0)) {
    start = AddSaturating(start, AddSaturating(each, delay->lowest));
    if (start > last_start || start == HF_INFINITE) break;
    ++attempts;
  }
  return attempts;
}

uint32_t MostAttempts(const CallRules& rules) {
  uint32_t most = 1;
  ForEachPolicy(rules,
                [&](const BackoffPolicy& policy) { most = std::max(most, policy.max_attempts); });
  return most;
}

hf_duration LongestCeiling(const CallRules& rules) {
  hf_duration longest = 0;
  ForEachPolicy(rules, [&](const BackoffPolicy& policy) {
    if (policy.max_attempts < 2) return;
    longest = std::max(longest, BackoffCeiling(policy, policy.max_attempts - 1));
  });
  return longest;
}

WorstCase WorstHedgedCase(uint32_t max_attempts, const CallWaits& waits) {
  const hf_duration each = AddSaturating(waits.attempt_timeout, kRetryAfterAllowance);
  const hf_duration last_start = MultiplySaturating(each, max_attempts - 1);
  return {max_attempts, std::min(waits.deadline, AddSaturating(last_start, waits.attempt_timeout))};
}

}  // namespace holdfast::engine
