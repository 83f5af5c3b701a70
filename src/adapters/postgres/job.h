// SPDX-License-Identifier: Apache-2.0
// Job: one request of a caller, as one transaction after another on whatever connection is free.
//
//   state      event                                   next
//   queued     a connection takes it                   sent
//   queued     its time is over, or the store closes   over: UNAVAILABLE
//   sent       the transaction's end is known          OnAnswer: queued again (Again) or over (its reply)
//   sent       it never happened, and may be repeated  queued (40001 and the like: kMaxAgain times)
//   sent       time over, or the store closes          over: INDETERMINATE if `writing`, else UNAVAILABLE
//   over       anything                                ignored
//
// Invariant: OnEnd or OnAnswer's own reply comes exactly once; all on the store's thread.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_JOB_H_
#define HOLDFAST_ADAPTERS_POSTGRES_JOB_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adapters/postgres/failure.h"
#include "adapters/postgres/row.h"

namespace holdfast::inline v0_5::postgres {

class Pool;
class Job;

using SteadyClock = std::chrono::steady_clock;
using Deadlines = std::multimap<SteadyClock::time_point, std::shared_ptr<Job>>;

// How a transaction ended: one result per query, or a failure of all.
struct Answer {
  Failure failure;
  std::vector<PgResult> results;

  bool failed() const { return failure.failed(); }
  const PGresult* result(size_t i = 0) const { return results[i].get(); }
  int rows(size_t i = 0) const { return PQntuples(results[i].get()); }
};

class Job : public std::enable_shared_from_this<Job> {
 public:
  virtual ~Job() = default;

  // The first transaction: fills queries and writing; or answers at once and is over.
  virtual void Begin() = 0;
  // The transaction under way has ended; Again() or Over() must follow.
  virtual void OnAnswer(Answer answer) = 0;
  // It ended without an answer of its own.
  virtual void OnEnd(hf_store_status status, std::string detail) = 0;

  // The transaction to be sent.
  std::vector<Query> queries;
  bool writing = false;  // it may change something

  bool over() const { return over_; }
  SteadyClock::time_point deadline() const { return deadline_; }
  Pool& pool() const { return *pool_; }

 protected:
  // Queues the next transaction.
  void Again();
  // Nothing more to do: called before the reply is given away.
  void Over();
  // A failure in the words of a reply.
  void Fail(const Failure& failure);

 private:
  friend class Pool;

  Pool* pool_ = nullptr;
  SteadyClock::time_point deadline_;
  Deadlines::iterator timer_;
  int again_ = 0;
  bool sent_ = false;
  bool over_ = false;
};

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_JOB_H_
