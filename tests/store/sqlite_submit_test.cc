// SPDX-License-Identifier: Apache-2.0
// Requests without a thread that waits, many in one commit, and steps of work joined to a checkpoint.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/sqlite_files.h"

namespace holdfast {
namespace {

using testing::Abandon;
using testing::Claim;
using testing::Complete;

class Collected final : public StoreWaiter {
 public:
  void OnReply(StoreReply reply) override {
    const std::lock_guard lock(mutex_);
    replies_.push_back(std::move(reply));
    thread_ = std::this_thread::get_id();
    changed_.notify_all();
  }
  std::vector<StoreReply> Wait(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return replies_.size() >= count; });
    return replies_;
  }
  size_t size() {
    const std::lock_guard lock(mutex_);
    return replies_.size();
  }
  std::thread::id thread() const { return thread_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<StoreReply> replies_;
  std::thread::id thread_;
};

// Keeps the writer busy until it is let go.
class Hold {
 public:
  explicit Hold(sqlite::Store& store)
      : thread_([this, &store] {
          EXPECT_TRUE(store
                          .Read([this](sqlite3*) {
                            held_.set_value();
                            go_.get_future().wait();
                            return absl::OkStatus();
                          })
                          .ok());
        }) {
    held_.get_future().wait();
  }
  ~Hold() { LetGo(); }
  void LetGo() {
    if (!thread_.joinable()) return;
    go_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> held_;
  std::promise<void> go_;
  std::thread thread_;
};

class SqliteSubmit : public testing::SqliteTest {};

TEST_F(SqliteSubmit, AnswersComeFromTheWriterAfterTheCommit) {
  OpenStore();
  Collected replies;
  std::vector<std::string> keys;
  {
    const Hold hold(*store_);
    for (int i = 0; i < 100; ++i) keys.push_back("k" + std::to_string(i));
    for (const std::string& key : keys) {
      ASSERT_TRUE(store_->Submit(Claim(key, 1), {}, replies));
    }
    EXPECT_EQ(replies.size(), 0u);  // and here we are
  }
  for (const StoreReply& reply : replies.Wait(100)) {
    EXPECT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
  }
  EXPECT_NE(replies.thread(), std::this_thread::get_id());
  EXPECT_EQ(store_->stats().commits, 1u);
}

TEST_F(SqliteSubmit, RequestWhoseTimeEndedInTheQueueIsNotRun) {
  OpenStore();
  Collected replies;
  {
    const Hold hold(*store_);
    ASSERT_TRUE(store_->Submit(Claim("k", 1), Duration{1}, replies));
    ASSERT_TRUE(store_->Submit(Claim("other", 1), {}, replies));
  }
  const auto all = replies.Wait(2);
  EXPECT_EQ(all[0].raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_EQ(all[1].raw.status, HF_STORE_WON);
  EXPECT_EQ(StatusOf(testing::Read("k")), HF_STORE_ABSENT);
}

TEST_F(SqliteSubmit, FullQueueAndBadRequestsAreRefusedAtOnce) {
  sqlite::Options options = Options();
  options.max_queue = 2;
  OpenStore(options);
  Collected queued;
  Collected refused;
  {
    const Hold hold(*store_);
    ASSERT_TRUE(store_->Submit(Claim("a", 1), {}, queued));
    ASSERT_TRUE(store_->Submit(Claim("b", 1), {}, queued));
    ASSERT_TRUE(store_->Submit(Claim("c", 1), {}, refused));
    EXPECT_EQ(refused.Wait(1)[0].raw.status, HF_STORE_OVERLOADED);
    EXPECT_EQ(refused.thread(), std::this_thread::get_id());
    const std::string label(HF_RECORD_LABEL_MAX + 1, 'l');
    StoreRequest bad = Claim("d", 1);
    bad.label = {label.data(), label.size()};
    ASSERT_TRUE(store_->Submit(bad, {}, refused));
    const StoreReply reply = refused.Wait(2)[1];
    EXPECT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE);
    EXPECT_NE(reply.detail.find("label"), std::string::npos);
  }
  queued.Wait(2);
  EXPECT_EQ(refused.size(), 2u);
}

TEST_F(SqliteSubmit, ClosingAnswersAllThatWasAccepted) {
  OpenStore();
  Collected replies;
  std::vector<std::string> keys;
  for (int i = 0; i < 50; ++i) keys.push_back("k" + std::to_string(i));
  for (const std::string& key : keys) {
    ASSERT_TRUE(store_->Submit(Claim(key, 1), {}, replies));
  }
  store_.reset();
  EXPECT_EQ(replies.size(), 50u);
}

// Each answer leads to the next request, from inside the answer.
TEST_F(SqliteSubmit, AnswerMayBeginTheNextRequest) {
  struct Chain final : StoreWaiter {
    void OnReply(StoreReply reply) override {
      const bool won = reply.raw.status == HF_STORE_WON;
      if (++answered == 20) return done.set_value();
      if (won) token = reply.raw.token;
      const StoreRequest next = won ? Abandon("k", token) : Claim("k", 1);
      EXPECT_TRUE(store->Submit(next, {}, *this));
    }
    sqlite::Store* store = nullptr;
    int answered = 0;
    uint64_t token = 0;
    std::promise<void> done;
  };
  OpenStore();
  Chain chain;
  chain.store = store_.get();
  ASSERT_TRUE(store_->Submit(Claim("k", 1), {}, chain));
  chain.done.get_future().wait();
  EXPECT_EQ(StatusOf(testing::Read("k")), HF_STORE_ABSENT);
  store_.reset();
}

class SqliteMany : public testing::SqliteTest {};

TEST_F(SqliteMany, OneCommitAndOneOutcomePerItem) {
  OpenStore();
  ASSERT_EQ(StatusOf(Complete("done", Win("done"), "result")), HF_STORE_OK);
  Win("held");
  const uint64_t commits = store_->stats().commits;
  std::vector<std::string> keys;
  std::vector<StoreRequest> requests = {
      Claim("done", 2),
      Claim("held", 2),
      testing::WithFingerprint(Claim("held", 2), "another"),
      Claim("twice", 1),
      Claim("twice", 2),
      testing::Request(99, "k"),
      Complete("nobody", 5, "x"),
  };
  for (int i = 0; i < 57; ++i) keys.push_back("k" + std::to_string(i));
  for (const std::string& key : keys) requests.push_back(Claim(key, 1));
  const auto replies = store_->ExecuteMany(requests, {});
  ASSERT_EQ(replies.size(), requests.size());
  EXPECT_EQ(replies[0].raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*replies[0].body, "result");
  EXPECT_EQ(replies[1].raw.status, HF_STORE_BUSY);
  EXPECT_EQ(replies[2].raw.status, HF_STORE_MISMATCH);
  EXPECT_EQ(replies[3].raw.status, HF_STORE_WON);
  EXPECT_EQ(replies[4].raw.status, HF_STORE_BUSY);
  EXPECT_EQ(replies[5].raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_EQ(replies[6].raw.status, HF_STORE_FENCED);
  for (size_t i = 7; i < replies.size(); ++i) EXPECT_EQ(replies[i].raw.status, HF_STORE_WON);
  EXPECT_EQ(store_->stats().commits, commits + 1);
  EXPECT_TRUE(store_->ExecuteMany({}, {}).empty());
}

TEST_F(SqliteMany, WhatDoesNotFitTheQueueIsRefusedItemByItem) {
  sqlite::Options options = Options();
  options.max_queue = 4;
  OpenStore(options);
  std::vector<std::string> keys;
  std::vector<StoreRequest> requests;
  for (int i = 0; i < 6; ++i) keys.push_back("k" + std::to_string(i));
  for (const std::string& key : keys) requests.push_back(Claim(key, 1));
  const auto replies = store_->ExecuteMany(requests, {});
  for (size_t i = 0; i < replies.size(); ++i) {
    EXPECT_EQ(replies[i].raw.status, i < 4 ? HF_STORE_WON : HF_STORE_OVERLOADED);
    EXPECT_EQ(StatusOf(testing::Read(keys[i])), i < 4 ? HF_STORE_BUSY : HF_STORE_ABSENT);
  }
}

TEST_F(SqliteMany, IsRefusedInsideTheStoresOwnWork) {
  OpenStore();
  const absl::Status status = store_->Setup([&](sqlite3*) {
    const std::vector<StoreRequest> one = {Claim("k", 1)};
    EXPECT_EQ(store_->ExecuteMany(one, {})[0].raw.status, HF_STORE_UNAVAILABLE);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok());
}

class SqliteSteps : public testing::SqliteTest {};

TEST_F(SqliteSteps, RowsAndCheckpointOfAStepAreOneCommit) {
  OpenStore();
  const uint64_t token = Win("k", 1, HF_ON_EXPIRY_TAKEOVER);
  ASSERT_TRUE(store_->CheckpointInTransaction(ClaimOf("k", token), Pay("1", "step 1")).ok());
  EXPECT_EQ(Payments(), "1");
  OpenStore();
  clock_.Advance(testing::kLease);
  const StoreReply next = Ask(Claim("k", 2));
  ASSERT_EQ(next.raw.status, HF_STORE_WON);
  ASSERT_NE(next.body, nullptr);
  EXPECT_EQ(*next.body, "step 1");
  const absl::Status zombie = store_->CheckpointInTransaction(ClaimOf("k", token), Pay("2", "no"));
  EXPECT_EQ(zombie.code(), absl::StatusCode::kAborted) << zombie;
  EXPECT_EQ(Payments(), "1");
  const auto done = store_->InTransaction(ClaimOf("k", next.raw.token), Pay("2", "all"));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(Payments(), "2");
  EXPECT_EQ(*Ask(Claim("k", 3)).body, "all");
}

TEST_F(SqliteSteps, StepThatFailsOrSaysTooMuchLeavesNothing) {
  OpenStore();
  const uint64_t token = Win("k", 1, HF_ON_EXPIRY_TAKEOVER);
  const std::string large(HF_IDEM_CHECKPOINT_MAX + 1, 'c');
  EXPECT_EQ(store_->CheckpointInTransaction(ClaimOf("k", token), Pay("1", large)).code(),
            absl::StatusCode::kInvalidArgument);
  const auto fails = [](sqlite3* db) -> absl::StatusOr<std::string> {
    testing::Sql(db, "INSERT INTO payment VALUES('1', 1)");
    return absl::InternalError("no");
  };
  EXPECT_EQ(store_->CheckpointInTransaction(ClaimOf("k", token), fails).code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(Ask(Claim("k", 1)).body, nullptr);
}

}  // namespace
}  // namespace holdfast
