// SPDX-License-Identifier: Apache-2.0
// QueryJob: one transaction whose answer a thread waits for. Waiting: a value that another thread gives.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_QUERY_JOB_H_
#define HOLDFAST_ADAPTERS_POSTGRES_QUERY_JOB_H_

#include <holdfast/store.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/postgres/job.h"
#include "adapters/postgres/pool.h"

namespace holdfast::inline v0_5::postgres {

template <typename T>
class Waiting {
 public:
  void Give(T value) {
    // Notified under the lock: who waits may be gone right after it.
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
    given_.notify_one();
  }
  T Await() {
    std::unique_lock lock(mutex_);
    given_.wait(lock, [this] { return value_.has_value(); });
    return *std::move(value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::optional<T> value_;
};

class QueryJob final : public Job {
 public:
  QueryJob(std::vector<Query> given, bool writes, Waiting<Answer>& waiting) : waiting_(waiting) {
    queries = std::move(given);
    writing = writes;
  }

  void Begin() override { Again(); }
  void OnAnswer(Answer answer) override {
    Over();
    waiting_.Give(std::move(answer));
  }
  void OnEnd(hf_store_status status, std::string detail) override {
    Answer answer;
    answer.failure.status = status;
    answer.failure.detail = std::move(detail);
    waiting_.Give(std::move(answer));
  }

 private:
  Waiting<Answer>& waiting_;
};

// Blocks; refused on the store's own thread, which would wait for itself.
inline Answer Ask(Pool& pool, std::vector<Query> queries, bool writes, Duration timeout) {
  if (pool.on_thread()) {
    Answer refused;
    refused.failure.status = HF_STORE_UNAVAILABLE;
    refused.failure.detail = "postgres: called in OnReply";
    return refused;
  }
  Waiting<Answer> waiting;
  pool.Post(std::make_shared<QueryJob>(std::move(queries), writes, waiting), timeout);
  return waiting.Await();
}

inline Answer Ask(Pool& pool, Query query, bool writes, Duration timeout) {
  std::vector<Query> queries;
  queries.push_back(std::move(query));
  return Ask(pool, std::move(queries), writes, timeout);
}

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_QUERY_JOB_H_
