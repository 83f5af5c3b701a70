// SPDX-License-Identifier: Apache-2.0
// RunOnce with its work inside the store's transaction.
#include <gtest/gtest.h>
#include <holdfast/sqlite/run_once.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "store/fault_vfs.h"
#include "store/sqlite_files.h"

namespace holdfast {
namespace {

using testing::Sql;

class SqliteRunOnce : public testing::SqliteTest {
 protected:
  SqliteRunOnce() { OpenStore(); }

  template <class Fn>
  absl::StatusOr<RunOnceResult> Run(std::string_view key, Fn&& fn, uint32_t max_body = 0) {
    return sqlite::RunOnceJoined(*store_, {.operation = "pay", .key = key},
                                 {.request = "10 EUR", .max_body = max_body, .report = &report_},
                                 std::forward<Fn>(fn));
  }
  static absl::StatusOr<std::string> PayIn(sqlite3* db) {
    Sql(db, "INSERT INTO payment VALUES('p', 10)");
    return std::string("receipt");
  }

  static StoreRequest ReadOf(std::string_view key) {
    StoreRequest request = testing::Read(key);
    const hf_str none{}, operation{"pay", 3}, bytes{key.data(), key.size()};
    hf_idem_key_id(&none, &none, &operation, &bytes, request.key_id);
    return request;
  }
  using SqliteTest::Ask;

  RunOnceReport report_;
  int paid_ = 0;
};

TEST_F(SqliteRunOnce, RunsOnceAndReplaysToTheDuplicate) {
  uint64_t token = 0;
  const auto first = Run("k", [&](Ticket& ticket, sqlite3* db) {
    token = ticket.token();
    return PayIn(db);
  });
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->body, "receipt");
  EXPECT_FALSE(first->replayed);
  EXPECT_TRUE(report_.ran);
  EXPECT_NE(token, 0u);
  const auto second = Run("k", [&](Ticket&, sqlite3* db) { return PayIn(db); });
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->replayed);
  EXPECT_EQ(second->body, "receipt");
  EXPECT_EQ(second->token, token);
  EXPECT_EQ(Payments(), "1");
}

TEST_F(SqliteRunOnce, AmbiguousErrorIsRolledBackAndMayRunAgain) {
  const auto failed = Run("k", [&](Ticket&, sqlite3* db) -> absl::StatusOr<std::string> {
    (void)PayIn(db);
    return absl::UnknownError("who knows");
  });
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(Payments(), "0");
  const auto again = Run("k", [&](Ticket&, sqlite3* db) { return PayIn(db); });
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->attempt, 2u);
  EXPECT_EQ(Payments(), "1");
}

TEST_F(SqliteRunOnce, FinalErrorIsReplayedAndItsRowsAreGone) {
  const auto refuse = [&](Ticket&, sqlite3* db) -> absl::StatusOr<std::string> {
    (void)PayIn(db);
    return absl::InvalidArgumentError("no such account");
  };
  EXPECT_EQ(Run("k", refuse).status().code(), absl::StatusCode::kInvalidArgument);
  const auto second = Run("k", [&](Ticket&, sqlite3* db) { return PayIn(db); });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(second.status().message(), "no such account");
  EXPECT_EQ(Payments(), "0");
}

TEST_F(SqliteRunOnce, ExceptionRollsBackAndTheKeyMayRunAgain) {
  const auto throws = [&](Ticket&, sqlite3* db) -> absl::StatusOr<std::string> {
    (void)PayIn(db);
    throw std::runtime_error("boom");
  };
  EXPECT_THROW((void)Run("k", throws), std::runtime_error);
  EXPECT_EQ(Payments(), "0");
  EXPECT_TRUE(Run("k", [&](Ticket&, sqlite3* db) { return PayIn(db); }).ok());
  EXPECT_EQ(Payments(), "1");
}

TEST_F(SqliteRunOnce, OversizeResultIsWholeHereAndADigestLater) {
  const std::string large(1000, 'x');
  const auto work = [&](Ticket&, sqlite3*) { return absl::StatusOr<std::string>(large); };
  const auto first = Run("k", work, 100);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->body, large);
  EXPECT_TRUE(first->truncated);
  const auto second = Run("k", work, 100);
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->truncated);
  EXPECT_EQ(second->body.size(), 32u);
}

TEST_F(SqliteRunOnce, MissingKeyAndMissingFingerprintAreRefusedBeforeAnything) {
  EXPECT_EQ(RejectionOf(Run("", [](Ticket&, sqlite3* db) { return PayIn(db); }).status())->reason,
            HF_R_KEY_MISSING);
  const auto bare = sqlite::RunOnceJoined(*store_, {.key = "k"}, {},
                                          [](Ticket&, sqlite3* db) { return PayIn(db); });
  EXPECT_EQ(RejectionOf(bare.status())->reason, HF_R_FINGERPRINT_MISSING);
  EXPECT_EQ(Payments(), "0");
}

// A failed sync is read back by the store itself: the caller is told what is true.
TEST_F(SqliteRunOnce, FailedSyncEndsAsWhatTheReplayedFileSays) {
  testing::FaultVfs vfs;
  sqlite::Options options = Options();
  options.vfs = vfs.name();
  options.path = folder_ / "faulty.db";
  OpenStore(options);
  for (int sync = 1; sync <= 4; ++sync) {
    const std::string key = "k" + std::to_string(sync);
    vfs.Inject(testing::Fault::kSyncError, sync);
    const auto result = Run(key, [&](Ticket&, sqlite3* db) { return PayIn(db); });
    vfs.Heal();
    const StoreReply found = Ask(ReadOf(key));
    EXPECT_EQ(result.ok(), found.raw.state == HF_RECORD_COMPLETED) << sync << result.status();
    EXPECT_EQ(Payments(), std::to_string(paid_ += result.ok() ? 1 : 0));
  }
  store_.reset();  // before its disk
}

// The first owner died between its step and its end: the next one goes on behind the step.
TEST_F(SqliteRunOnce, StepJoinedToItsCheckpointIsNotRepeatedAfterATakeover) {
  StoreRequest claim = testing::Claim("k", 1, HF_ON_EXPIRY_TAKEOVER);
  const StoreRequest read = ReadOf("k");
  std::memcpy(claim.key_id, read.key_id, sizeof(claim.key_id));
  std::memset(claim.fingerprint, 0, sizeof(claim.fingerprint));
  sqlite::JoinedClaim joined;
  std::memcpy(joined.key_id, read.key_id, sizeof(joined.key_id));
  joined.token = Ask(claim).raw.token;
  ASSERT_TRUE(store_->CheckpointInTransaction(joined, Pay("p", "paid")).ok());
  clock_.Advance(testing::kLease);
  const auto result = Run("k", [&](Ticket& ticket, sqlite3* db) -> absl::StatusOr<std::string> {
    EXPECT_EQ(ticket.checkpoint(), "paid");
    return ticket.checkpoint() == "paid" ? absl::StatusOr<std::string>("receipt") : PayIn(db);
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(report_.attempt, 2u);
  EXPECT_EQ(Payments(), "1");
}

}  // namespace
}  // namespace holdfast
