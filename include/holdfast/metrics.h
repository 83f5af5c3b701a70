// SPDX-License-Identifier: Apache-2.0
// Metrics: what each primitive tells of itself, for a page (metrics_page.h) in any format.
//
//   MetricsPage page;
//   page.Add("payments", breaker, now);
//   page.Add("payments", bulkhead);
//   Reply(ContentType(MetricsFormat::kPrometheus), MetricsText(page));   // metrics_text.h
//
// One Collect per primitive, from its snapshot: primitives know nothing of metrics and count nothing for
// them, so a page costs nothing until it is asked for. A type of yours joins by a Collect beside it.
#ifndef HOLDFAST_METRICS_H_
#define HOLDFAST_METRICS_H_

#include <holdfast/breaker.h>
#include <holdfast/bulkhead.h>
#include <holdfast/event.h>
#include <holdfast/journal.h>
#include <holdfast/metrics_families.h>
#include <holdfast/metrics_guards.h>
#include <holdfast/metrics_page.h>
#include <holdfast/metrics_text.h>
#include <holdfast/retry.h>

#include <algorithm>
#include <string>

namespace holdfast::inline v0_5 {

inline void Collect(ObjectMetrics& out, const CircuitBreaker& breaker, hf_time now) {
  const BreakerSnapshot is = breaker.Snapshot(now);
  for (const BreakerState state :
       {BreakerState::kClosed, BreakerState::kOpen, BreakerState::kHalfOpen,
        BreakerState::kForcedOpen, BreakerState::kDisabled, BreakerState::kMetricsOnly}) {
    const auto name = BreakerStateName(static_cast<hf_breaker_state>(state));
    out.Set(metric_families::kBreakerState, is.state == state, {{"state", std::string(name)}});
  }
  out.Set(metric_families::kBreakerOpened, is.opened);
  out.Set(metric_families::kBreakerTransitions, is.generation - 1);  // from 1
  out.Set(metric_families::kBreakerRefused, is.refused);
  const hf_time until = is.open_until.value_or(0);
  out.Set(metric_families::kBreakerRetryAfter,
          Duration{std::max<hf_time>(until - std::max<hf_time>(now, 0), 0)});
  out.Set(metric_families::kBreakerWindowCalls, is.calls);
  out.Set(metric_families::kBreakerWindowFailures, is.failures);
  out.Set(metric_families::kBreakerConsecutiveFailures, is.consecutive_failures);
  out.Set(metric_families::kBreakerProbesOut, is.probes_out);
}

inline void Collect(ObjectMetrics& out, const Bulkhead& bulkhead) {
  const BulkheadSnapshot is = bulkhead.Snapshot();
  out.Set(metric_families::kBulkheadInFlight, is.in_flight);
  out.Set(metric_families::kBulkheadWaiting, is.waiting);
  out.Set(metric_families::kBulkheadLimit, is.limit);
  out.Set(metric_families::kBulkheadRefused, is.refused,
          {{"reason", hf_reason_name(HF_R_BULKHEAD_FULL)}});
  out.Set(metric_families::kBulkheadRefused, is.timed_out,
          {{"reason", hf_reason_name(HF_R_BULKHEAD_TIMEOUT)}});
  out.Set(metric_families::kBulkheadRefused, is.over_share,
          {{"reason", hf_reason_name(HF_R_BULKHEAD_SHARE)}});
  out.Set(metric_families::kBulkheadRefused, is.no_time,
          {{"reason", hf_reason_name(HF_R_BULKHEAD_NO_TIME)}});
  out.Set(metric_families::kBulkheadRefused, is.dropped,
          {{"reason", hf_reason_name(HF_R_BULKHEAD_OVERLOADED)}});
}

inline void Collect(ObjectMetrics& out, const RetryBudget& budget) {
  out.Set(metric_families::kBudgetTokens, budget.Tokens());
}

inline void Collect(ObjectMetrics& out, const Journal& journal) {
  const JournalSnapshot is = journal.Snapshot();
  out.Set(metric_families::kJournalWaiting, is.waiting);
  out.Set(metric_families::kJournalWritten, is.written);
  out.Set(metric_families::kJournalLost, is.lost);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_METRICS_H_
