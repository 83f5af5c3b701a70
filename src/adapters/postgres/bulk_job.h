// SPDX-License-Identifier: Apache-2.0
// BulkJob: many requests in one transaction, each by its express statement, then the rest one by one.
//
// All new claims are one INSERT over arrays; renewals and completions follow as statements of their own in
// the same pipeline. Both in the order of key ids, inserts first: two batches that meet wait for each other in
// one order only. A batch that fails with nothing done goes one by one, so that one bad item costs itself only.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_BULK_JOB_H_
#define HOLDFAST_ADAPTERS_POSTGRES_BULK_JOB_H_

#include <holdfast/store.h>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "adapters/postgres/job.h"

namespace holdfast::inline v0_5::postgres {

// Replies of one ExecuteMany, and who waits for them.
class Batch {
 public:
  explicit Batch(std::span<const StoreRequest> requests);

  void Reply(size_t index, StoreReply reply);
  void Await();
  std::vector<StoreReply> Take() { return std::move(replies_); }
  const StoreRequest& request(size_t index) const { return requests_[index]; }
  // Waves of indices: each key at most once in each, but for claims; by key id.
  std::vector<std::vector<size_t>> Waves() const;
  StoreWaiter& waiter(size_t index) { return waiters_[index]; }
  void Expect(size_t count);

 private:
  struct Waiter final : StoreWaiter {
    Batch* batch = nullptr;
    size_t index = 0;
    void OnReply(StoreReply reply) override { batch->Reply(index, std::move(reply)); }
  };

  std::span<const StoreRequest> requests_;
  std::vector<StoreReply> replies_;
  std::vector<Waiter> waiters_;
  std::mutex mutex_;
  std::condition_variable done_;
  size_t left_ = 0;
};

class BulkJob final : public Job {
 public:
  // `batch` outlives the replies of `items`.
  BulkJob(Batch& batch, std::vector<size_t> items) : batch_(batch), items_(std::move(items)) {}

  void Begin() override;
  void OnAnswer(Answer answer) override;
  void OnEnd(hf_store_status status, std::string detail) override;

 private:
  void AddClaims();
  void TakeClaims(const PGresult* result, std::vector<size_t>* rest);
  void OneByOne(const std::vector<size_t>& items, bool tried);

  Batch& batch_;
  std::vector<size_t> items_;
  std::vector<size_t> claims_;
  std::vector<size_t> settles_;  // one query each, behind the claims'
  std::vector<size_t> others_;   // have no express form
};

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_BULK_JOB_H_
