// SPDX-License-Identifier: Apache-2.0
// What the rest of the guards tell of themselves: see metrics.h, which includes this.
#ifndef HOLDFAST_METRICS_GUARDS_H_
#define HOLDFAST_METRICS_GUARDS_H_

#include <holdfast/adaptive.h>
#include <holdfast/fault.h>
#include <holdfast/group.h>
#include <holdfast/hedge.h>
#include <holdfast/kill_switch.h>
#include <holdfast/limiter.h>
#include <holdfast/metrics_families.h>
#include <holdfast/metrics_page.h>
#include <holdfast/registry.h>
#include <holdfast/throttle.h>

#include <cstdint>

namespace holdfast::inline v0_5 {

inline void Collect(ObjectMetrics& out, const RateLimiter& limiter, hf_time now) {
  hf_limiter_snapshot is{};
  is.struct_size = sizeof(is);
  hf_limiter_read(limiter.raw(), now, &is);
  out.Set(metric_families::kLimiterRate, is.rate);
  out.Set(metric_families::kLimiterTokens, is.tokens);
  out.Set(metric_families::kLimiterTaken, is.granted + is.refunded);
  out.Set(metric_families::kLimiterRefunded, is.refunded);
  out.Set(metric_families::kLimiterRefused, is.refused);
}

inline void Collect(ObjectMetrics& out, const Throttle& throttle, hf_time now) {
  const ThrottleSnapshot is = throttle.Snapshot(now);
  out.Set(metric_families::kThrottleRejectionRatio, is.rejection);
  out.Set(metric_families::kThrottleWindowRequests, is.requests);
  out.Set(metric_families::kThrottleWindowAccepts, is.accepts);
  out.Set(metric_families::kThrottleRefused, is.refused);
}

inline void Collect(ObjectMetrics& out, const AdaptiveLimit& adaptive) {
  const AdaptiveLimitSnapshot is = adaptive.Snapshot();
  out.Set(metric_families::kAdaptiveLimit, is.limit);
  out.Set(metric_families::kAdaptiveRttSeconds, is.rtt);
  out.Set(metric_families::kAdaptiveWindows, is.windows);
  out.Set(metric_families::kAdaptiveDrops, is.drops);
  out.Set(metric_families::kAdaptiveGuarded, is.guarded);
}

inline void Collect(ObjectMetrics& out, const HedgePolicy& hedge, hf_time now) {
  const HedgeSnapshot is = hedge.Snapshot(now);
  out.Set(metric_families::kHedgeCalls, is.calls);
  out.Set(metric_families::kHedgeSent, is.hedges);
  out.Set(metric_families::kHedgeWon, is.won);
  out.Set(metric_families::kHedgeDelaySeconds, is.delay);
  const auto not_sent = [&](const char* reason, uint64_t count) {
    out.Set(metric_families::kHedgeNotSent, count, {{"reason", reason}});
  };
  not_sent("capped", is.capped);
  not_sent("over_budget", is.over_budget);
  not_sent("refused", is.refused);
  not_sent("too_late", is.too_late);
  not_sent("pushed_back", is.pushed_back);
}

inline void Collect(ObjectMetrics& out, const KillSwitch& kill_switch, hf_time now) {
  const KillSwitchSnapshot is = kill_switch.Snapshot(now);
  out.Set(metric_families::kKillSwitchOn, is.on);
  out.Set(metric_families::kKillSwitchRefused, is.refused);
}

inline void Collect(ObjectMetrics& out, const FaultInjector& fault, hf_time now) {
  const FaultSnapshot is = fault.Snapshot(now);
  out.Set(metric_families::kFaultRunning, is.running);
  out.Set(metric_families::kFaultActive, is.active);
  out.Set(metric_families::kFaultInjected, is.errors, {{"kind", "error"}});
  out.Set(metric_families::kFaultInjected, is.delays, {{"kind", "delay"}});
  out.Set(metric_families::kFaultInjected, is.results, {{"kind", "result"}});
  out.Set(metric_families::kFaultSkipped, is.skipped_active, {{"limit", "active"}});
  out.Set(metric_families::kFaultSkipped, is.skipped_total, {{"limit", "total"}});
}

inline void Collect(ObjectMetrics& out, const BreakerGroup& group) {
  const BreakerGroupSnapshot is = group.Snapshot();
  out.Set(metric_families::kGroupMembers, is.members);
  out.Set(metric_families::kGroupEjected, is.ejected);
  out.Set(metric_families::kGroupOverridden, is.overridden);
}

template <typename T>
void Collect(ObjectMetrics& out, const Registry<T>& registry) {
  const RegistrySnapshot is = registry.Snapshot();
  out.Set(metric_families::kRegistryKeys, is.keys);
  out.Set(metric_families::kRegistryCapacity, is.capacity);
  out.Set(metric_families::kRegistryHeld, is.held);
  out.Set(metric_families::kRegistryNewKeys, is.created);
  out.Set(metric_families::kRegistryEvicted, is.evicted);
  out.Set(metric_families::kRegistryRefused, is.refused);
  out.Set(metric_families::kRegistryMemoryBytes, is.bytes);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_METRICS_GUARDS_H_
