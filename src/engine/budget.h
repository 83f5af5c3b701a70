// SPDX-License-Identifier: Apache-2.0
// The token bucket that keeps retries and hedges from becoming a storm (gRPC proposal A6, retry
// throttling).
//
//   event     tokens                          answer
//   failure   max(0, tokens - 1)              retry allowed while tokens > max / 2, after the charge
//   success   min(max, tokens + ratio)        -
//   update    same share of the new max       -
//
// Counted in thousandths, so that ratio steps add up exactly. Starts full.
// Invariants: 0 <= tokens <= max, once every step under way is over. The charge and its answer are one
// step: of many threads that fail at once, no more get a retry than there are tokens for.
// Memory: a few cells. Locking: none but between updates. A step adds first and takes back what fell
// outside the limits, its own part only; compare-and-exchange would cost several times that where
// threads meet. In between a reader may see a value outside by what is under way, and clamps it.
#ifndef HOLDFAST_ENGINE_BUDGET_H_
#define HOLDFAST_ENGINE_BUDGET_H_

#include <holdfast/c/journal.h>

#include <algorithm>
#include <cstdint>

#include "engine/cells.h"

namespace holdfast::engine {

// Thousandths of a token. Signed: see Locking.
using MilliTokens = int32_t;
inline constexpr MilliTokens kOneToken = 1000;

struct BudgetPolicy {
  MilliTokens max = 100 * kOneToken;
  MilliTokens ratio = kOneToken / 10;
};

template <typename Storage>
class Budget {
 public:
  explicit Budget(const BudgetPolicy& policy)
      : max_(policy.max), ratio_(policy.ratio), tokens_(policy.max) {}

  // Charges one token for a retryable failure; true if it may be retried.
  bool OnFailure() {
    const MilliTokens before = tokens_.Add(-kOneToken);
    const MilliTokens after = before - kOneToken;
    if (after < 0) tokens_.Add(std::min(-after, kOneToken));
    const bool allowed = 2 * after > max_.Load();
    (allowed ? allowed_ : refused_).Add(1);
    return allowed;
  }

  void OnSuccess() {
    const MilliTokens max = max_.Load();
    if (tokens_.Load() >= max) return;
    const MilliTokens ratio = ratio_.Load();
    const MilliTokens after = tokens_.Add(ratio) + ratio;
    if (after > max) tokens_.Add(-std::min(after - max, ratio));
  }

  // Keeps the share of tokens that is left. Charges that come in between are kept.
  void Update(const BudgetPolicy& policy, hf_time now) {
    const ScopedLock lock(mutex_);
    const int64_t share = int64_t{Tokens()} * policy.max / max_.Load();
    tokens_.Add(static_cast<MilliTokens>(share) - Tokens());
    max_.Store(policy.max);
    ratio_.Store(policy.ratio);
    journal_.Write(HF_EVENT_KIND_UPDATED, now, HF_R_NONE, 0, ++updates_);
  }

  MilliTokens Tokens() const { return std::clamp(tokens_.Load(), 0, max_.Load()); }
  // Nobody would miss it: a new one would be the same.
  bool IsFull() const { return Tokens() == max_.Load(); }
  BudgetPolicy policy() const { return {max_.Load(), ratio_.Load()}; }
  uint64_t Allowed() const { return allowed_.Load(); }
  uint64_t Refused() const { return refused_.Load(); }
  typename Storage::Journal& journal() { return journal_; }

 private:
  template <typename T>
  using Cell = typename Storage::template Cell<T>;

  Cell<MilliTokens> max_;
  Cell<MilliTokens> ratio_;
  Cell<MilliTokens> tokens_;
  Cell<uint64_t> allowed_;
  Cell<uint64_t> refused_;
  typename Storage::Mutex mutex_;  // of updates
  int64_t updates_ = 0;            // under it
  typename Storage::Journal journal_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BUDGET_H_
