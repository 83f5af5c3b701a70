// SPDX-License-Identifier: Apache-2.0
// The rules of fault injection, and what they say of one attempt. A table that calls read while nobody
// writes it; who reads it later must know that (engine/fault.h does).
//
//   for each rule, in order      skipped if it does not mean the call, or its draw is not below its rate
//   the draw                     the first number of stream `attempt` of the generator that is seeded with
//                                the number `seed of the call` of the rule's own: nothing else goes in
//   the delay                    the number after it, uniform in [min, min + spread]
//
// Invariants: the same (rule, seed of the call, attempt, facts) say the same. What one rule draws does not
// depend on the others.
// Locking: none. Memory: fixed, 10 KB.
#ifndef HOLDFAST_ENGINE_FAULT_RULES_H_
#define HOLDFAST_ENGINE_FAULT_RULES_H_

#include <holdfast/c/fault.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "engine/duration.h"
#include "engine/match.h"
#include "engine/rng.h"

namespace holdfast::engine {

inline constexpr uint32_t kMaxFaultRules = 16;

// A checked rule.
struct FaultRule {
  Match match;
  hf_fault_kind kind = HF_FAULT_ERROR;
  uint64_t threshold = 0;  // FaultThreshold(rate)
  uint64_t seed = 0;
  hf_duration delay_min = 0;
  hf_duration delay_spread = 0;
  hf_outcome outcome = {};
  uint64_t result = 0;
};

struct FaultLimits {
  uint64_t max_total = 0;  // 0: none
  uint32_t max_active = 16;
};

struct FaultPolicy {
  std::array<FaultRule, kMaxFaultRules> rules;
  uint32_t count = 0;
  uint64_t seed = 0;
  hf_duration expiry = 0;
  FaultLimits limits;
};

// How many of the 2^53 equally likely draws are below `rate`, which is in (0, 1]: at least one.
inline uint64_t FaultThreshold(double rate) {
  return static_cast<uint64_t>(std::ceil(rate * 0x1.0p53));
}

// The seed of the rule at `place` that has none of its own.
inline uint64_t FaultRuleSeed(uint64_t seed, uint32_t place) { return Rng(seed, place).Next(); }

// Needs policies of at most `places` rules.
template <typename Storage, size_t places>
class FaultRules {
 public:
  void Store(const FaultPolicy& policy) {
    for (uint32_t at = 0; at < policy.count; ++at) cells_[at].Store(policy.rules[at]);
    count_.Store(policy.count);
    max_total_.Store(policy.limits.max_total);
    max_active_.Store(policy.limits.max_active);
  }

  FaultLimits Limits() const { return {max_total_.Load(), max_active_.Load()}; }

  // True if something is to be done: what, without a ticket, in *out, which is else as it was.
  bool Decide(uint64_t seed, uint32_t attempt, const hf_facts& facts, hf_time now,
              hf_fault_decision* out) const {
    const uint32_t count = count_.Load();
    for (uint32_t at = 0; at < count; ++at) {
      const Cells& rule = cells_[at];
      if (!rule.match.Fits(facts)) continue;
      Rng random(Rng(rule.seed.Load(), seed).Next(), attempt);
      if (random.Next() >> 11 >= rule.threshold.Load()) continue;
      const hf_duration delay =
          rule.delay_min.Load() + static_cast<hf_duration>(random.UpTo(rule.delay_spread.Load()));
      *out = hf_fault_decision{};
      out->kind = rule.kind.Load();
      out->reason = HF_R_FAULT_INJECTED;
      out->rule = at;
      out->attempt = attempt;
      out->delay_until = delay == 0 ? 0 : AddSaturating(now, delay);
      out->outcome.code = rule.code.Load();
      out->outcome.verdict = rule.verdict.Load();
      out->outcome.effect = rule.effect.Load();
      out->outcome.retry_after = rule.retry_after.Load();
      out->result = rule.result.Load();
      return true;
    }
    return false;
  }

 private:
  template <typename T>
  using Cell = typename Storage::template Cell<T>;

  struct Cells {
    void Store(const FaultRule& rule) {
      match.Store(rule.match);
      kind.Store(rule.kind);
      threshold.Store(rule.threshold);
      seed.Store(rule.seed);
      delay_min.Store(rule.delay_min);
      delay_spread.Store(static_cast<uint64_t>(rule.delay_spread));
      code.Store(rule.outcome.code);
      verdict.Store(rule.outcome.verdict);
      effect.Store(rule.outcome.effect);
      retry_after.Store(rule.outcome.retry_after);
      result.Store(rule.result);
    }

    MatchCells<Storage> match;
    Cell<hf_fault_kind> kind;
    Cell<uint64_t> threshold;
    Cell<uint64_t> seed;
    Cell<hf_duration> delay_min;
    Cell<uint64_t> delay_spread;
    Cell<hf_code> code;
    Cell<hf_verdict> verdict;
    Cell<hf_effect> effect;
    Cell<hf_duration> retry_after;
    Cell<uint64_t> result;
  };

  Cell<uint32_t> count_;  // at most `places`, also while it is being stored
  Cell<uint64_t> max_total_;
  Cell<uint32_t> max_active_;
  std::array<Cells, places> cells_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_FAULT_RULES_H_
