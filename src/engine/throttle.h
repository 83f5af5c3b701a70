// SPDX-License-Identifier: Apache-2.0
// Client-side throttling: refuses calls by chance, in proportion to how much the dependency fails.
//
//   step                       effect
//   admit, draw >= p           none: it counts when its result is known
//   admit, draw < p            n + 1, refused
//   record SUCCESS, SLOW       n + 1, s + 1
//   record FAILURE             n + 1
//   record IGNORED             none
//   any, at or after refresh   the window moves to `now`, and p is worked out from n and s in it
//
// p is in throttle_policy.h. A refresh is due when a step of the window ends, and 32 times in between.
// Invariants: s <= n. p <= max_rejection < 1. Each count is in exactly one step of the window, the one its
//   own `now` is in: whoever counts refreshes first if that is due.
// Locking: two loads to admit, one load and one addition to record, on the thread's own shard. A refresh
//   takes the lock and publishes p last. Sums are never set back: the window is the difference of readings.
// Memory: 3 KiB, no heap.
#ifndef HOLDFAST_ENGINE_THROTTLE_H_
#define HOLDFAST_ENGINE_THROTTLE_H_

#include <holdfast/c/throttle.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/cells.h"
#include "engine/duration.h"
#include "engine/rng.h"
#include "engine/shards.h"
#include "engine/throttle_policy.h"

namespace holdfast::engine {

template <typename Storage>
class Throttle {
 public:
  explicit Throttle(const ThrottlePolicy& policy) : policy_(policy) {}

  // Before the object is shared.
  typename Storage::Journal& journal() { return journal_; }

  // code is OK, or UNAVAILABLE with the reason and when the window moves. shard is the thread's.
  hf_rejection Admit(uint32_t shard, uint64_t seed, hf_time now) {
    if (now >= refresh_at_.Load()) RefreshIfDue(now);
    const uint64_t refuse_below = refuse_below_.Load();
    if (refuse_below == 0 || Rng(seed, kStream).Next() >= refuse_below) return {HF_OK, 0, 0};
    return Refuse(shard, now);
  }

  void Record(uint32_t shard, hf_verdict verdict, hf_time now) {
    if (verdict == HF_VERDICT_IGNORED) return;
    if (now >= refresh_at_.Load()) RefreshIfDue(now);
    shards_[shard % kShards].counts.Add(verdict == HF_VERDICT_FAILURE ? kRequest : kAccepted);
  }

  ThrottlePolicy Policy() {
    const ScopedLock lock(mutex_);
    return policy_;
  }

  void Update(const ThrottlePolicy& policy, hf_time now) {
    const ScopedLock lock(mutex_);
    now = NotBefore(now, newest_ * policy_.Step());
    Advance(now);
    const bool other_shape = policy.window != policy_.window || policy.buckets != policy_.buckets;
    const ThrottleCounts kept = InWindow(newest_);
    policy_ = policy;
    if (other_shape) Reshape(kept, now);
    Publish(now);
    journal_.Write(HF_EVENT_KIND_UPDATED, now, HF_R_NONE, 0, ++updates_);
  }

  // As of `now`: steps that have left the window since the newest one count no more. Publishes nothing.
  hf_throttle_snapshot Read(hf_time now) {
    const ScopedLock lock(mutex_);
    Collect();
    const ThrottleCounts counts = InWindow(NotBefore(now, 0) / policy_.Step());
    hf_throttle_snapshot snapshot{};
    snapshot.rejection = RejectionProbability(policy_, counts);
    snapshot.requests = counts.requests;
    snapshot.accepts = counts.accepts;
    for (const Shard& shard : shards_) snapshot.refused += shard.refused.Load();
    return snapshot;
  }

 private:
  template <typename T>
  using Cell = typename Storage::template Cell<T>;
  static constexpr uint64_t kStream = 0x7468726f74746c65;
  static constexpr uint64_t kRequest = 1;
  static constexpr uint64_t kAccepted = uint64_t{1} << 32 | 1;
  static constexpr hf_duration kRefreshes = 32;

  // One thread's, as long as there are no more than kShards of them.
  struct alignas(kCacheLine) Shard {
    Cell<uint64_t>
        counts;  // accepts | requests; differences are exact below 2^32 between refreshes
    Cell<uint64_t> refused;
    uint64_t counts_taken = 0;
  };

  [[gnu::cold, gnu::noinline]] void RefreshIfDue(hf_time now) {
    const ScopedLock lock(mutex_);
    now = NotBefore(now, 0);
    if (now < refresh_at_.Load()) return;  // another thread was first
    Advance(now);
    Publish(now);
  }

  // The answer says when the window moves: until then p does not fall by itself.
  [[gnu::cold, gnu::noinline]] hf_rejection Refuse(uint32_t shard, hf_time now) {
    Shard& mine = shards_[shard % kShards];
    mine.counts.Add(kRequest);
    mine.refused.Add(1);
    journal_.Write(HF_EVENT_KIND_REFUSED, now, HF_R_THROTTLED, 0, 1);
    const hf_duration until_step = TimeUntil(step_end_.Load(), NotBefore(now, 0));
    return {HF_UNAVAILABLE, HF_R_THROTTLED,
            std::clamp<hf_duration>(until_step, 1, step_length_.Load())};
  }

  // Under the lock, as all below. What was counted since the last time belongs to the newest step.
  void Collect() {
    for (Shard& shard : shards_) {
      const uint64_t counts = shard.counts.Load();
      const uint64_t fresh = counts - shard.counts_taken;
      totals_.requests += static_cast<uint32_t>(fresh);
      totals_.accepts += fresh >> 32;
      shard.counts_taken = counts;
    }
  }

  void Advance(hf_time now) {
    Collect();
    const int64_t step = now / policy_.Step();
    // One round fills the whole ring, however long nothing happened.
    for (int64_t i = std::max(newest_ + 1, step - policy_.buckets + 1); i <= step; ++i) {
      StartOf(i) = totals_;
    }
    newest_ = std::max(newest_, step);
  }

  // What the window that ends with `step` holds: all but the totals when its oldest step began.
  ThrottleCounts InWindow(int64_t step) {
    const int64_t oldest = std::max(step, newest_) - policy_.buckets + 1;
    if (oldest > newest_) return {};
    const ThrottleCounts& before = StartOf(oldest + policy_.buckets);
    return {totals_.requests - before.requests, totals_.accepts - before.accepts};
  }

  void Reshape(const ThrottleCounts& kept, hf_time now) {
    newest_ = now / policy_.Step();
    const ThrottleCounts before{totals_.requests - kept.requests, totals_.accepts - kept.accepts};
    // The newest step holds them all: each step that still counts began before them.
    for (int64_t i = 0; i < policy_.buckets; ++i) StartOf(i) = before;
  }

  void Publish(hf_time now) {
    const double before = rejection_;
    rejection_ = RejectionProbability(policy_, InWindow(newest_));
    const hf_time step_end = MultiplySaturating(newest_ + 1, policy_.Step());
    const hf_duration pause = std::max<hf_duration>(policy_.Step() / kRefreshes, 1);
    step_end_.Store(step_end);
    step_length_.Store(policy_.Step());
    refuse_below_.Store(DrawsBelow(rejection_));
    refresh_at_.Store(std::min(AddSaturating(now, pause), step_end));
    if ((before == 0) != (rejection_ == 0)) {
      journal_.Write(HF_EVENT_KIND_LIMIT, now, HF_R_NONE, InThousandths(1 - before),
                     InThousandths(1 - rejection_));
    }
  }

  ThrottleCounts& StartOf(int64_t step) {
    return starts_[static_cast<size_t>(step % policy_.buckets)];
  }
  static int64_t InThousandths(double share) { return static_cast<int64_t>(share * 1000 + 0.5); }

  typename Storage::Mutex mutex_;
  ThrottlePolicy policy_;  // under mutex_, as all that is no cell
  typename Storage::Journal journal_;
  int64_t newest_ = 0;  // step: now / step length
  int64_t updates_ = 0;
  double rejection_ = 0;
  ThrottleCounts totals_;
  std::array<ThrottleCounts, kMaxThrottleBuckets> starts_;  // the totals as each step began
  // Read by every call, written once per refresh.
  alignas(kCacheLine) Cell<hf_time> refresh_at_;
  Cell<uint64_t> refuse_below_;  // draws below this are refused; 0: none
  Cell<hf_time> step_end_;
  Cell<hf_duration> step_length_{1};
  std::array<Shard, kShards> shards_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_THROTTLE_H_
