// SPDX-License-Identifier: Apache-2.0
// StoreCensus: what lies in a store, counted by looking at every record: how many keys are in doubt and for how long, how
// much there is, and whether purging keeps up. As dear as a scan: take one a minute, in one process, not one a scrape.
//
//   a record is     if
//   leased          IN_PROGRESS, and its lease is not over
//   in doubt        IN_DOUBT, or IN_PROGRESS with its lease over and IN_DOUBT the owner's word (record.h)
//   lapsed          IN_PROGRESS with its lease over: whoever comes next takes over or reconciles
//   completed, retryable
//   expired         either of these, past its time, and not purged yet
#ifndef HOLDFAST_STORE_CENSUS_H_
#define HOLDFAST_STORE_CENSUS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/metrics_families.h>
#include <holdfast/metrics_page.h>
#include <holdfast/operable_store.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace holdfast::inline v0_5 {

struct StoreCensus {
  uint64_t leased = 0, in_doubt = 0, lapsed = 0, completed = 0, retryable = 0, expired = 0;
  uint64_t damaged = 0;  // counted in no other
  uint64_t bytes = 0;    // of bodies
  // Since the lease ended of the key that is in doubt for longest. Work that failed before its lease was over came into
  // doubt a little earlier than this tells.
  Duration in_doubt_oldest{0};
  Duration purge_lag{0};  // since the oldest expired record should have gone
  bool complete = true;   // false: stopped at the limit
};

namespace internal {

inline void CountRecord(const StoredRecord& stored, int64_t now, StoreCensus& census) {
  if (stored.damaged) {
    ++census.damaged;
    return;
  }
  census.bytes += stored.body_bytes;
  const hf_record& record = stored.record;
  const auto since = [&](int64_t when) { return Duration{std::max<int64_t>(0, now - when)}; };
  const bool over = record.lease_until <= now;
  switch (record.state) {
    case HF_RECORD_IN_PROGRESS:
      if (!over) {
        ++census.leased;
        return;
      }
      if (record.on_expiry != HF_ON_EXPIRY_IN_DOUBT) {
        ++census.lapsed;
        return;
      }
      [[fallthrough]];
    case HF_RECORD_IN_DOUBT:
      ++census.in_doubt;
      census.in_doubt_oldest = std::max(census.in_doubt_oldest, since(record.lease_until));
      return;
    default:
      if (record.expires_at <= now) {
        ++census.expired;
        census.purge_lag = std::max(census.purge_lag, since(record.expires_at));
      } else {
        ++(record.state == HF_RECORD_COMPLETED ? census.completed : census.retryable);
      }
      return;
  }
}

}  // namespace internal

// Looks at up to `limit` records (0: all), page by page, each within `timeout`. Blocks like the store. Records that change
// meanwhile may be counted twice. Errors: those of Scan.
inline absl::StatusOr<StoreCensus> TakeStoreCensus(OperableStore& store, uint64_t limit = 0,
                                                   Duration timeout = Duration{0}) {
  constexpr uint32_t kPage = 1000;
  StoreCensus census;
  ScanQuery query{.limit = kPage};
  for (uint64_t seen = 0;;) {
    absl::StatusOr<ScanPage> page = store.Scan(query, timeout);
    if (!page.ok()) return page.status();
    for (const StoredRecord& record : page->records) {
      internal::CountRecord(record, page->store_now, census);
    }
    seen += page->records.size();
    if (page->cursor.empty()) return census;
    if (limit != 0 && seen >= limit) break;
    query.cursor = std::move(page->cursor);
  }
  census.complete = false;
  return census;
}

inline void Collect(ObjectMetrics& out, const StoreCensus& census) {
  namespace families = metric_families;
  out.Set(families::kStoreRecords, census.leased, {{"state", "leased"}});
  out.Set(families::kStoreRecords, census.in_doubt, {{"state", "in_doubt"}});
  out.Set(families::kStoreRecords, census.lapsed, {{"state", "lapsed"}});
  out.Set(families::kStoreRecords, census.completed, {{"state", "completed"}});
  out.Set(families::kStoreRecords, census.retryable, {{"state", "retryable"}});
  out.Set(families::kStoreRecords, census.expired, {{"state", "expired"}});
  out.Set(families::kStoreDamaged, census.damaged);
  out.Set(families::kStoreStoredBytes, census.bytes);
  out.Set(families::kStoreInDoubtOldest, census.in_doubt_oldest);
  out.Set(families::kStorePurgeLag, census.purge_lag);
  out.Set(families::kStoreCensusComplete, census.complete);
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_STORE_CENSUS_H_
