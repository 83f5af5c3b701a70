// SPDX-License-Identifier: Apache-2.0
// The guards of a plain pipeline, which has none of the rarer ones.
#ifndef HOLDFAST_ABI_PLAIN_GUARDS_H_
#define HOLDFAST_ABI_PLAIN_GUARDS_H_

#include <holdfast/c/call.h>

#include "abi/call_guards.h"

namespace holdfast::abi {

// Of a pipeline that has retry, budget, breaker and bulkhead at most, as most have: the machine is compiled
// a second time without the rest, for what is not there is not to be paid for.
class PlainGuards : public RealGuards {
  using Level = engine::CallLevel;

 public:
  using RealGuards::RealGuards;

  bool Allows(hf_time, hf_rejection*) { return true; }
  bool ThrottleAdmits(uint64_t, hf_time, hf_rejection*) { return true; }
  void ThrottleRecord(hf_verdict, hf_time) {}
  hf_code LimiterTake(Level, engine::CallReservation*, hf_time, hf_time, hf_time*, hf_rejection*) {
    return HF_OK;
  }
  void LimiterCancel(Level, engine::CallReservation*, hf_time) {}
  void LimiterLearn(hf_code, hf_time) {}
  hf_code BulkheadEnter(Level level, engine::CallState& state, hf_time now, hf_permit* permit,
                        hf_time* until, hf_rejection* why) {
    if (level == Level::kCall) return HF_OK;
    return RealGuards::BulkheadEnter(level, state, now, permit, until, why);
  }
  void BulkheadSettle(Level level, hf_permit* permit, hf_time started, hf_verdict verdict,
                      hf_time now) {
    if (level == Level::kAttempt) RealGuards::BulkheadSettle(level, permit, started, verdict, now);
  }
  bool FaultDraw(engine::CallState&, hf_time) { return false; }
  void FaultDone(uint64_t*, hf_time) {}
};
static_assert(engine::CallGuards<PlainGuards>);

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_PLAIN_GUARDS_H_
