// SPDX-License-Identifier: Apache-2.0
// Refresh: when the map of a cluster is asked for anew. A resharding gives every request in flight a reason to;
// one look-up serves them all.
//
//   state       Want                Take, at the earliest or later   Done
//   FRESH       DUE                 -                                -
//   DUE         same                RUNNING; true                    -
//   RUNNING     RUNNING_AGAIN       -                                FRESH
//   RUNNING_    same                -                                DUE
//     AGAIN
//
// Invariants: at most one look-up is under way; after a Want one begins, later than that Want; two begin at least
// `interval` apart, so that a cluster in trouble is not asked in a loop. Every Take that is true has its Done.
#ifndef HOLDFAST_ADAPTERS_REDIS_CLUSTER_REFRESH_H_
#define HOLDFAST_ADAPTERS_REDIS_CLUSTER_REFRESH_H_

#include <holdfast/clock.h>
#include <holdfast/status.h>

#include <cstdint>

namespace holdfast::inline v0_5::redis {

// Not thread-safe: its owner has a lock.
class Refresh {
 public:
  explicit Refresh(Duration interval) : interval_(interval) {}

  void Want() { state_ = running() ? State::kRunningAgain : State::kDue; }

  // True: look it up now, then Done.
  bool Take(hf_time now) {
    if (state_ != State::kDue || now < earliest_) return false;
    state_ = State::kRunning;
    earliest_ = AddTime(now, interval_);
    ++begun_;
    return true;
  }

  void Done() { state_ = state_ == State::kRunningAgain ? State::kDue : State::kFresh; }

  bool due() const { return state_ == State::kDue; }
  bool running() const { return state_ == State::kRunning || state_ == State::kRunningAgain; }
  hf_time earliest() const { return earliest_; }  // of the next look-up
  uint64_t begun() const { return begun_; }       // look-ups so far

 private:
  enum class State { kFresh, kDue, kRunning, kRunningAgain };

  const Duration interval_;
  State state_ = State::kFresh;
  hf_time earliest_ = 0;
  uint64_t begun_ = 0;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_CLUSTER_REFRESH_H_
