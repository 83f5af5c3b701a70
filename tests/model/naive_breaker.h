// SPDX-License-Identifier: Apache-2.0
// The breaker as one would write it on a whiteboard: lists of results, no packing, no cells. The table
// of c/breaker.h is all that it shares with the engine.
#ifndef HOLDFAST_TESTS_MODEL_NAIVE_BREAKER_H_
#define HOLDFAST_TESTS_MODEL_NAIVE_BREAKER_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/breaker_policy.h"

namespace holdfast::model {

class NaiveBreaker {
 public:
  explicit NaiveBreaker(const engine::BreakerPolicy& policy) : policy_(policy) {}

  struct Answer {
    hf_reason refused = HF_R_NONE;
    hf_duration longest_wait = 0;  // retry_after is at most this
    uint64_t generation = 0;
    uint32_t kind = HF_PERMIT_NONE;
    hf_events events = 0;
  };

  Answer Acquire(hf_time now) {
    if (state_ == HF_BREAKER_CLOSED || state_ == HF_BREAKER_DISABLED) {
      return {HF_R_NONE, 0, generation_, HF_PERMIT_NORMAL, 0};
    }
    if (state_ == HF_BREAKER_FORCED_OPEN) return Refuse(HF_R_BREAKER_FORCED_OPEN, HF_INFINITE);
    const hf_time seen = std::max(now, newest_);
    if (state_ == HF_BREAKER_OPEN) {
      if (seen < open_until_) return Refuse(HF_R_BREAKER_OPEN, policy_.open_for);
      newest_ = seen;
      return NewRound(HF_EVENT_BREAKER_HALF_OPENED);
    }
    if (probes_.size() == policy_.probes) {
      if (seen < last_probe_ + policy_.probe_lease) {
        return Refuse(HF_R_BREAKER_PROBING, policy_.probe_lease);
      }
      newest_ = seen;
      return NewRound(HF_EVENT_PROBE_LOST);
    }
    newest_ = last_probe_ = seen;
    probes_.push_back(kOut);
    return {HF_R_NONE, 0, generation_, HF_PERMIT_PROBE, 0};
  }

  hf_events Record(uint64_t generation, hf_verdict verdict, hf_time now) {
    if (generation != generation_) return HF_EVENT_STRAGGLER;
    if (state_ == HF_BREAKER_HALF_OPEN) return RecordProbe(verdict, now);
    if (state_ == HF_BREAKER_DISABLED || verdict == HF_VERDICT_IGNORED) return 0;
    const bool failed = verdict == HF_VERDICT_FAILURE;
    newest_step_ = std::max(newest_step_, Step(now));
    results_.push_back({newest_step_, failed});
    if (policy_.window == HF_WINDOW_COUNT && results_.size() > policy_.window_calls) {
      results_.erase(results_.begin());
    }
    run_ = failed ? run_ + 1 : 0;
    const bool run_trips =
        policy_.consecutive_failures != 0 && run_ >= policy_.consecutive_failures;
    if (!run_trips && !RateTrips(now)) return 0;
    newest_ = std::max(newest_, now);
    return Open();
  }

  void Force(hf_breaker_state state, hf_time now) {
    newest_ = std::max(newest_, now);
    Enter(state);
    if (state == HF_BREAKER_CLOSED) Empty();
  }

  uint32_t Calls(hf_time now) const { return static_cast<uint32_t>(Live(now).size()); }
  uint32_t Failures(hf_time now) const {
    const std::vector<Result> live = Live(now);
    return static_cast<uint32_t>(
        std::count_if(live.begin(), live.end(), [](const Result& r) { return r.failed; }));
  }
  uint32_t ProbesOut() const {
    if (state_ != HF_BREAKER_HALF_OPEN) return 0;
    return static_cast<uint32_t>(std::count(probes_.begin(), probes_.end(), kOut));
  }

  hf_breaker_state state() const { return state_; }
  uint64_t generation() const { return generation_; }
  uint32_t run() const { return run_; }
  hf_time open_until() const { return state_ == HF_BREAKER_OPEN ? open_until_ : 0; }
  uint64_t opened() const { return opened_; }
  uint64_t refused() const { return refused_; }

 private:
  enum Probe { kOut, kGood, kBad };
  struct Result {
    int64_t step;
    bool failed;
  };

  Answer Refuse(hf_reason reason, hf_duration longest_wait) {
    ++refused_;
    return {reason, longest_wait, 0, HF_PERMIT_NONE, 0};
  }

  void Enter(hf_breaker_state state) {
    state_ = state;
    ++generation_;
  }

  Answer NewRound(hf_events events) {
    Enter(HF_BREAKER_HALF_OPEN);
    probes_ = {kOut};
    last_probe_ = newest_;
    return {HF_R_NONE, 0, generation_, HF_PERMIT_PROBE, events};
  }

  hf_events Open() {
    Enter(HF_BREAKER_OPEN);
    open_until_ = newest_ + policy_.open_for;
    ++opened_;
    return HF_EVENT_BREAKER_OPENED;
  }

  void Empty() {
    results_.clear();
    run_ = 0;
    newest_step_ = std::max(newest_step_, Step(newest_));
  }

  hf_events RecordProbe(hf_verdict verdict, hf_time now) {
    newest_ = last_probe_ = std::max(newest_, now);
    const auto probe = std::find(probes_.begin(), probes_.end(), kOut);
    if (verdict == HF_VERDICT_IGNORED) {
      probes_.erase(probe);
      return 0;
    }
    *probe = verdict == HF_VERDICT_FAILURE ? kBad : kGood;
    if (probes_.size() < policy_.probes || ProbesOut() != 0) return 0;
    const auto bad = std::count(probes_.begin(), probes_.end(), kBad);
    if (static_cast<double>(bad) / static_cast<double>(policy_.probes) >= policy_.failure_rate) {
      return Open();
    }
    Enter(HF_BREAKER_CLOSED);
    Empty();
    return HF_EVENT_BREAKER_CLOSED;
  }

  bool RateTrips(hf_time now) const {
    const uint32_t calls = Calls(now);
    if (calls < policy_.minimum_calls) return false;
    return static_cast<double>(Failures(now)) / calls >= policy_.failure_rate;
  }

  int64_t Step(hf_time now) const { return now / (policy_.window_time / policy_.window_buckets); }

  std::vector<Result> Live(hf_time now) const {
    if (policy_.window == HF_WINDOW_COUNT) return results_;
    std::vector<Result> live;
    const int64_t present = std::max(newest_step_, Step(now));
    for (const Result& result : results_) {
      if (result.step > present - policy_.window_buckets) live.push_back(result);
    }
    return live;
  }

  const engine::BreakerPolicy policy_;
  hf_breaker_state state_ = HF_BREAKER_CLOSED;
  uint64_t generation_ = 1;
  std::vector<Result> results_;
  int64_t newest_step_ = 0;
  uint32_t run_ = 0;
  std::vector<Probe> probes_;
  hf_time last_probe_ = 0;
  hf_time open_until_ = 0;
  hf_time newest_ = 0;
  uint64_t opened_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_NAIVE_BREAKER_H_
