// SPDX-License-Identifier: Apache-2.0
// The one list of figures that primitives show, whatever format or library they leave by. Names are for
// good: a dashboard hangs on each. On a page they wear its prefix, and a counter's series end in _total.
#ifndef HOLDFAST_METRICS_FAMILIES_H_
#define HOLDFAST_METRICS_FAMILIES_H_

#include <holdfast/metrics_series.h>
#include <holdfast/metrics_store_families.h>

namespace holdfast::inline v0_5::metric_families {

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

inline constexpr MetricFamily kLimiterRate{"limiter_rate", MetricKind::kGauge,
                                           "Tokens a second that the rate limit lets through now."};
inline constexpr MetricFamily kLimiterTokens{
    "limiter_tokens", MetricKind::kGauge,
    "Tokens in the bucket; negative: a debt that reservations have made."};
inline constexpr MetricFamily kLimiterTaken{"limiter_taken", MetricKind::kCounter,
                                            "Tokens taken, those given back included."};
inline constexpr MetricFamily kLimiterRefunded{"limiter_refunded", MetricKind::kCounter,
                                               "Tokens given back."};
inline constexpr MetricFamily kLimiterRefused{"limiter_refused", MetricKind::kCounter,
                                              "Asks that the rate limit has refused."};
inline constexpr MetricFamily kThrottleRejectionRatio{
    "throttle_rejection_ratio", MetricKind::kGauge, "How likely the throttle refuses a call now."};
inline constexpr MetricFamily kThrottleWindowRequests{
    "throttle_window_requests", MetricKind::kGauge, "Requests in the throttle's window."};
inline constexpr MetricFamily kThrottleWindowAccepts{"throttle_window_accepts", MetricKind::kGauge,
                                                     "Successes in the throttle's window."};
inline constexpr MetricFamily kThrottleRefused{"throttle_refused", MetricKind::kCounter,
                                               "Calls that the throttle has refused."};
inline constexpr MetricFamily kAdaptiveLimit{"adaptive_limit", MetricKind::kGauge,
                                             "Calls at once that the dependency is found to take."};
inline constexpr MetricFamily kAdaptiveRttSeconds{
    "adaptive_rtt_seconds", MetricKind::kGauge, "Mean latency of the newest window; 0: none yet."};
inline constexpr MetricFamily kAdaptiveWindows{"adaptive_windows", MetricKind::kCounter,
                                               "Windows of samples judged."};
inline constexpr MetricFamily kAdaptiveDrops{"adaptive_drops", MetricKind::kCounter,
                                             "Samples of calls that were dropped."};
inline constexpr MetricFamily kAdaptiveGuarded{"adaptive_guarded", MetricKind::kCounter,
                                               "Windows in which the guard took the limit down."};
inline constexpr MetricFamily kHedgeCalls{"hedge_calls", MetricKind::kCounter,
                                          "Calls whose first attempt was sent."};
inline constexpr MetricFamily kHedgeSent{"hedge_sent", MetricKind::kCounter,
                                         "Attempts sent after the first."};
inline constexpr MetricFamily kHedgeWon{"hedge_won", MetricKind::kCounter,
                                        "Calls that another attempt than the first won."};
inline constexpr MetricFamily kHedgeDelaySeconds{
    "hedge_delay_seconds", MetricKind::kGauge,
    "What a call waits before it hedges; 0: it would not."};
inline constexpr MetricFamily kHedgeNotSent{"hedge_not_sent", MetricKind::kCounter,
                                            "Hedges not sent, by reason."};
inline constexpr MetricFamily kKillSwitchOn{"kill_switch_on", MetricKind::kGauge,
                                            "Rules that refuse calls now."};
inline constexpr MetricFamily kKillSwitchRefused{"kill_switch_refused", MetricKind::kCounter,
                                                 "Calls that kill switches have refused."};
inline constexpr MetricFamily kFaultRunning{"fault_running", MetricKind::kGauge,
                                            "Whether faults are being injected."};
inline constexpr MetricFamily kFaultActive{"fault_active", MetricKind::kGauge,
                                           "Faults whose delay is not over."};
inline constexpr MetricFamily kFaultInjected{"fault_injected", MetricKind::kCounter,
                                             "Faults injected, by kind."};
inline constexpr MetricFamily kFaultSkipped{"fault_skipped", MetricKind::kCounter,
                                            "Faults not injected, by the limit that was reached."};
inline constexpr MetricFamily kGroupMembers{"group_members", MetricKind::kGauge,
                                            "Breakers of the group."};
inline constexpr MetricFamily kGroupEjected{"group_ejected", MetricKind::kGauge,
                                            "Members whose refusals stand."};
inline constexpr MetricFamily kGroupOverridden{"group_overridden", MetricKind::kCounter,
                                               "Calls admitted though their breaker refused."};
inline constexpr MetricFamily kRegistryKeys{"registry_keys", MetricKind::kGauge,
                                            "Keys of the registry."};
inline constexpr MetricFamily kRegistryCapacity{"registry_capacity", MetricKind::kGauge,
                                                "Keys that the registry takes."};
inline constexpr MetricFamily kRegistryHeld{"registry_held", MetricKind::kGauge,
                                            "Keys of which a handle is out."};
inline constexpr MetricFamily kRegistryNewKeys{"registry_new_keys", MetricKind::kCounter,
                                               "Keys made."};
inline constexpr MetricFamily kRegistryEvicted{"registry_evicted", MetricKind::kCounter,
                                               "Keys forgotten."};
inline constexpr MetricFamily kRegistryRefused{"registry_refused", MetricKind::kCounter,
                                               "Asks that found no place."};
inline constexpr MetricFamily kRegistryMemoryBytes{"registry_memory_bytes", MetricKind::kGauge,
                                                   "Memory of keys and objects."};

}  // namespace holdfast::inline v0_5::metric_families

#endif  // HOLDFAST_METRICS_FAMILIES_H_
