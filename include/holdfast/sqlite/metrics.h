// SPDX-License-Identifier: Apache-2.0
// What the SQLite store tells of itself, for a metrics page (metrics_page.h). Requests per batch are how many share one
// fsync, seconds per commit how long it takes.
#ifndef HOLDFAST_SQLITE_METRICS_H_
#define HOLDFAST_SQLITE_METRICS_H_

#include <holdfast/metrics_families.h>
#include <holdfast/metrics_page.h>
#include <holdfast/sqlite/store.h>

namespace holdfast::inline v0_5::sqlite {

inline void Collect(ObjectMetrics& out, const Store& store) {
  const Stats is = store.stats();
  out.Set(metric_families::kSqliteStoreRequests, is.requests);
  out.Set(metric_families::kSqliteStoreBatches, is.batches);
  out.Set(metric_families::kSqliteStoreCommits, is.commits);
  out.Set(metric_families::kSqliteStoreCommitSeconds, is.commit_time);
  out.Set(metric_families::kSqliteStoreLongestCommit, is.longest_commit);
  out.Set(metric_families::kSqliteStoreLargestBatch, is.largest_batch);
  out.Set(metric_families::kSqliteStoreWaiting, is.waiting);
  out.Set(metric_families::kSqliteStorePurged, is.purged);
  out.Set(metric_families::kSqliteStoreCheckpoints, is.checkpoints);
  out.Set(metric_families::kSqliteStoreReopened, is.reopened);
  out.Set(metric_families::kSqliteStoreWalPages, is.wal_pages);
  out.Set(metric_families::kSqliteStoreLowSpace, is.low_space);
}

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_SQLITE_METRICS_H_
