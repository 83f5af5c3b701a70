// SPDX-License-Identifier: Apache-2.0
// Whether a queue stands: CoDel's question, put to a service's queue.
//
//   event                                       overloaded           drop the oldest
//   first sample after the interval's end       smallest > target    never; a new interval begins
//   first sample a whole interval later still   false                never; a new interval begins
//   any other sample                            as it was            if overloaded and age > 2 * target
//
// A sample is taken when somebody is about to be served, and is the age of the one who has waited
// longest. A burst makes ages grow and shrink again within an interval; a queue that stands never lets
// the smallest fall to the target. CoDel: K. Nichols, V. Jacobson, "Controlling queue delay"; dropping
// beyond twice the target, instead of ever more often, is how it was fitted to requests (folly).
// An interval in which nobody was served says nothing, so what it follows is forgotten.
// Memory: 24 bytes. Locking: its owner's.
#ifndef HOLDFAST_ENGINE_CODEL_H_
#define HOLDFAST_ENGINE_CODEL_H_

#include <holdfast/c/base.h>

#include <algorithm>

#include "engine/duration.h"

namespace holdfast::engine {

struct CodelPolicy {
  hf_duration target = 5 * HF_MS;
  hf_duration interval = 100 * HF_MS;
};

class Codel {
 public:
  // True: the oldest, who has waited for `age` at `now`, is to be dropped.
  bool Observe(const CodelPolicy& policy, hf_duration age, hf_time now) {
    if (now > interval_end_) {
      const bool recent = now - policy.interval <= interval_end_;
      overloaded_ = recent && smallest_ > policy.target;
      interval_end_ = AddSaturating(now, policy.interval);
      smallest_ = age;
      return false;
    }
    smallest_ = std::min(smallest_, age);
    return overloaded_ && age > 2 * policy.target;
  }

  bool overloaded() const { return overloaded_; }

 private:
  hf_time interval_end_ = -1;  // before any time: the first sample begins an interval
  hf_duration smallest_ = 0;   // of this interval
  bool overloaded_ = false;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_CODEL_H_
