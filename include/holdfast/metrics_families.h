// SPDX-License-Identifier: Apache-2.0
// The one list of figures that primitives show, whatever format or library they leave by. Names are for
// good: a dashboard hangs on each. On a page they wear its prefix, and a counter's series end in _total.
#ifndef HOLDFAST_METRICS_FAMILIES_H_
#define HOLDFAST_METRICS_FAMILIES_H_

#include <holdfast/metrics_series.h>

namespace holdfast::inline v0_2::metric_families {

inline constexpr MetricFamily kBreakerState{"breaker_state", MetricKind::kGauge,
                                            "1 for the state the breaker is in, 0 for the others."};
inline constexpr MetricFamily kBreakerOpened{"breaker_opened", MetricKind::kCounter,
                                             "How often the breaker has opened."};
inline constexpr MetricFamily kBreakerTransitions{
    "breaker_transitions", MetricKind::kCounter,
    "Changes of the breaker's generation: of state, by force, or for lost probes."};
inline constexpr MetricFamily kBreakerRefused{"breaker_refused", MetricKind::kCounter,
                                              "Calls the breaker has refused."};
inline constexpr MetricFamily kBreakerRetryAfter{
    "breaker_retry_after_seconds", MetricKind::kGauge,
    "How long an open breaker stays so; 0 if it is not open."};
inline constexpr MetricFamily kBreakerWindowCalls{"breaker_window_calls", MetricKind::kGauge,
                                                  "Results in the breaker's window."};
inline constexpr MetricFamily kBreakerWindowFailures{"breaker_window_failures", MetricKind::kGauge,
                                                     "Failures in the breaker's window."};
inline constexpr MetricFamily kBreakerConsecutiveFailures{
    "breaker_consecutive_failures", MetricKind::kGauge, "Failures in a row, until now."};
inline constexpr MetricFamily kBreakerProbesOut{"breaker_probes_out", MetricKind::kGauge,
                                                "Probes of a half-open breaker under way."};

inline constexpr MetricFamily kBulkheadInFlight{"bulkhead_in_flight", MetricKind::kGauge,
                                                "Permits of the bulkhead that are out."};
inline constexpr MetricFamily kBulkheadWaiting{"bulkhead_waiting", MetricKind::kGauge,
                                               "Callers in the bulkhead's queue."};
inline constexpr MetricFamily kBulkheadLimit{"bulkhead_limit", MetricKind::kGauge,
                                             "Permits the bulkhead gives at most."};
inline constexpr MetricFamily kBulkheadRefused{"bulkhead_refused", MetricKind::kCounter,
                                               "Calls the bulkhead has refused, by reason."};

inline constexpr MetricFamily kBudgetTokens{"budget_tokens", MetricKind::kGauge,
                                            "Tokens left in the retry budget."};

inline constexpr MetricFamily kJournalWaiting{"journal_waiting", MetricKind::kGauge,
                                              "Events in the journal that nobody has drained yet."};
inline constexpr MetricFamily kJournalWritten{"journal_written", MetricKind::kCounter,
                                              "Events written into the journal."};
inline constexpr MetricFamily kJournalLost{"journal_lost", MetricKind::kCounter,
                                           "Events dropped because nobody drained in time."};

}  // namespace holdfast::inline v0_2::metric_families

#endif  // HOLDFAST_METRICS_FAMILIES_H_
