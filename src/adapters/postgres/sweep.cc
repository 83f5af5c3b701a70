// SPDX-License-Identifier: Apache-2.0
// See sweep.h.
#include "adapters/postgres/sweep.h"

#include <utility>

#include "adapters/postgres/partition.h"
#include "adapters/postgres/pool.h"

namespace holdfast::inline v0_5::postgres {

void SweepJob::Begin() {
  Query query;
  query.sql = Sql::kPurge;
  query.params.Time(pool().Now()).Int64(limit_).Int64(kTombstone);
  writing = true;
  Ask(Step::kPurge, std::move(query));
}

void SweepJob::Ask(Step step, Query query) {
  step_ = step;
  queries.clear();
  queries.push_back(std::move(query));
  Again();
}

void SweepJob::OnAnswer(Answer answer) {
  Query query;
  switch (step_) {
    case Step::kPurge:
      if (answer.failed()) return Conclude(ToStatus(answer.failure));
      purged_ = static_cast<uint64_t>(Int64At(answer.result(), 0, 0));
      pool().counters().purged.fetch_add(purged_, std::memory_order_relaxed);
      writing = false;
      query.sql = Sql::kSnapshotAge;
      return Ask(Step::kAge, std::move(query));
    case Step::kAge:
      if (answer.failed()) return Conclude(purged_);
      pool().counters().snapshot_age.store(static_cast<uint64_t>(Int64At(answer.result(), 0, 0)),
                                           std::memory_order_relaxed);
      query.sql = Sql::kPartitions;
      query.params.Time(pool().Now()).Int64(kTombstone);
      return Ask(Step::kPartitions, std::move(query));
    case Step::kPartitions:
      if (answer.failed()) return Conclude(purged_);
      for (int row = 0; row < answer.rows(); ++row) {
        partitions_.emplace_back(BytesAt(answer.result(), row, 0));
      }
      return DropNext();
    case Step::kDrop:
      if (answer.failed()) return Conclude(purged_);
      pool().counters().dropped.fetch_add(1, std::memory_order_relaxed);
      return DropNext();
  }
}

void SweepJob::DropNext() {
  if (partitions_.empty()) return Conclude(purged_);
  queries = DropPartition(pool().statements(), partitions_.back());
  partitions_.pop_back();
  step_ = Step::kDrop;
  writing = false;  // may be asked again, gone is gone
  Again();
}

void SweepJob::Conclude(absl::StatusOr<uint64_t> result) {
  Over();
  if (done_ != nullptr) done_(std::move(result));
}

void SweepJob::OnEnd(hf_store_status status, std::string detail) {
  if (done_ == nullptr) return;
  if (step_ == Step::kPurge) {
    done_(ToStatus(status, detail));
  } else {
    done_(purged_);
  }
}

}  // namespace holdfast::inline v0_5::postgres
