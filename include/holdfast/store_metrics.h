// SPDX-License-Identifier: Apache-2.0
// StoreMetrics: what a MeteredStore has counted, for a metrics page (metrics_page.h), and the words for verbs and
// statuses. Counters are per process; what is true of the store as a whole is in a census (store_census.h).
#ifndef HOLDFAST_STORE_METRICS_H_
#define HOLDFAST_STORE_METRICS_H_

#include <holdfast/c/record.h>
#include <holdfast/histogram_counter.h>
#include <holdfast/metrics_families.h>
#include <holdfast/metrics_page.h>
#include <holdfast/waiters.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5 {

namespace internal {

inline constexpr std::array<std::string_view, 10> kVerbWords = {
    "other",   "claim", "renew",   "complete",   "fail",
    "abandon", "read",  "resolve", "checkpoint", "release"};

inline constexpr std::array<std::pair<hf_store_status, std::string_view>, 20> kStatusWords = {{
    {HF_STORE_OK, "ok"},
    {HF_STORE_WON, "won"},
    {HF_STORE_REPLAY, "replay"},
    {HF_STORE_BUSY, "busy"},
    {HF_STORE_MISMATCH, "mismatch"},
    {HF_STORE_IN_DOUBT, "in_doubt"},
    {HF_STORE_FENCED, "fenced"},
    {HF_STORE_BACKOFF, "backoff"},
    {HF_STORE_ALREADY, "already"},
    {HF_STORE_POISON, "poison"},
    {HF_STORE_ABSENT, "absent"},
    {HF_STORE_RECONCILE, "reconcile"},
    {HF_STORE_UNAVAILABLE, "unavailable"},
    {HF_STORE_INDETERMINATE, "indeterminate"},
    {HF_STORE_OVERLOADED, "overloaded"},
    {HF_STORE_CORRUPT, "corrupt"},
    {HF_STORE_FULL, "full"},
    {HF_STORE_LOCKED, "locked"},
    {HF_STORE_ERASED, "erased"},
    {0, "other"},  // the last: what this version does not know
}};

inline size_t VerbIndex(hf_store_verb verb) {
  return verb > 0 && static_cast<size_t>(verb) < kVerbWords.size() ? static_cast<size_t>(verb) : 0;
}

inline size_t StatusIndex(hf_store_status status) {
  size_t i = 0;
  while (i + 1 < kStatusWords.size() && kStatusWords[i].first != status) ++i;
  return i;
}

}  // namespace internal

// "claim"; "other" if unknown. Static storage.
inline std::string_view StoreVerbName(hf_store_verb verb) {
  return internal::kVerbWords[internal::VerbIndex(verb)];
}

// "in_doubt"; "other" if unknown. Static storage.
inline std::string_view StoreStatusName(hf_store_status status) {
  return internal::kStatusWords[internal::StatusIndex(status)].second;
}

// Thread-safe. Written by MeteredStore alone.
struct StoreMetrics {
  using Count = std::atomic<uint64_t>;

  std::array<std::array<Count, internal::kStatusWords.size()>, internal::kVerbWords.size()>
      replies{};
  HistogramCounter<kLatencyBounds> claim_seconds, replay_seconds, complete_seconds, other_seconds;
  HistogramCounter<kShareBounds> lease_use;
  std::atomic<int64_t> in_flight{0};
  Count bytes_stored{0}, bytes_replayed{0};
  Count claimed_again{0}, reconciles{0};
  Count doubts_by_lease{0}, doubts_by_failure{0}, doubts_by_attempts{0};
  Count leases_untracked{0};

  uint64_t Replies(hf_store_verb verb, hf_store_status status) const {
    return replies[internal::VerbIndex(verb)][internal::StatusIndex(status)].load(
        std::memory_order_relaxed);
  }
};

inline void Collect(ObjectMetrics& out, const StoreMetrics& metrics) {
  namespace families = metric_families;
  const auto seen = [](const StoreMetrics::Count& count) {
    return count.load(std::memory_order_relaxed);
  };
  for (size_t verb = 0; verb < metrics.replies.size(); ++verb) {
    for (size_t status = 0; status < metrics.replies[verb].size(); ++status) {
      const uint64_t count = seen(metrics.replies[verb][status]);
      if (count == 0) continue;  // most pairs never come
      out.Set(families::kStoreReplies, count,
              {{"verb", std::string(internal::kVerbWords[verb])},
               {"status", std::string(internal::kStatusWords[status].second)}});
    }
  }
  out.Set(families::kStoreRequestSeconds, metrics.claim_seconds.Seen(), {{"of", "claim"}});
  out.Set(families::kStoreRequestSeconds, metrics.replay_seconds.Seen(), {{"of", "replay"}});
  out.Set(families::kStoreRequestSeconds, metrics.complete_seconds.Seen(), {{"of", "complete"}});
  out.Set(families::kStoreRequestSeconds, metrics.other_seconds.Seen(), {{"of", "other"}});
  out.Set(families::kStoreLeaseUse, metrics.lease_use.Seen());
  out.Set(families::kStoreInFlight, metrics.in_flight.load(std::memory_order_relaxed));
  out.Set(families::kStoreBodyBytes, seen(metrics.bytes_stored), {{"way", "stored"}});
  out.Set(families::kStoreBodyBytes, seen(metrics.bytes_replayed), {{"way", "replayed"}});
  out.Set(families::kStoreReclaims, seen(metrics.claimed_again), {{"how", "again"}});
  out.Set(families::kStoreReclaims, seen(metrics.reconciles), {{"how", "reconcile"}});
  out.Set(families::kStoreDoubts, seen(metrics.doubts_by_lease), {{"by", "lease"}});
  out.Set(families::kStoreDoubts, seen(metrics.doubts_by_failure), {{"by", "failure"}});
  out.Set(families::kStoreDoubts, seen(metrics.doubts_by_attempts), {{"by", "attempts"}});
  out.Set(families::kStoreLeasesUntracked, seen(metrics.leases_untracked));
}

inline void Collect(ObjectMetrics& out, const Waiters& waiters) {
  const WaitersStats is = waiters.stats();
  out.Set(metric_families::kWaitersWaiting, is.waiting);
  out.Set(metric_families::kWaitersKeys, is.keys);
  out.Set(metric_families::kWaitersWoken, is.woken);
  out.Set(metric_families::kWaitersRefused, is.refused);
  out.Set(metric_families::kWaitersLooks, is.looks);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_STORE_METRICS_H_
