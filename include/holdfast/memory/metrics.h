// SPDX-License-Identifier: Apache-2.0
// What the memory store and the local tier tell of themselves, for a metrics page (metrics_page.h).
#ifndef HOLDFAST_MEMORY_METRICS_H_
#define HOLDFAST_MEMORY_METRICS_H_

#include <holdfast/memory/local_tier.h>
#include <holdfast/memory/store.h>
#include <holdfast/metrics_families.h>
#include <holdfast/metrics_page.h>

namespace holdfast::inline v0_5::memory {

inline void Collect(ObjectMetrics& out, const Store& store) {
  const Stats is = store.stats();
  out.Set(metric_families::kMemoryStoreRecords, is.records);
  out.Set(metric_families::kMemoryStoreBytes, is.bytes);
  out.Set(metric_families::kMemoryStorePurged, is.purged);
  out.Set(metric_families::kMemoryStoreRefused, is.refused);
}

inline void Collect(ObjectMetrics& out, const LocalTier& tier) {
  const LocalTierStats is = tier.stats();
  out.Set(metric_families::kLocalTierHits, is.hits);
  out.Set(metric_families::kLocalTierMisses, is.misses);
  out.Set(metric_families::kLocalTierEvicted, is.evicted);
  out.Set(metric_families::kLocalTierDropped, is.dropped);
  out.Set(metric_families::kLocalTierRecords, is.records);
  out.Set(metric_families::kLocalTierBytes, is.bytes);
}

}  // namespace holdfast::inline v0_5::memory

#endif  // HOLDFAST_MEMORY_METRICS_H_
