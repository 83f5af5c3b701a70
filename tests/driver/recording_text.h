// SPDX-License-Identifier: Apache-2.0
// Actions, outcomes, reports and guards as text: every field that is not 0, so that two that read alike
// are alike.
#ifndef HOLDFAST_TESTS_DRIVER_RECORDING_TEXT_H_
#define HOLDFAST_TESTS_DRIVER_RECORDING_TEXT_H_

#include <holdfast/call_options.h>
#include <holdfast/testing/action_log.h>

#include <string>

#include "driver/stage.h"

namespace holdfast::driver_test {

inline std::string TimeText(hf_duration time) {
  return time == HF_INFINITE ? "never" : testing::Text(Duration{time});
}

inline std::string EventText(hf_events events) {
  constexpr const char* kNames[] = {"opened",     "half_opened", "closed",
                                    "probe_lost", "straggler",   "budget_refused",
                                    "late",       "queued",      "fault"};
  std::string text;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if ((events >> i & 1) != 0) text += (text.empty() ? " [" : " ") + std::string(kNames[i]);
  }
  return text.empty() ? text : text + "]";
}

template <typename Number>
std::string FieldText(const char* name, Number value) {
  return value == 0 ? std::string() : std::string(" ") + name + " " + std::to_string(value);
}

// "ATTEMPT 2 until 110ms retries 5 fault 7 [late]". `start` is where times are counted from.
inline std::string Text(const hf_action& action, hf_time start) {
  constexpr const char* kKinds[] = {"?", "ATTEMPT", "SLEEP", "WAIT", "FINISH"};
  std::string text = kKinds[action.kind > 0 && action.kind < 5 ? action.kind : 0];
  if (action.kind == HF_DO_FINISH || action.code != 0) {
    text += std::string(" ") + hf_code_name(action.code);
  }
  if (action.reason != 0) text += std::string(" ") + hf_reason_name(action.reason);
  text += " " + std::to_string(action.attempt);
  if (action.until != 0) text += " until " + TimeText(action.until - start);
  if (action.retry_after != 0) text += " retry_after " + TimeText(action.retry_after);
  return text + FieldText("retries", action.retries) + FieldText("fault", action.fault) +
         EventText(action.events);
}

inline std::string Text(const hf_outcome& outcome) {
  std::string text = hf_code_name(outcome.code);
  if (outcome.retry_after != 0) text += " retry_after " + TimeText(outcome.retry_after);
  return text + FieldText("verdict", outcome.verdict) + FieldText("effect", outcome.effect) +
         FieldText("retried", outcome.retried);
}

inline std::string Text(const Rejection& why) {
  std::string text = hf_code_name(static_cast<hf_code>(why.code));
  if (why.reason != HF_R_NONE) text += " " + std::string(why.reason_name());
  if (why.retry_after.count() != 0) text += " retry_after " + TimeText(why.retry_after.count());
  return text;
}

inline std::string Text(const CallReport& report) {
  return Text(Rejection{report.code, report.reason, report.retry_after}) + " attempts " +
         std::to_string(report.attempts) + FieldText("retries", report.retries) +
         EventText(report.events);
}

// What became of the guards, at the moment the call is over.
inline std::string WorldText(Stage& stage) {
  const hf_time now = stage.clock.Now();
  std::string text;
  if (stage.budget) text += " budget " + std::to_string(stage.budget.Snapshot().tokens);
  if (stage.breaker) {
    const BreakerSnapshot seen = stage.breaker.Snapshot(now);
    text += " breaker " + std::to_string(static_cast<int>(seen.state)) +
            FieldText("calls", seen.calls) + FieldText("failures", seen.failures) +
            FieldText("slow", seen.slow) + FieldText("in_row", seen.consecutive_failures) +
            FieldText("probes", seen.probes_out) + FieldText("opened", seen.opened) +
            FieldText("refused", seen.refused);
  }
  if (stage.throttle) {
    const ThrottleSnapshot seen = stage.throttle.Snapshot(now);
    text += " throttle" + FieldText("requests", seen.requests) +
            FieldText("accepts", seen.accepts) + FieldText("refused", seen.refused);
  }
  for (const Bulkhead* one : {&stage.call_bulkhead, &stage.bulkhead}) {
    if (!*one) continue;
    const BulkheadSnapshot seen = one->Snapshot();
    text += " bulkhead" + FieldText("in", seen.in_flight) + FieldText("waiting", seen.waiting) +
            FieldText("full", seen.refused) + FieldText("timed_out", seen.timed_out) +
            FieldText("over_share", seen.over_share) + FieldText("no_time", seen.no_time) +
            FieldText("dropped", seen.dropped) + FieldText("latency", seen.latency.count());
  }
  for (const RateLimiter* one : {&stage.call_limiter, &stage.limiter}) {
    if (!*one) continue;
    const RateLimiterSnapshot seen = one->Snapshot(stage.clock);
    text += " limiter" + FieldText("granted", seen.granted) + FieldText("refused", seen.refused) +
            FieldText("refunded", seen.refunded) + FieldText("reserved", seen.reserved);
  }
  if (stage.kill_switch) {
    text += " kill_switch" + FieldText("refused", stage.kill_switch.Snapshot(now).refused);
  }
  if (stage.fault) {
    const FaultSnapshot seen = stage.fault.Snapshot(now);
    text += " fault" + FieldText("errors", seen.errors) + FieldText("delays", seen.delays) +
            FieldText("results", seen.results) + FieldText("active", seen.active);
  }
  if (stage.context()) {
    text += " context retries " + std::to_string(stage.context().retries()) +
            FieldText("retried", stage.context().retried());
  }
  return text;
}

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_RECORDING_TEXT_H_
