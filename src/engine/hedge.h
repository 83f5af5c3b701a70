// SPDX-License-Identifier: Apache-2.0
// What the hedged calls to one dependency share: the delay, the cap, and the counts.
//
//   estimate   samples                 delay
//   UNKNOWN    below min_samples       fixed: `delay`. quantile: `delay`, or no hedge if that is 0
//   KNOWN      min_samples or more     fixed: `delay`. quantile: within [min_delay, max_delay]
//
// What is learnt: one latency per call, the first attempt's, and no other. If it is cut off, by a hedge that
// wins or by its time, its age stands for it. A loser's is too low, but at least the delay, so that the
// share of first attempts that are faster than the delay, which is all the quantile needs to stay where it
// is, comes out exactly. To leave them out would be to look at fast ones only: the delay would shrink from
// window to window, and hedges would grow. A hedge's latency is never learnt, because it is known only
// when it is the faster one. A failure teaches nothing: a refused connection is not a fast answer.
//
// A delay that ends at or after the deadline of a call is no delay for it: no hedge is sent, and it is
// counted as too late if the deadline comes. Where that many first attempts hang, hedges end by themselves.
//
// Invariants: a call sees the delay and the number of attempts of one configuration.
// Locking: BeginCall and Learn are a few atomic steps. Windows that end, every 128th sample, the one that
//   makes the estimate known, Update and Read take the lock. Memory: about 5 KiB, no heap.
#ifndef HOLDFAST_ENGINE_HEDGE_H_
#define HOLDFAST_ENGINE_HEDGE_H_

#include <holdfast/c/hedge.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/cells.h"
#include "engine/duration.h"
#include "engine/hedge_cap.h"
#include "engine/quantile.h"

namespace holdfast::engine {

inline constexpr uint32_t kMaxHedgeAttempts = 8;

// hf_hedge_options with defaults filled in and ranges checked.
struct HedgeRules {
  hf_hedge_mode mode = HF_HEDGE_QUANTILE;
  uint32_t max_attempts = 2;
  uint32_t min_samples = 100;
  uint32_t burst = 10 * kOneHedge;  // thousandths
  uint32_t max_rate = kOneHedge / 20;
  Quantile quantile = 950'000;
  hf_duration delay = 0;
  hf_duration min_delay = HF_MS;
  hf_duration max_delay = 3600 * HF_S;
  hf_duration window = 30 * HF_S;
};

// What one call goes by. delay HF_INFINITE: no hedge for being slow.
struct HedgeTerms {
  uint32_t max_attempts;
  hf_duration delay;
};

// Why an attempt after the first was not sent.
enum class HedgeRefusal : uint32_t { kCap, kBudget, kGuard, kTooLate, kPushedBack };

template <typename Storage>
class Hedge {
 public:
  explicit Hedge(const HedgeRules& rules) : rules_(rules), cap_(rules.max_rate, rules.burst) {
    known_from_.Store(rules.min_samples);
    PublishEstimate({});
  }

  // A call whose first attempt is sent.
  HedgeTerms BeginCall(hf_time now) {
    if (windows_.IsOver(now)) Rotate(now);
    calls_.Add(1);
    cap_.OnCall();
    return TermsOf(terms_.Load());
  }

  // How long a first attempt took, or at least took.
  void Learn(hf_duration latency, hf_time now) {
    if (windows_.IsOver(now)) Rotate(now);
    const uint64_t samples = windows_.Record(latency) + 1;
    if (samples == known_from_.Load() || samples % kRefreshEvery == 0) Refresh();
  }

  // The median, 0 if unknown: what an attempt needs to be of use.
  hf_duration Expected() const { return expected_.Load(); }

  HedgeCap<Storage>& cap() { return cap_; }

  void NoteSent(uint32_t attempt, hf_time now) {
    sent_.Add(1);
    journal_.Write(HF_EVENT_KIND_HEDGED, now, HF_R_NONE, 0, attempt);
  }
  void NoteRefused(HedgeRefusal refusal, hf_reason reason, uint32_t attempt, hf_time now) {
    not_sent_[static_cast<size_t>(refusal)].Add(1);
    journal_.Write(HF_EVENT_KIND_REFUSED, now, reason, 0, attempt);
  }
  void NoteWon() { won_.Add(1); }

  void Update(const HedgeRules& rules, hf_time now) {
    const ScopedLock lock(mutex_);
    newest_ = NotBefore(now, newest_);
    rules_ = rules;
    cap_.Update(rules.max_rate, rules.burst);
    windows_.EndBy(AddSaturating(newest_, rules.window));
    RotateLocked();
    ++updates_;
    journal_.Write(HF_EVENT_KIND_UPDATED, newest_, HF_R_NONE, 0, updates_);
  }

  HedgeRules Rules() const {
    const ScopedLock lock(mutex_);
    return rules_;
  }

  hf_hedge_snapshot Read(hf_time now) const {
    const ScopedLock lock(mutex_);
    const LatencyEstimate estimate =
        windows_.Estimate(rules_.quantile, NotBefore(now, newest_), rules_.window);
    const HedgeTerms terms = Terms(estimate);
    hf_hedge_snapshot snapshot{};
    snapshot.updates = updates_;
    snapshot.calls = calls_.Load();
    snapshot.hedges = sent_.Load();
    snapshot.won = won_.Load();
    snapshot.capped = NotSent(HedgeRefusal::kCap);
    snapshot.over_budget = NotSent(HedgeRefusal::kBudget);
    snapshot.refused = NotSent(HedgeRefusal::kGuard);
    snapshot.too_late = NotSent(HedgeRefusal::kTooLate);
    snapshot.pushed_back = NotSent(HedgeRefusal::kPushedBack);
    snapshot.samples = estimate.samples;
    snapshot.delay = terms.delay == HF_INFINITE ? 0 : terms.delay;
    snapshot.expected = IsKnown(estimate) ? estimate.median : 0;
    return snapshot;
  }

  // Before the policy is shared.
  typename Storage::Journal& journal() { return journal_; }

 private:
  template <typename T>
  using Cell = typename Storage::template Cell<T>;

  static constexpr uint64_t kRefreshEvery = 128;

  // --- the terms: delay | max_attempts, one word so that no call mixes two configurations -------------
  static constexpr int kAttemptBits = 4;
  static constexpr uint64_t kNoDelay = ~uint64_t{0} >> kAttemptBits;

  static HedgeTerms TermsOf(uint64_t word) {
    const uint64_t delay = word >> kAttemptBits;
    return {static_cast<uint32_t>(word % (1u << kAttemptBits)),
            delay == kNoDelay ? HF_INFINITE : static_cast<hf_duration>(delay)};
  }
  static uint64_t WordOf(const HedgeTerms& terms) {
    const uint64_t delay =
        terms.delay == HF_INFINITE ? kNoDelay : static_cast<uint64_t>(terms.delay);
    return delay << kAttemptBits | terms.max_attempts;
  }

  bool IsKnown(const LatencyEstimate& estimate) const {
    return estimate.samples >= rules_.min_samples;
  }

  HedgeTerms Terms(const LatencyEstimate& estimate) const {
    if (rules_.mode == HF_HEDGE_QUANTILE && IsKnown(estimate)) {
      const hf_duration delay = std::clamp(estimate.quantile, rules_.min_delay, rules_.max_delay);
      return {rules_.max_attempts, delay};
    }
    return {rules_.max_attempts, rules_.delay == 0 ? HF_INFINITE : rules_.delay};
  }

  // --- under the lock ---------------------------------------------------------------------------------
  [[gnu::cold]] void Rotate(hf_time now) {
    const ScopedLock lock(mutex_);
    newest_ = NotBefore(now, newest_);
    RotateLocked();
  }

  void RotateLocked() {
    windows_.Rotate(newest_, rules_.window);
    known_from_.Store(windows_.Base() + rules_.min_samples);
    PublishEstimate(windows_.Estimate(rules_.quantile, newest_, rules_.window));
  }

  [[gnu::cold]] void Refresh() {
    const ScopedLock lock(mutex_);
    PublishEstimate(windows_.Estimate(rules_.quantile, newest_, rules_.window));
  }

  void PublishEstimate(const LatencyEstimate& estimate) {
    expected_.Store(IsKnown(estimate) ? estimate.median : 0);
    terms_.Store(WordOf(Terms(estimate)));
  }

  uint64_t NotSent(HedgeRefusal refusal) const {
    return not_sent_[static_cast<size_t>(refusal)].Load();
  }

  HedgeRules rules_;    // under the lock, as are newest_ and updates_
  hf_time newest_ = 0;  // `now` of the newest rotation or update
  uint32_t updates_ = 0;
  mutable typename Storage::Mutex mutex_;
  typename Storage::Journal journal_;
  // Read by every call, written rarely.
  alignas(64) Cell<uint64_t> terms_;
  Cell<hf_duration> expected_;
  Cell<uint64_t> known_from_;  // the sample, counted from ever, that makes the estimate known
  // Written by every call.
  alignas(64) Cell<uint64_t> calls_;
  HedgeCap<Storage> cap_;
  Cell<uint64_t> sent_;
  Cell<uint64_t> won_;
  std::array<Cell<uint64_t>, 5> not_sent_;
  LatencyWindows<Storage> windows_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_HEDGE_H_
