// SPDX-License-Identifier: Apache-2.0
// A window as a list of results, each with the step of time it came in.
#ifndef HOLDFAST_TESTS_MODEL_NAIVE_RESULTS_H_
#define HOLDFAST_TESTS_MODEL_NAIVE_RESULTS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/breaker_policy.h"
#include "engine/window.h"

namespace holdfast::model {

class NaiveResults {
 public:
  explicit NaiveResults(const engine::BreakerPolicy& policy) { Adopt(policy); }

  void Add(engine::Result result, hf_time now) {
    if (!by_count_) newest_ = std::max(newest_, now / length_);
    results_.push_back({newest_, result});
    if (by_count_ && results_.size() > size_) results_.erase(results_.begin());
  }

  void Clear(hf_time now) {
    results_.clear();
    if (!by_count_) newest_ = std::max(newest_, now / length_);
  }

  // As many as that, in the newest step or evenly spread.
  void Pour(const engine::WindowTotals& totals) {
    for (uint32_t i = 0; i < totals.calls; ++i) {
      const auto turn = [&](uint32_t part) {
        return (i + 1) * part / totals.calls > i * part / totals.calls;
      };
      results_.push_back({newest_, {turn(totals.failures), turn(totals.slow)}});
    }
  }

  // In the shape of another policy; false if it is the same.
  bool Follow(const engine::BreakerPolicy& policy, hf_time now) {
    const NaiveResults before = *this;
    Adopt(policy);
    if (before.by_count_ != by_count_) {
      results_.clear();
      if (!by_count_) newest_ = std::max(now / length_, length_ == timed_length_ ? newest_ : 0);
      if (!by_count_) timed_length_ = length_;
      return true;
    }
    if (by_count_) {
      while (results_.size() > size_) results_.erase(results_.begin());
      return before.size_ != size_;
    }
    newest_ = before.newest_ * before.length_ / length_;
    timed_length_ = length_;
    std::erase_if(results_, [&](Kept& kept) {
      if (kept.step <= before.newest_ - before.buckets_) return true;
      kept.step = kept.step * before.length_ / length_;
      return kept.step <= newest_ - buckets_;
    });
    return before.length_ != length_ || before.buckets_ != buckets_;
  }

  engine::WindowTotals Live(hf_time now) const {
    return by_count_ ? Sum(INT64_MIN) : Sum(std::max(newest_, now / length_) - buckets_);
  }
  engine::WindowTotals LiveAsOfNewest() const {
    return Sum(by_count_ ? INT64_MIN : newest_ - buckets_);
  }

 private:
  struct Kept {
    int64_t step;
    engine::Result result;
  };

  void Adopt(const engine::BreakerPolicy& policy) {
    by_count_ = policy.window == HF_WINDOW_COUNT;
    size_ = policy.window_calls;
    length_ = policy.window_time / policy.window_buckets;
    buckets_ = policy.window_buckets;
    if (!by_count_ && timed_length_ == 0) timed_length_ = length_;
  }

  engine::WindowTotals Sum(int64_t after) const {
    engine::WindowTotals totals;
    for (const Kept& kept : results_) {
      if (kept.step <= after) continue;
      ++totals.calls;
      totals.failures += kept.result.failed;
      totals.slow += kept.result.slow;
    }
    return totals;
  }

  bool by_count_ = true;
  size_t size_ = 0;
  hf_duration length_ = 0;
  int64_t buckets_ = 0;
  hf_duration timed_length_ = 0;  // of a step, when it last went by time
  int64_t newest_ = 0;            // step
  std::vector<Kept> results_;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_NAIVE_RESULTS_H_
