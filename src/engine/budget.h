// SPDX-License-Identifier: Apache-2.0
// The token bucket that keeps retries from becoming a storm (gRPC proposal A6, retry throttling).
//
//   event     tokens                          answer
//   failure   max(0, tokens - 1)              retry allowed while tokens > max / 2, after the charge
//   success   min(max, tokens + ratio)        -
//
// Counted in thousandths, so that ratio steps add up exactly. Starts full.
// Invariants: 0 <= tokens <= max. The charge and its answer are one step: of many threads that fail at
// once, no more get a retry than there are tokens for.
// Memory: one cell. Locking: none, one compare-and-exchange; nothing is written at the two ends.
#ifndef HOLDFAST_ENGINE_BUDGET_H_
#define HOLDFAST_ENGINE_BUDGET_H_

#include <algorithm>
#include <cstdint>

namespace holdfast::engine {

// Thousandths of a token.
using MilliTokens = uint32_t;
inline constexpr MilliTokens kOneToken = 1000;

struct BudgetPolicy {
  MilliTokens max = 100 * kOneToken;
  MilliTokens ratio = kOneToken / 10;
};

template <typename Storage>
class Budget {
 public:
  explicit Budget(const BudgetPolicy& policy) : policy_(policy), tokens_(policy.max) {}

  // Charges one token for a retryable failure; true if it may be retried.
  bool OnFailure() {
    MilliTokens before = tokens_.Load();
    MilliTokens left = Charged(before);
    while (left != before && !tokens_.CompareExchange(before, left)) left = Charged(before);
    return 2 * left > policy_.max;
  }

  void OnSuccess() {
    MilliTokens before = tokens_.Load();
    MilliTokens now = Repaid(before);
    while (now != before && !tokens_.CompareExchange(before, now)) now = Repaid(before);
  }

  MilliTokens Tokens() const { return tokens_.Load(); }
  const BudgetPolicy& policy() const { return policy_; }

 private:
  static MilliTokens Charged(MilliTokens tokens) {
    return tokens > kOneToken ? tokens - kOneToken : 0;
  }
  MilliTokens Repaid(MilliTokens tokens) const {
    return std::min(policy_.max, tokens + policy_.ratio);
  }

  const BudgetPolicy policy_;
  typename Storage::template Cell<MilliTokens> tokens_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BUDGET_H_
