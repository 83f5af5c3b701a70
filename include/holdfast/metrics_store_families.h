// SPDX-License-Identifier: Apache-2.0
// The figures of stores, their layers and whoever waits for them; included by metrics_families.h, where the rules are.
#ifndef HOLDFAST_METRICS_STORE_FAMILIES_H_
#define HOLDFAST_METRICS_STORE_FAMILIES_H_

#include <holdfast/metrics_series.h>

namespace holdfast::inline v0_5::metric_families {

inline constexpr MetricFamily kStoreReplies{"store_replies", MetricKind::kCounter,
                                            "Replies of the store, by verb and status."};
inline constexpr MetricFamily kStoreRequestSeconds{
    "store_request_seconds", MetricKind::kHistogram,
    "How long requests took; a claim that was replayed is a replay."};
inline constexpr MetricFamily kStoreInFlight{"store_in_flight", MetricKind::kGauge,
                                             "Requests under way."};
inline constexpr MetricFamily kStoreBodyBytes{"store_body_bytes", MetricKind::kCounter,
                                              "Bytes of results, stored and replayed."};
inline constexpr MetricFamily kStoreReclaims{
    "store_reclaims", MetricKind::kCounter,
    "Claims won of keys that were claimed before: again, or to be reconciled first."};
inline constexpr MetricFamily kStoreDoubts{
    "store_doubts", MetricKind::kCounter,
    "Keys that fell into doubt: by a lapsed lease, a failure, or too many attempts."};
inline constexpr MetricFamily kStoreLeaseUse{
    "store_lease_use", MetricKind::kHistogram,
    "The share of its lease that work had used when it was settled."};
inline constexpr MetricFamily kStoreLeasesUntracked{
    "store_leases_untracked", MetricKind::kCounter,
    "Claims won of which the share is not known: too many at once."};
inline constexpr MetricFamily kStoreRecords{"store_records", MetricKind::kGauge,
                                            "Records, by what they are now."};
inline constexpr MetricFamily kStoreStoredBytes{"store_stored_bytes", MetricKind::kGauge,
                                                "Bytes of stored bodies."};
inline constexpr MetricFamily kStoreInDoubtOldest{
    "store_in_doubt_oldest_seconds", MetricKind::kGauge,
    "How long ago the lease of the key ended that is in doubt for longest; 0: none."};
inline constexpr MetricFamily kStorePurgeLag{
    "store_purge_lag_seconds", MetricKind::kGauge,
    "How long the oldest record that is past its time has been so; 0: none."};
inline constexpr MetricFamily kStoreDamaged{"store_damaged", MetricKind::kGauge,
                                            "Records that fail their check."};
inline constexpr MetricFamily kStoreCensusComplete{
    "store_census_complete", MetricKind::kGauge,
    "Whether the last count saw every record; 0: the figures are of a part."};

inline constexpr MetricFamily kLocalTierHits{"local_tier_hits", MetricKind::kCounter,
                                             "Claims that the local tier answered."};
inline constexpr MetricFamily kLocalTierMisses{"local_tier_misses", MetricKind::kCounter,
                                               "Claims that the local tier passed on."};
inline constexpr MetricFamily kLocalTierEvicted{"local_tier_evicted", MetricKind::kCounter,
                                                "Results dropped for want of room."};
inline constexpr MetricFamily kLocalTierDropped{"local_tier_dropped", MetricKind::kCounter,
                                                "Results dropped because of news of their key."};
inline constexpr MetricFamily kLocalTierRecords{"local_tier_records", MetricKind::kGauge,
                                                "Results in the local tier."};
inline constexpr MetricFamily kLocalTierBytes{"local_tier_bytes", MetricKind::kGauge,
                                              "Bytes that the local tier holds."};

inline constexpr MetricFamily kWaitersWaiting{"waiters_waiting", MetricKind::kGauge,
                                              "Calls that wait for a busy key."};
inline constexpr MetricFamily kWaitersKeys{"waiters_keys", MetricKind::kGauge,
                                           "Keys that calls wait for."};
inline constexpr MetricFamily kWaitersWoken{"waiters_woken", MetricKind::kCounter,
                                            "Calls woken because their key may be free."};
inline constexpr MetricFamily kWaitersRefused{"waiters_refused", MetricKind::kCounter,
                                              "Calls that found no room to wait."};
inline constexpr MetricFamily kWaitersLooks{"waiters_looks", MetricKind::kCounter,
                                            "Times the store was asked for a waiting key."};

inline constexpr MetricFamily kMemoryStoreRecords{"memory_store_records", MetricKind::kGauge,
                                                  "Records in the memory store."};
inline constexpr MetricFamily kMemoryStoreBytes{"memory_store_bytes", MetricKind::kGauge,
                                                "Bytes that the memory store holds."};
inline constexpr MetricFamily kMemoryStorePurged{"memory_store_purged", MetricKind::kCounter,
                                                 "Expired records erased."};
inline constexpr MetricFamily kMemoryStoreRefused{"memory_store_refused", MetricKind::kCounter,
                                                  "Keys and checkpoints refused for want of room."};

inline constexpr MetricFamily kSqliteStoreRequests{"sqlite_store_requests", MetricKind::kCounter,
                                                   "Requests run; per batch: how many share one."};
inline constexpr MetricFamily kSqliteStoreBatches{"sqlite_store_batches", MetricKind::kCounter,
                                                  "Transactions that requests shared."};
inline constexpr MetricFamily kSqliteStoreCommits{"sqlite_store_commits", MetricKind::kCounter,
                                                  "Transactions that wrote, each one fsync."};
inline constexpr MetricFamily kSqliteStoreCommitSeconds{
    "sqlite_store_commit_seconds", MetricKind::kCounter, "Time spent in COMMIT, fsync included."};
inline constexpr MetricFamily kSqliteStoreLongestCommit{
    "sqlite_store_longest_commit_seconds", MetricKind::kGauge, "The longest COMMIT so far."};
inline constexpr MetricFamily kSqliteStoreLargestBatch{
    "sqlite_store_largest_batch", MetricKind::kGauge, "Requests of the largest batch so far."};
inline constexpr MetricFamily kSqliteStoreWaiting{"sqlite_store_waiting", MetricKind::kGauge,
                                                  "Requests that wait for the writer."};
inline constexpr MetricFamily kSqliteStorePurged{"sqlite_store_purged", MetricKind::kCounter,
                                                 "Expired records erased."};
inline constexpr MetricFamily kSqliteStoreCheckpoints{
    "sqlite_store_checkpoints", MetricKind::kCounter, "Checkpoints of the WAL completed."};
inline constexpr MetricFamily kSqliteStoreReopened{"sqlite_store_reopened", MetricKind::kCounter,
                                                   "Times the file was opened anew."};
inline constexpr MetricFamily kSqliteStoreWalPages{"sqlite_store_wal_pages", MetricKind::kGauge,
                                                   "Pages in the WAL after the last commit."};
inline constexpr MetricFamily kSqliteStoreLowSpace{"sqlite_store_low_space", MetricKind::kGauge,
                                                   "Whether claims are refused for want of space."};

inline constexpr MetricFamily kRedisStoreRequests{"redis_store_requests", MetricKind::kCounter,
                                                  "Requests run."};
inline constexpr MetricFamily kRedisStoreExpressClaims{
    "redis_store_express_claims", MetricKind::kCounter, "Claims decided by one SET."};
inline constexpr MetricFamily kRedisStoreSwapsLost{
    "redis_store_swaps_lost", MetricKind::kCounter,
    "Compare-and-set that found another record, and read it again."};
inline constexpr MetricFamily kRedisStoreWaits{"redis_store_waits", MetricKind::kCounter,
                                               "WAIT, each for all writes before it."};
inline constexpr MetricFamily kRedisStoreShortfalls{
    "redis_store_shortfalls", MetricKind::kCounter,
    "Writes that too few replicas took: settlements left unconfirmed, claims given back."};
inline constexpr MetricFamily kRedisStoreSentinelAlarms{
    "redis_store_sentinel_alarms", MetricKind::kCounter, "Times the server had lost its data."};
inline constexpr MetricFamily kRedisStoreConnects{"redis_store_connects", MetricKind::kCounter,
                                                  "Connections made."};
inline constexpr MetricFamily kRedisStoreConnectionFailures{
    "redis_store_connection_failures", MetricKind::kCounter, "Connections that failed or broke."};
inline constexpr MetricFamily kRedisStoreCommands{"redis_store_commands", MetricKind::kCounter,
                                                  "Commands sent."};
inline constexpr MetricFamily kRedisStoreWrites{
    "redis_store_writes", MetricKind::kCounter,
    "Writes to sockets; commands per write are how much pipelining there is."};

}  // namespace holdfast::inline v0_5::metric_families

#endif  // HOLDFAST_METRICS_STORE_FAMILIES_H_
