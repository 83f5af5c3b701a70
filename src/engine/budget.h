// SPDX-License-Identifier: Apache-2.0
// The token bucket that keeps retries from becoming a storm (gRPC proposal A6, retry throttling).
//
//   event     tokens                          answer
//   failure   max(0, tokens - 1)              retry allowed while tokens > max / 2, after the charge
//   success   min(max, tokens + ratio)        -
//   update    tokens * new max / old max      -
//
// Counted in thousandths, so that ratio steps add up exactly. Starts full.
// Invariants: 0 <= tokens <= max. The charge and its answer are one step: of many threads that fail at
// once, no more get a retry than there are tokens for.
// Memory: two cells. Locking: none, one compare-and-exchange; nothing is written at the two ends. Updates one
// at a time; a charge that races with one may be made by either policy.
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
  explicit Budget(const BudgetPolicy& policy) : policy_(Packed(policy)), tokens_(policy.max) {}

  // Charges one token for a retryable failure; true if it may be retried.
  bool OnFailure() {
    MilliTokens before = tokens_.Load();
    MilliTokens left = Charged(before);
    while (left != before && !tokens_.CompareExchange(before, left)) left = Charged(before);
    return 2 * left > policy().max;
  }

  void OnSuccess() {
    const BudgetPolicy policy = this->policy();
    MilliTokens before = tokens_.Load();
    MilliTokens now = Repaid(policy, before);
    while (now != before && !tokens_.CompareExchange(before, now)) now = Repaid(policy, before);
  }

  // The part that is left of it stays the same; a full one stays full.
  void Update(const BudgetPolicy& policy) {
    const MilliTokens old_max = this->policy().max;
    policy_.Store(Packed(policy));
    MilliTokens before = tokens_.Load();
    while (!tokens_.CompareExchange(before, Scaled(before, old_max, policy.max))) {
    }
  }

  MilliTokens Tokens() const { return tokens_.Load(); }
  bool IsFull() const { return Tokens() >= policy().max; }
  BudgetPolicy policy() const {
    const uint64_t packed = policy_.Load();
    return {static_cast<MilliTokens>(packed >> 32), static_cast<MilliTokens>(packed)};
  }

 private:
  static uint64_t Packed(const BudgetPolicy& policy) {
    return uint64_t{policy.max} << 32 | policy.ratio;
  }
  static MilliTokens Charged(MilliTokens tokens) {
    return tokens > kOneToken ? tokens - kOneToken : 0;
  }
  static MilliTokens Repaid(const BudgetPolicy& policy, MilliTokens tokens) {
    return std::min(policy.max, tokens + policy.ratio);
  }
  // Rounded down. A success that came in between by the old policy does not lift it above the new one.
  static MilliTokens Scaled(MilliTokens tokens, MilliTokens old_max, MilliTokens new_max) {
    return static_cast<MilliTokens>(uint64_t{std::min(tokens, old_max)} * new_max / old_max);
  }

  typename Storage::template Cell<uint64_t> policy_;  // max | ratio
  typename Storage::template Cell<MilliTokens> tokens_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BUDGET_H_
