// SPDX-License-Identifier: Apache-2.0
// A breaker as the worlds of calls have one: with its memory, and small.
#ifndef HOLDFAST_TESTS_MODEL_WORLD_BREAKER_H_
#define HOLDFAST_TESTS_MODEL_WORLD_BREAKER_H_

#include "engine/breaker.h"
#include "engine/breaker_desk.h"
#include "unit/breaker_box.h"

namespace holdfast::model {

template <typename Storage>
class WorldBreaker {
 public:
  explicit WorldBreaker(const engine::BreakerPolicy& policy)
      : box_(policy, engine::Capacity::Of(policy, /*lanes=*/1), /*places=*/0) {}

  engine::Admission Acquire(hf_time now) { return box_.machine.Acquire(now); }
  engine::Settlement Record(const hf_permit& permit, hf_verdict verdict, hf_time now) {
    return box_.machine.Record(permit, verdict, now);
  }
  void Force(hf_breaker_state state, hf_time now) { box_.machine.Force(state, now); }
  hf_breaker_snapshot Read(hf_time now) const { return box_.machine.Read(now); }

 private:
  engine::BreakerBox<Storage> box_;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_WORLD_BREAKER_H_
