// SPDX-License-Identifier: Apache-2.0
// The forms of RunOnce on a durable store: callbacks on its own thread, waiting together, and one commit for a batch.
#include <gtest/gtest.h>
#include <holdfast/bulk.h>
#include <holdfast/idempotency.h>
#include <holdfast/run_once_async.h>
#include <holdfast/steady_timers.h>
#include <holdfast/waiters.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/sqlite_files.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;
using Result = absl::StatusOr<RunOnceResult>;

class SqliteForms : public testing::SqliteTest {
 protected:
  SqliteForms() { OpenStore(); }

  RunOnceOptions Options() {
    RunOnceOptions options{.request = "10 EUR"};
    options.max_wait = 1min;
    options.waiters = waiters_.get();
    return options;
  }
  template <class Work>
  std::future<Result> Start(Work work) {
    auto promise = std::make_shared<std::promise<Result>>();
    RunOnceAsync(*store_, *timers_, {.key = "k"}, Options(), std::move(work),
                 [promise](Result result) { promise->set_value(std::move(result)); });
    return promise->get_future();
  }

  std::unique_ptr<SteadyTimers> timers_ = SteadyTimers::Create().value();
  std::unique_ptr<Waiters> waiters_;
};

TEST_F(SqliteForms, CallbacksBlockNoThreadAndTheResultIsDurable) {
  std::thread::id worked_on;
  const Result first = Start([&](AsyncTicket& ticket, const FinishWork& finish) {
                         worked_on = std::this_thread::get_id();
                         ticket.Checkpoint("half", [finish](const absl::Status& status) {
                           finish(status.ok() ? absl::StatusOr<std::string>("paid") : status);
                         });
                       }).get();
  EXPECT_EQ(first->body, "paid");
  EXPECT_NE(worked_on, std::this_thread::get_id()) << "the claim was answered by the writer";
  OpenStore();
  const Result second =
      Start([](AsyncTicket&, const FinishWork&) { ADD_FAILURE() << "ran twice"; }).get();
  EXPECT_EQ(second->body, "paid");
  EXPECT_TRUE(second->replayed);
}

TEST_F(SqliteForms, CallersOfEveryFormWaitTogether) {
  waiters_ = Waiters::Create(*store_).value();
  std::promise<FinishWork> word;
  std::future<Result> holder =
      Start([&](AsyncTicket&, const FinishWork& finish) { word.set_value(finish); });
  const FinishWork finish = word.get_future().get();
  std::vector<std::future<Result>> waiting;
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(Start([](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); }));
  }
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(std::async(std::launch::async, [this] {
      return RunOnce(*store_, {.key = "k"}, Options(), [](Ticket&) -> absl::Status {
        ADD_FAILURE();
        return absl::OkStatus();
      });
    }));
  }
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (waiters_->stats().waiting < waiting.size() && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(waiters_->stats().waiting, waiting.size());
  finish("paid");
  EXPECT_EQ(holder.get()->body, "paid");
  for (std::future<Result>& result : waiting) EXPECT_TRUE(result.get()->replayed);
  EXPECT_EQ(waiters_->stats().waiting, 0u);
}

TEST_F(SqliteForms, ABatchIsTwoCommits) {
  std::vector<std::string> keys;
  std::vector<BulkItem> items;
  for (int i = 0; i < 32; ++i) keys.push_back("order-" + std::to_string(i));
  for (const std::string& key : keys) items.push_back({.key = {.key = key}, .request = "r"});
  const uint64_t commits = store_->stats().commits;
  const auto results = RunMany(*store_, items, {}, [](std::span<BulkClaim* const> won) {
    for (BulkClaim* const claim : won) claim->Finish("shipped");
  });
  EXPECT_EQ(store_->stats().commits, commits + 2);
  OpenStore();
  const auto replays = RunMany(*store_, items, {},
                               [](std::span<BulkClaim* const>) { ADD_FAILURE() << "ran twice"; });
  for (size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(results[i]->body, "shipped");
    EXPECT_TRUE(replays[i]->replayed);
  }
}

}  // namespace
}  // namespace holdfast
