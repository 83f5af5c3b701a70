// SPDX-License-Identifier: Apache-2.0
// What a bulkhead is told, and what it tells of itself: see bulkhead.h.
#ifndef HOLDFAST_BULKHEAD_OPTIONS_H_
#define HOLDFAST_BULKHEAD_OPTIONS_H_

#include <holdfast/adaptive.h>
#include <holdfast/c/bulkhead.h>
#include <holdfast/clock.h>
#include <holdfast/criticality.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <span>

namespace holdfast::inline v0_5 {

// Who of those waiting is served first, and who is dropped: HF_BULKHEAD_* in c/bulkhead.h.
enum class BulkheadOrder : hf_bulkhead_order {
  kFifo = HF_BULKHEAD_FIFO,
  kLifo = HF_BULKHEAD_LIFO,
  kCodel = HF_BULKHEAD_CODEL,
  kCodelLifo = HF_BULKHEAD_CODEL_LIFO,
};

// Zero in any field is its default. Ranges: c/bulkhead.h.
struct BulkheadOptions {
  uint32_t limit = 64;                          // at once: 1..1e6
  uint32_t queue = 0;                           // waiting: 0..1e6; 0 refuses at once
  Duration max_wait = std::chrono::seconds(1);  // 1 us..24 h, besides the caller's own deadline
  BulkheadOrder order = BulkheadOrder::kFifo;
  bool refuse_no_time = false;  // refuse whose deadline would come first, by the latencies settled
  Duration target = std::chrono::milliseconds(5);      // the orders but kFifo: 1 us..1 h
  Duration interval = std::chrono::milliseconds(100);  // likewise
  // Of limit + queue, what a criticality may see in use: kCriticalPlus first; above 0, at most 1.
  std::array<double, HF_CRITICALITIES> criticality_share = {1, 1, 1, 1};
  // Of the limit, what each partition can always have: 0..1 each, at most 1 together. Empty: no partitions.
  std::span<const double> partition_share = {};  // at most 8; looked at by Create and Update only
  double user_share = 0;                         // of the limit, for one user at most; 0: off
  hf_journal* journal = nullptr;                 // a reference is taken; Update does not look at it
  uint64_t object = 0;                           // the number its events carry; likewise
  AdaptiveLimit adaptive = {};  // gives the limit instead of `limit`, from settled calls; likewise

  // As the C ABI takes them. Of more partitions than there can be the number is enough: it is refused.
  hf_bulkhead_options Raw() const {
    hf_bulkhead_options raw = HF_INIT(hf_bulkhead_options);
    raw.limit = limit;
    raw.queue = queue;
    raw.max_wait = max_wait.count();
    raw.order = static_cast<hf_bulkhead_order>(order);
    raw.refuse_no_time = refuse_no_time ? 1 : 0;
    raw.target = target.count();
    raw.interval = interval.count();
    std::copy(criticality_share.begin(), criticality_share.end(), raw.criticality_share);
    raw.partitions = static_cast<uint32_t>(partition_share.size());
    for (size_t i = 0; i < partition_share.size() && i < HF_BULKHEAD_PARTITIONS; ++i) {
      raw.partition_share[i] = partition_share[i];
    }
    raw.user_share = user_share;
    raw.journal = journal;
    raw.object = object;
    raw.adaptive = adaptive.raw();
    return raw;
  }
};

// Who asks.
struct BulkheadRequest {
  uint32_t partition = 0;
  Criticality criticality = Criticality::kCritical;
  uint64_t user = 0;     // a hash of who asks; 0: nobody in particular
  hf_time deadline = 0;  // on the clock given; 0: none

  hf_bulkhead_request Raw() const {
    hf_bulkhead_request raw = HF_INIT(hf_bulkhead_request);
    raw.partition = partition;
    raw.criticality = static_cast<hf_criticality>(criticality);
    raw.user = user;
    raw.deadline = deadline;
    return raw;
  }
};

struct BulkheadPartition {
  uint32_t guarantee = 0;  // places it can always have
  uint32_t in_flight = 0;
  uint32_t waiting = 0;
};

struct BulkheadSnapshot {
  uint32_t in_flight = 0;
  uint32_t waiting = 0;
  uint32_t limit = 0;
  uint64_t refused = 0;     // found it full
  uint64_t timed_out = 0;   // waited in vain
  uint64_t over_share = 0;  // of a partition, criticality or user
  uint64_t no_time = 0;     // would not have been done by their deadline
  uint64_t dropped = 0;     // from a queue that stood
  Duration latency{0};      // expected; 0: not known, or refuse_no_time is off
  bool overloaded = false;  // the queue stands
  uint32_t partition_count = 0;
  std::array<BulkheadPartition, HF_BULKHEAD_PARTITIONS> partitions{};

  static BulkheadSnapshot From(const hf_bulkhead_snapshot& raw) {
    BulkheadSnapshot snapshot{.in_flight = raw.in_flight,
                              .waiting = raw.waiting,
                              .limit = raw.limit,
                              .refused = raw.refused,
                              .timed_out = raw.timed_out,
                              .over_share = raw.over_share,
                              .no_time = raw.no_time,
                              .dropped = raw.dropped,
                              .latency = Duration{raw.latency},
                              .overloaded = raw.overloaded != 0,
                              .partition_count = raw.partitions,
                              .partitions = {}};
    for (uint32_t i = 0; i < raw.partitions; ++i) {
      snapshot.partitions[i] = {raw.partition_guarantee[i], raw.partition_in_flight[i],
                                raw.partition_waiting[i]};
    }
    return snapshot;
  }
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_BULKHEAD_OPTIONS_H_
