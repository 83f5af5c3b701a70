// SPDX-License-Identifier: Apache-2.0
// A breaker engine with a clock in hand, for tests that read like a log.
#ifndef HOLDFAST_TESTS_UNIT_BREAKER_MACHINE_H_
#define HOLDFAST_TESTS_UNIT_BREAKER_MACHINE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "unit/breaker_box.h"

namespace holdfast::engine {

inline constexpr hf_verdict kOk = HF_VERDICT_SUCCESS;
inline constexpr hf_verdict kError = HF_VERDICT_FAILURE;
inline constexpr hf_verdict kIgnored = HF_VERDICT_IGNORED;

// Opens at the first failure, asks for two probes.
inline BreakerPolicy Touchy() {
  BreakerPolicy policy;
  policy.consecutive_failures = 1;
  policy.probes = 2;
  policy.open_for = 5 * HF_S;
  policy.probe_lease = 30 * HF_S;
  return policy;
}

inline BreakerPolicy ByRate(uint32_t window, uint32_t minimum, double rate) {
  BreakerPolicy policy;
  policy.window_calls = window;
  policy.minimum_calls = minimum;
  policy.failure_rate = rate;
  return policy;
}

class Machine {
 public:
  explicit Machine(const BreakerPolicy& policy) : box_(policy) {}

  void Pass(hf_duration time) { now_ += time; }
  void SetNow(hf_time now) { now_ = now; }
  hf_time now() const { return now_; }

  Admission Acquire() { return breaker_.Acquire(now_); }
  hf_permit Permit() {
    const Admission admission = Acquire();
    EXPECT_EQ(admission.why.code, HF_OK);
    return admission.permit;
  }
  hf_events Record(const hf_permit& permit, hf_verdict verdict) {
    const Settlement settlement = breaker_.Record(permit, verdict, now_);
    EXPECT_TRUE(settlement.accepted);
    return settlement.events;
  }
  bool Accepts(const hf_permit& permit) { return breaker_.Record(permit, kOk, now_).accepted; }
  hf_events Call(hf_verdict verdict) { return Record(Permit(), verdict); }
  hf_reason Refusal() { return Acquire().why.reason; }
  // "SSE": success, success, error; I is ignored.
  void Calls(std::string_view verdicts) {
    for (const char c : verdicts) Call(c == 'S' ? kOk : c == 'E' ? kError : kIgnored);
  }
  Breaker<OneLane>& engine() { return breaker_; }
  void Force(hf_breaker_state state) { breaker_.Force(state, now_); }
  hf_breaker_snapshot Read() const { return breaker_.Read(now_); }
  hf_breaker_state state() const { return Read().state; }

  // Into HALF_OPEN, with its first probe out.
  hf_permit TripAndProbe() {
    Call(kError);
    Pass(5 * HF_S);
    return Permit();
  }

 private:
  BreakerBox<OneLane> box_;
  Breaker<OneLane>& breaker_ = box_.machine;
  hf_time now_ = 1000 * HF_S;
};

// One with a time window; CallAt takes an offset from the start.
class TimedMachine : public Machine {
 public:
  TimedMachine(hf_duration length, uint32_t buckets, uint32_t minimum = 1000, double rate = 0.5)
      : Machine(Policy(length, buckets, minimum, rate)) {}

  void CallAt(hf_duration offset, hf_verdict verdict) {
    SetNow(1000 * HF_S + offset);
    Call(verdict);
  }
  std::vector<uint32_t> Totals() const { return {Read().calls, Read().failures}; }

 private:
  static BreakerPolicy Policy(hf_duration length, uint32_t buckets, uint32_t minimum, double rate) {
    BreakerPolicy policy = ByRate(100, minimum, rate);
    policy.window = HF_WINDOW_TIME;
    policy.window_time = length;
    policy.window_buckets = buckets;
    return policy;
  }
};

using Pair = std::vector<uint32_t>;  // calls, failures

}  // namespace holdfast::engine

#endif  // HOLDFAST_TESTS_UNIT_BREAKER_MACHINE_H_
