// SPDX-License-Identifier: Apache-2.0
// RecordJob: one StoreRequest.
//
//   step      sent                                    answer                     next
//   kExpress  the one statement of CLAIM, RENEW or    a row                      over
//             COMPLETE                                none                       kRead
//   kRead     the row                                 the table keeps            over
//                                                     the table writes           kWrite
//                                                     no row, CLAIM              kExpress
//   kWrite    the row as the table wants it, if it    a row                      over
//             is still as it was read                 none: somebody else wrote  kRead, kMaxRounds times
//   kPartition  a day's partition for a large body    made, or there already     kExpress
//                                                     no right to make it        kExpress, body inline
//   any       an unknown end of a transaction that writes                        over, INDETERMINATE
// kExpress says nothing that the table would not: an absent key is won, the holder's token settles its
// IN_PROGRESS record. Whatever else there is to know is the table's.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_RECORD_JOB_H_
#define HOLDFAST_ADAPTERS_POSTGRES_RECORD_JOB_H_

#include <holdfast/operable_store.h>
#include <holdfast/store.h>

#include <cstdint>
#include <optional>
#include <string>

#include "adapters/postgres/job.h"

namespace holdfast::inline v0_5::postgres {

// The one statement that may settle `request` alone, or nothing: then it is read first.
std::optional<Query> ExpressOf(const StoreRequest& request, const std::optional<int64_t>& now,
                               bool body_inline);
// Its reply, from a row of its answer. `result` has one.
StoreReply ExpressReply(const StoreRequest& request, const PGresult* result);
// A winner's reply.
StoreReply WonReply(const StoreRequest& request, uint64_t token);
// Is it a request that a store can execute at all?
bool IsSound(const StoreRequest& request);

class RecordJob final : public Job {
 public:
  // Borrows what `request` points to, `waiter` and `note` until the reply.
  RecordJob(const StoreRequest& request, StoreWaiter& waiter, const AuditNote* note = nullptr)
      : request_(request), waiter_(waiter), note_(note) {}

  // The express statement has been tried elsewhere.
  void SkipExpress() { tried_express_ = true; }

  void Begin() override;
  void OnAnswer(Answer answer) override;
  void OnEnd(hf_store_status status, std::string detail) override;

 private:
  enum class Step { kExpress, kRead, kWrite, kPartition };

  void Ask(Step step, Query query, bool writes);
  void Express();
  void Read();
  void Judge(const Row& row);
  void Write(const Row& row, const hf_record& next, bool draw);
  void Partition(const Failure& failure);
  void Reply(StoreReply reply);

  const StoreRequest request_;
  StoreWaiter& waiter_;
  const AuditNote* const note_;
  Step step_ = Step::kRead;
  int rounds_ = 0;
  bool tried_express_ = false;
  bool body_inline_ = false;
  bool made_partition_ = false;
  StoreReply reply_;  // what the table said, until it is written
};

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_RECORD_JOB_H_
