// SPDX-License-Identifier: Apache-2.0
// Gathers what calls show on many threads, and has each full window judged.
//
//   sample at `now`                              step
//   answered faster than min_rtt                 ignored: a cached answer says nothing of the load
//   before `due`                                 added
//   at or after `due`: added, and the first thread to come
//     none judged yet                            begins the window at `now`
//     too few samples, not kLongest windows old  leaves it open
//     kLongest windows old or more               sets it aside: most of it was measured before a pause
//     else                                       judges it; it tells the pace if it took no more than
//                                                twice as long as planned
//   and begins the next: window long, or twice the least rtt of the last if longer (kLongestPlan at most)
//
// Invariants: a sample is in exactly one window, judged or set aside. The limit changes under the lock only,
//   and each change of it is one event in the journal, in order.
// Locking: two loads and RttGatherer::Add before `due`; a mutex at and after it.
// A `now` before the newest one is before `due`: no time has passed.
#ifndef HOLDFAST_ENGINE_ADAPTIVE_SAMPLER_H_
#define HOLDFAST_ENGINE_ADAPTIVE_SAMPLER_H_

#include <holdfast/c/adaptive.h>

#include <algorithm>
#include <cstdint>

#include "engine/adaptive.h"
#include "engine/cells.h"
#include "engine/duration.h"
#include "engine/rtt_window.h"

namespace holdfast::engine {

template <typename Storage>
class AdaptiveSampler {
 public:
  explicit AdaptiveSampler(const AdaptivePolicy& policy)
      : judge_(policy), min_rtt_(policy.min_rtt), limit_(policy.initial_limit) {}

  // Before the object is shared.
  typename Storage::Journal& journal() { return journal_; }

  // True if this sample changed the limit, which *limit then is. rtt >= 0; shard is the thread's.
  bool Add(uint32_t shard, hf_duration rtt, uint32_t in_flight, bool dropped, hf_time now,
           uint32_t* limit) {
    if (!dropped && rtt < min_rtt_.Load()) return false;
    gatherer_.Add(shard, rtt, in_flight, dropped);
    if (now < due_.Load()) return false;
    return CloseWindow(NotBefore(now, 0), limit);
  }

  uint32_t Limit() const { return limit_.Load(); }

  // True if the limit changed, which *limit then is.
  bool Update(const AdaptivePolicy& policy, hf_time now, uint32_t* limit) {
    const ScopedLock lock(mutex_);
    judge_.Update(policy);
    min_rtt_.Store(policy.min_rtt);
    if (begun_) Plan(policy.window);
    journal_.Write(HF_EVENT_KIND_UPDATED, now, HF_R_NONE, 0, ++updates_);
    return Publish(now, limit);
  }

  hf_adaptive_snapshot Read() const {
    const ScopedLock lock(mutex_);
    hf_adaptive_snapshot snapshot{};
    snapshot.limit = judge_.Limit();
    snapshot.baseline = static_cast<hf_duration>(judge_.Baseline());
    snapshot.rtt = rtt_;
    snapshot.samples = samples_;
    snapshot.drops = drops_;
    snapshot.windows = windows_;
    snapshot.set_aside = set_aside_;
    snapshot.guarded = judge_.guarded();
    snapshot.in_flight = in_flight_;
    snapshot.saturated = judge_.pace() == Saturation::kSaturated ? 1 : 0;
    return snapshot;
  }

 private:
  template <typename T>
  using Cell = typename Storage::template Cell<T>;
  static constexpr int64_t kLongestPlan = 10;
  static constexpr int64_t kLongest = 30;

  [[gnu::cold, gnu::noinline]] bool CloseWindow(hf_time now, uint32_t* limit) {
    const ScopedLock lock(mutex_);
    if (now < due_.Load()) return false;  // another thread was first
    const AdaptivePolicy& policy = judge_.policy();
    if (!begun_) {
      begun_ = true;
      Begin(now, policy.window);
      return false;
    }
    const hf_duration length = now - begin_;
    const bool too_old = length >= kLongest * policy.window;
    if (!too_old && gatherer_.Waiting() < policy.min_samples) return false;
    RttWindow window = gatherer_.Take();
    samples_ += window.Total();
    drops_ += window.drops;
    if (too_old) {
      ++set_aside_;
      Begin(now, policy.window);
      return false;
    }
    window.end = now;
    window.length = length;
    window.tells_pace = length <= 2 * (due_.Load() - begin_);
    Judge(window);
    Begin(now, Planned(policy.window, window.rtt_min));
    return Publish(now, limit);
  }

  void Judge(const RttWindow& window) {
    judge_.OnWindow(window);
    ++windows_;
    in_flight_ = window.in_flight;
    if (window.TellsRtt()) rtt_ = static_cast<hf_duration>(window.MeanRtt());
  }

  // A window shorter than the calls in it would only see the fast ones.
  static hf_duration Planned(hf_duration window, hf_duration rtt_min) {
    if (rtt_min == HF_INFINITE) return window;
    return std::clamp(2 * rtt_min, window, kLongestPlan * window);
  }

  void Begin(hf_time now, hf_duration length) {
    begin_ = now;
    Plan(length);
  }
  void Plan(hf_duration length) { due_.Store(AddSaturating(begin_, length)); }

  bool Publish(hf_time now, uint32_t* limit) {
    const uint32_t before = limit_.Load();
    const uint32_t after = judge_.Limit();
    if (before == after) return false;
    limit_.Store(after);
    journal_.Write(HF_EVENT_KIND_LIMIT, now, HF_R_NONE, before, after);
    *limit = after;
    return true;
  }

  mutable typename Storage::Mutex mutex_;
  AdaptiveLimit judge_;  // under mutex_, as all that is no cell
  typename Storage::Journal journal_;
  hf_time begin_ = 0;
  hf_duration rtt_ = 0;
  uint64_t samples_ = 0;
  uint64_t drops_ = 0;
  uint64_t windows_ = 0;
  uint64_t set_aside_ = 0;
  int64_t updates_ = 0;
  uint32_t in_flight_ = 0;
  bool begun_ = false;
  // Read by every sample, written once per window.
  alignas(kCacheLine) Cell<hf_duration> min_rtt_;
  Cell<hf_time> due_;
  Cell<uint32_t> limit_;
  RttGatherer<Storage> gatherer_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_ADAPTIVE_SAMPLER_H_
