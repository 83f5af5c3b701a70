// SPDX-License-Identifier: Apache-2.0
// SweepJob: a purge without anybody who waits, for the store's own schedule.
//
//   step        sent                                      next
//   kPurge      erase up to `limit` expired records       kAge
//   kAge        the age of the oldest snapshot            kPartitions
//   kPartitions which body partitions nobody needs        kDrop, or over
//   kDrop       one of them                               kDrop with the next, or over
// Whatever fails ends the sweep; the next one tries again.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_SWEEP_H_
#define HOLDFAST_ADAPTERS_POSTGRES_SWEEP_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "adapters/postgres/job.h"

namespace holdfast::inline v0_5::postgres {

class SweepJob final : public Job {
 public:
  using Done = std::function<void(absl::StatusOr<uint64_t>)>;
  // `done` hears how many records were erased, or why the first step failed. Called on the store's thread.
  SweepJob(uint32_t limit, Done done) : limit_(limit), done_(std::move(done)) {}

  void Begin() override;
  void OnAnswer(Answer answer) override;
  void OnEnd(hf_store_status status, std::string detail) override;

 private:
  enum class Step { kPurge, kAge, kPartitions, kDrop };

  void Ask(Step step, Query query);
  void DropNext();
  void Conclude(absl::StatusOr<uint64_t> result);

  const uint32_t limit_;
  Done done_;
  Step step_ = Step::kPurge;
  uint64_t purged_ = 0;
  std::vector<std::string> partitions_;
};

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_SWEEP_H_
