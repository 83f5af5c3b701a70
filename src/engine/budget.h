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
// threads meet. In between a reader may see a value outside by what is under way, and clamps it. The
// maximum is in the same word as the tokens, so that each step is judged by the one it met, and an update
// scales what is within the limits and leaves what a step has yet to take back.
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
      : book_(WordOf({policy.max, policy.max})), ratio_(policy.ratio) {}

  // Charges one token for a retryable failure; true if it may be retried.
  bool OnFailure() {
    const Book before = Add(-kOneToken);
    const int64_t after = before.tokens - kOneToken;
    if (after < 0) Add(std::min<int64_t>(-after, kOneToken));
    const bool allowed = 2 * after > before.max;
    (allowed ? allowed_ : refused_).Add(1);
    return allowed;
  }

  void OnSuccess() {
    const Book now = BookOf(book_.Load());
    if (now.tokens >= now.max) return;
    const int64_t ratio = ratio_.Load();
    const Book before = Add(ratio);
    const int64_t above = before.tokens + ratio - before.max;
    if (above > 0) Add(-std::min(above, ratio));
  }

  // Keeps the share of tokens that is left. Charges that come in between are kept.
  void Update(const BudgetPolicy& policy, hf_time now) {
    const ScopedLock lock(mutex_);
    uint64_t word = book_.Load();
    while (!book_.CompareExchange(word, WordOf(Scaled(BookOf(word), policy.max)))) {
    }
    ratio_.Store(policy.ratio);
    journal_.Write(HF_EVENT_KIND_UPDATED, now, HF_R_NONE, 0, ++updates_);
  }

  MilliTokens Tokens() const { return Within(BookOf(book_.Load())); }
  // Nobody would miss it: a new one would be the same.
  bool IsFull() const {
    const Book now = BookOf(book_.Load());
    return now.tokens >= now.max;
  }
  BudgetPolicy policy() const {
    return {static_cast<MilliTokens>(BookOf(book_.Load()).max), ratio_.Load()};
  }
  uint64_t Allowed() const { return allowed_.Load(); }
  uint64_t Refused() const { return refused_.Load(); }
  typename Storage::Journal& journal() { return journal_; }

 private:
  template <typename T>
  using Cell = typename Storage::template Cell<T>;

  // One word: max | tokens + kZero. A sum of tokens never reaches the maximum's bits, whatever is under way.
  struct Book {
    int64_t max;
    int64_t tokens;
  };
  static constexpr int kTokenBits = 40;
  static constexpr int64_t kZero = int64_t{1} << (kTokenBits - 1);

  static uint64_t WordOf(const Book& book) {
    return static_cast<uint64_t>(book.max) << kTokenBits |
           static_cast<uint64_t>(book.tokens + kZero);
  }
  static Book BookOf(uint64_t word) {
    const uint64_t tokens = word & ((uint64_t{1} << kTokenBits) - 1);
    return {static_cast<int64_t>(word >> kTokenBits), static_cast<int64_t>(tokens) - kZero};
  }
  static MilliTokens Within(const Book& book) {
    return static_cast<MilliTokens>(std::clamp<int64_t>(book.tokens, 0, book.max));
  }
  static Book Scaled(const Book& book, int64_t max) {
    const int64_t within = Within(book);
    return {max, within * max / book.max + (book.tokens - within)};
  }

  // What it was before.
  Book Add(int64_t tokens) { return BookOf(book_.Add(static_cast<uint64_t>(tokens))); }

  Cell<uint64_t> book_;
  Cell<MilliTokens> ratio_;
  Cell<uint64_t> allowed_;
  Cell<uint64_t> refused_;
  typename Storage::Mutex mutex_;  // of updates
  int64_t updates_ = 0;            // under it
  typename Storage::Journal journal_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BUDGET_H_
