// SPDX-License-Identifier: Apache-2.0
// Work that joins its record: rows and record are in one commit, or neither is.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "store/sqlite_files.h"

namespace holdfast {
namespace {

using sqlite::JoinedReply;
using testing::Claim;
using testing::Sql;

class SqliteJoined : public testing::SqliteTest {
 protected:
  SqliteJoined() { OpenStore(); }
  using SqliteTest::Ask;
};

TEST_F(SqliteJoined, RowsAndRecordAreCommittedTogether) {
  const uint64_t token = Win("k");
  const auto paid = store_->InTransaction(ClaimOf("k", token), Pay("p1", "receipt 1"));
  ASSERT_TRUE(paid.ok()) << paid.status();
  EXPECT_EQ(*paid, "receipt 1");
  OpenStore();
  EXPECT_EQ(Payments(), "1");
  const StoreReply replay = Ask(Claim("k", 2));
  ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*replay.body, "receipt 1");
  EXPECT_EQ(store_->stats().commits, 0u);
}

TEST_F(SqliteJoined, Scenario6FencedZombieLeavesNoRows) {
  const uint64_t old_token = Win("k", 1, HF_ON_EXPIRY_TAKEOVER);
  clock_.Advance(testing::kLease);
  const uint64_t token = Win("k", 2, HF_ON_EXPIRY_TAKEOVER);
  const auto zombie = store_->InTransaction(ClaimOf("k", old_token), Pay("zombie"));
  EXPECT_EQ(zombie.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(RejectionOf(zombie.status())->reason, HF_R_IDEM_FENCED);
  EXPECT_EQ(Payments(), "0");
  EXPECT_TRUE(store_->InTransaction(ClaimOf("k", token), Pay("successor")).ok());
  EXPECT_EQ(Ask(std::string("SELECT id FROM payment")), "successor");
}

TEST_F(SqliteJoined, SecondCompletionOfOneClaimDoesNotRun) {
  const uint64_t token = Win("k");
  ASSERT_TRUE(store_->InTransaction(ClaimOf("k", token), Pay("p1")).ok());
  const JoinedReply again = store_->RunJoined(ClaimOf("k", token), Pay("p2"));
  EXPECT_EQ(again.store.raw.status, HF_STORE_ALREADY);
  EXPECT_EQ(Payments(), "1");
}

TEST_F(SqliteJoined, RefusalRollsBackAndLeavesTheClaim) {
  const uint64_t token = Win("k");
  const auto refused = store_->InTransaction(ClaimOf("k", token), [](sqlite3* db) {
    Sql(db, "INSERT INTO payment VALUES('gone', 1)");
    return absl::FailedPreconditionError("no funds");
  });
  EXPECT_EQ(refused.status(), absl::FailedPreconditionError("no funds"));
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_BUSY);
  EXPECT_TRUE(store_->InTransaction(ClaimOf("k", token), Pay("p1")).ok());
}

TEST_F(SqliteJoined, ExceptionRollsBackAndReachesTheCaller) {
  const uint64_t token = Win("k");
  const sqlite::Work work = [](sqlite3* db) -> absl::StatusOr<std::string> {
    Sql(db, "INSERT INTO payment VALUES('gone', 1)");
    throw std::runtime_error("boom");
  };
  EXPECT_THROW(store_->RunJoined(ClaimOf("k", token), work), std::runtime_error);
  EXPECT_EQ(Payments(), "0");
  EXPECT_TRUE(store_->InTransaction(ClaimOf("k", token), Pay("p1")).ok());
}

TEST_F(SqliteJoined, WorkCannotEndTheTransactionOrReachBeyondIt) {
  const uint64_t token = Win("k");
  std::vector<std::string> said;
  const auto paid = store_->InTransaction(ClaimOf("k", token), [&](sqlite3* db) {
    Sql(db, "INSERT INTO payment VALUES('p1', 1)");
    for (const char* sql :
         {"COMMIT", "ROLLBACK", "BEGIN", "ATTACH ':memory:' AS other", "PRAGMA synchronous=OFF",
          "PRAGMA journal_mode=DELETE", "UPDATE holdfast_record SET state=2",
          "DELETE FROM holdfast_record", "DROP TABLE holdfast_record",
          "UPDATE holdfast_meta SET value=0", "ROLLBACK TO holdfast_work", "RELEASE holdfast_work",
          "CREATE TEMP TRIGGER t AFTER INSERT ON holdfast_record BEGIN SELECT 1; END"}) {
      said.push_back(Sql(db, sql));
    }
    return absl::StatusOr<std::string>("ok");
  });
  ASSERT_TRUE(paid.ok()) << paid.status();
  for (const std::string& answer : said) EXPECT_EQ(answer, "error: not authorized");
  EXPECT_EQ(Payments(), "1");
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_REPLAY);
}

// The authorizer is only set on the connection: a user can take it off. The commit is refused all the same.
TEST_F(SqliteJoined, CommitBehindTheAuthorizersBackCommitsNothing) {
  const uint64_t token = Win("k");
  const JoinedReply reply = store_->RunJoined(ClaimOf("k", token), [](sqlite3* db) {
    sqlite3_set_authorizer(db, nullptr, nullptr);
    Sql(db, "INSERT INTO payment VALUES('gone', 1)");
    Sql(db, "COMMIT");
    Sql(db, "INSERT INTO payment VALUES('gone too', 1)");
    return absl::StatusOr<std::string>("ok");
  });
  EXPECT_EQ(reply.store.raw.status, HF_STORE_UNAVAILABLE) << reply.store.detail;
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_BUSY);
}

TEST_F(SqliteJoined, SavepointsOfTheWorkAreItsOwn) {
  const uint64_t token = Win("k");
  const auto paid = store_->InTransaction(ClaimOf("k", token), [](sqlite3* db) {
    Sql(db,
        "SAVEPOINT mine; INSERT INTO payment VALUES('no', 1); ROLLBACK TO mine;"
        "INSERT INTO payment VALUES('yes', 1)");  // and left open
    return absl::StatusOr<std::string>("ok");
  });
  ASSERT_TRUE(paid.ok()) << paid.status();
  EXPECT_EQ(Ask(std::string("SELECT group_concat(id) FROM payment")), "yes");
}

TEST_F(SqliteJoined, StatementLeftRunningHoldsNothingUp) {
  const uint64_t token = Win("k");
  const auto paid = store_->InTransaction(ClaimOf("k", token), [](sqlite3* db) {
    Sql(db, "INSERT INTO payment VALUES('p1', 1), ('p2', 1)");
    sqlite3_stmt* leaked = nullptr;
    sqlite3_prepare_v2(db, "SELECT id FROM payment", -1, &leaked, nullptr);
    sqlite3_step(leaked);
    return absl::StatusOr<std::string>("ok");
  });
  ASSERT_TRUE(paid.ok()) << paid.status();
  OpenStore();  // closes, which a running statement would prevent
  EXPECT_EQ(Payments(), "2");
}

TEST_F(SqliteJoined, DeferredForeignKeyFailsItsOwnWorkOnly) {
  sqlite::Options options = Options();
  options.foreign_keys = true;
  options.init_sql =
      "CREATE TABLE IF NOT EXISTS account(id INTEGER PRIMARY KEY);"
      "CREATE TABLE IF NOT EXISTS payment(id TEXT, amount INTEGER,"
      " account INTEGER REFERENCES account(id) DEFERRABLE INITIALLY DEFERRED);";
  options.path = folder_ / "keys.db";
  OpenStore(options);
  const auto refused = store_->InTransaction(ClaimOf("k", Win("k")), [](sqlite3* db) {
    Sql(db, "INSERT INTO payment VALUES('p1', 1, 77)");
    return absl::StatusOr<std::string>("ok");
  });
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_BUSY);
}

TEST_F(SqliteJoined, StoreIsNotUsedFromInsideItsOwnWork) {
  const uint64_t token = Win("k");
  hf_store_status inner = 0;
  const auto paid = store_->InTransaction(ClaimOf("k", token), [&](sqlite3*) {
    inner = StatusOf(Claim("other", 1));
    return absl::StatusOr<std::string>("ok");
  });
  EXPECT_TRUE(paid.ok());
  EXPECT_EQ(inner, HF_STORE_UNAVAILABLE);
  EXPECT_EQ(StatusOf(testing::Read("other")), HF_STORE_ABSENT);
}

TEST_F(SqliteJoined, OversizeResultIsKeptAsItsDigest) {
  sqlite::JoinedClaim claim = ClaimOf("k", Win("k"));
  claim.max_body = 100;
  const std::string large(101, 'x');
  const JoinedReply reply = store_->RunJoined(claim, Pay("p1", large));
  ASSERT_EQ(reply.store.raw.status, HF_STORE_OK);
  EXPECT_EQ(reply.body, large);
  EXPECT_TRUE(reply.truncated);
  const StoreReply replay = Ask(Claim("k", 2));
  EXPECT_EQ(replay.raw.truncated, 1u);
  EXPECT_EQ(replay.body->size(), 32u);
}

TEST_F(SqliteJoined, ScriptsSeeWhatTheyMay) {
  EXPECT_TRUE(store_
                  ->Setup([](sqlite3* db) {
                    return Sql(db, "CREATE TABLE extra(x)") == "none" ? absl::OkStatus()
                                                                      : absl::InternalError("no");
                  })
                  .ok());
  EXPECT_EQ(Ask(std::string("INSERT INTO extra VALUES(1)")), "error: not authorized");
  EXPECT_EQ(Ask(std::string("SELECT count(*) FROM extra")), "0");
  EXPECT_EQ(store_->Setup([](sqlite3* db) {
    Sql(db, "DROP TABLE extra");
    return absl::AbortedError("changed my mind");
  }),
            absl::AbortedError("changed my mind"));
  EXPECT_EQ(Ask(std::string("SELECT count(*) FROM extra")), "0");
}

// Holds the writer inside a script until told: what is queued meanwhile shares one transaction.
class HeldWriter {
 public:
  explicit HeldWriter(sqlite::Store* store)
      : thread_([this, store] {
          (void)store->Read([this](sqlite3*) {
            std::unique_lock lock(mutex_);
            held_ = true;
            changed_.notify_all();
            changed_.wait(lock, [this] { return free_; });
            return absl::OkStatus();
          });
        }) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_; });
  }
  ~HeldWriter() {
    Free();
    thread_.join();
  }
  void Free() {
    const std::lock_guard lock(mutex_);
    free_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  bool free_ = false;
  std::thread thread_;
};

TEST_F(SqliteJoined, ManyWorksShareOneCommitAndFailAlone) {
  constexpr int kWorks = 12;
  std::vector<uint64_t> tokens;
  for (int i = 0; i < kWorks; ++i) tokens.push_back(Win("k" + std::to_string(i)));
  std::atomic<int> ran{0};
  std::vector<absl::Status> ends(kWorks);
  HeldWriter held(store_.get());
  std::vector<std::thread> threads;
  for (int i = 0; i < kWorks; ++i) {
    threads.emplace_back([&, i] {
      const sqlite::Work pay = Pay("p" + std::to_string(i));
      ends[i] = store_
                    ->InTransaction(ClaimOf("k" + std::to_string(i), tokens[i]),
                                    [&](sqlite3* db) -> absl::StatusOr<std::string> {
                                      ++ran;
                                      auto paid = pay(db);
                                      if (i % 3 == 0) return absl::AbortedError("not this one");
                                      return paid;
                                    })
                    .status();
    });
  }
  held.Free();
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kWorks; ++i) EXPECT_EQ(ends[i].ok(), i % 3 != 0) << i << ends[i];
  EXPECT_EQ(ran, kWorks);
  EXPECT_EQ(Payments(), "8");
  EXPECT_EQ(store_->stats().joined, 8u);
  for (int i = 0; i < kWorks; ++i) {
    EXPECT_EQ(StatusOf(Claim("k" + std::to_string(i), 2)),
              i % 3 == 0 ? HF_STORE_BUSY : HF_STORE_REPLAY);
  }
}

TEST_F(SqliteJoined, ThirtyTwoThreadsNeedFarFewerCommitsThanRequests) {
  constexpr int kThreads = 32, kEach = 20;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  {
    HeldWriter held(store_.get());
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const std::string key = std::to_string(t) + "/" + std::to_string(i);
          const StoreReply won = store_->Execute(Claim(key, 1), Duration{0});
          if (won.raw.status != HF_STORE_WON) ++wrong;
          const auto paid = store_->InTransaction(ClaimOf(key, won.raw.token), Pay(key));
          if (!paid.ok()) ++wrong;
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(Payments(), std::to_string(kThreads * kEach));
  const sqlite::Stats stats = store_->stats();
  EXPECT_EQ(stats.requests, uint64_t{2 * kThreads * kEach});
  EXPECT_LT(stats.commits, stats.requests / 2);
  EXPECT_GT(stats.largest_batch, 1u);
}

TEST_F(SqliteJoined, RequestWhoseTimeEndsInTheQueueDidNothing) {
  const uint64_t token = Win("k");
  HeldWriter held(store_.get());
  bool ran = false;
  const JoinedReply late = store_->RunJoined(
      ClaimOf("k", token),
      [&](sqlite3*) {
        ran = true;
        return absl::StatusOr<std::string>("late");
      },
      std::chrono::milliseconds(1));
  EXPECT_EQ(late.store.raw.status, HF_STORE_UNAVAILABLE);
  const StoreReply claim = store_->Execute(Claim("j", 1), std::chrono::nanoseconds(1));
  EXPECT_EQ(claim.raw.status, HF_STORE_UNAVAILABLE);
  held.Free();
  EXPECT_EQ(StatusOf(testing::Read("j")), HF_STORE_ABSENT);
  EXPECT_FALSE(ran);
}

// The claim has run, and its commit waits behind slow work: that it will not be there cannot be promised.
TEST_F(SqliteJoined, RequestWhoseTimeEndsInTheBatchIsIndeterminate) {
  sqlite::Options options = Options();
  options.settle_timeout = std::chrono::milliseconds(1);
  OpenStore(options);
  const uint64_t token = Win("k");
  std::atomic<bool> given_up{false};
  StoreReply claim;
  std::thread asking, working;
  {
    HeldWriter held(store_.get());
    asking = std::thread([&] {
      claim = store_->Execute(Claim("j", 1), std::chrono::seconds(1));
      given_up = true;
    });
    while (store_->stats().waiting < 1) std::this_thread::yield();
    working = std::thread([&] {
      (void)store_->RunJoined(ClaimOf("k", token), [&](sqlite3*) {
        while (!given_up) std::this_thread::yield();
        return absl::StatusOr<std::string>("slow");
      });
    });
    while (store_->stats().waiting < 2) std::this_thread::yield();
  }
  asking.join();
  working.join();
  EXPECT_EQ(claim.raw.status, HF_STORE_INDETERMINATE);
  EXPECT_EQ(StatusOf(Claim("j", 1)), HF_STORE_WON);  // read back under the same nonce
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_REPLAY);
}

TEST_F(SqliteJoined, DestructorAnswersAllThatWasAccepted) {
  constexpr int kThreads = 16;
  std::vector<std::thread> threads;
  std::atomic<int> won{0};
  std::thread closing;
  {
    HeldWriter held(store_.get());
    sqlite::Store* const store = store_.get();
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&won, store, t] {
        const auto reply = store->Execute(Claim(std::to_string(t), 1), Duration{0});
        won += reply.raw.status == HF_STORE_WON ? 1 : 0;
      });
    }
    while (store->stats().waiting < kThreads) std::this_thread::yield();
    closing = std::thread([this] { store_.reset(); });
  }
  closing.join();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, kThreads);
  OpenStore();
  EXPECT_EQ(Ask(std::string("SELECT count(*) FROM holdfast_record")), "16");
}

}  // namespace
}  // namespace holdfast
