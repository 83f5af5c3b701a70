// SPDX-License-Identifier: Apache-2.0
// Records that join the caller's own transaction.
#include <gtest/gtest.h>
#include <holdfast/postgres/transaction.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>

#include "store/postgres_store.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::PgClient;
using testing::Read;

class PostgresTransaction : public testing::PostgresTest {
 protected:
  void SetUp() override {
    OpenStore();
    Sql("CREATE TABLE $S.payment(id text, amount bigint)");
  }

  postgres::JoinedClaim Of(std::string_view key, uint64_t token) {
    postgres::JoinedClaim claim;
    std::memcpy(claim.key_id, Read(key).key_id, sizeof(claim.key_id));
    claim.token = token;
    claim.schema = schema_;
    return claim;
  }
  postgres::InlineClaim InlineOf(std::string_view key) {
    postgres::InlineClaim claim;
    std::memcpy(claim.key_id, Read(key).key_id, sizeof(claim.key_id));
    hf_idem_fingerprint("request", 7, claim.fingerprint);
    claim.schema = schema_;
    return claim;
  }
  void Pay(PgClient& client, const std::string& id) {
    EXPECT_EQ(client.Sql("INSERT INTO " + schema_ + ".payment VALUES('" + id + "', 1)"), "");
  }
  std::string Payments() { return Sql("SELECT count(*) FROM $S.payment"); }
  static absl::StatusCode CodeOf(const absl::Status& status) { return status.code(); }
  static bool IsFenced(const absl::Status& status) {
    const auto rejection = RejectionOf(status);
    return status.code() == absl::StatusCode::kAborted && rejection.has_value() &&
           rejection->reason == HF_R_IDEM_FENCED;
  }

  PgClient client_{server().Url()};
  PgClient other_{server().Url()};
};

TEST_F(PostgresTransaction, CompletionCommitsWithTheWork) {
  const uint64_t token = Win("k");
  client_.Sql("BEGIN");
  Pay(client_, "k");
  ASSERT_EQ(postgres::CompleteIn(client_.raw(), Of("k", token), "paid"), absl::OkStatus());
  EXPECT_EQ(StatusOf(Read("k")), HF_STORE_BUSY);  // nobody sees it yet
  ASSERT_EQ(postgres::Commit(client_.raw()), absl::OkStatus());
  EXPECT_EQ(Payments(), "1");
  const StoreReply replay = Ask(Claim("k", 2));
  ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*replay.body, "paid");
}

TEST_F(PostgresTransaction, CompletionRollsBackWithTheWork) {
  const uint64_t token = Win("k");
  client_.Sql("BEGIN");
  Pay(client_, "k");
  ASSERT_EQ(postgres::CompleteIn(client_.raw(), Of("k", token), "paid"), absl::OkStatus());
  client_.Sql("ROLLBACK");
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(StatusOf(Read("k")), HF_STORE_BUSY);
  EXPECT_EQ(StatusOf(testing::Complete("k", token, "later")), HF_STORE_OK);
}

TEST_F(PostgresTransaction, RowsOfWhoLostTheClaimCannotBeCommitted) {
  const uint64_t old_token = Win("k", 1, HF_ON_EXPIRY_TAKEOVER);
  client_.Sql("BEGIN");
  Pay(client_, "zombie");
  clock_.Advance(testing::kLease);
  const uint64_t new_token = Win("k", 2, HF_ON_EXPIRY_TAKEOVER);
  ASSERT_GT(new_token, old_token);
  EXPECT_TRUE(IsFenced(postgres::CompleteIn(client_.raw(), Of("k", old_token), "zombie")));
  // A caller that does not look: its COMMIT is a ROLLBACK all the same.
  EXPECT_EQ(client_.Sql("COMMIT"), "");
  other_.Sql("BEGIN");
  Pay(other_, "owner");
  ASSERT_EQ(postgres::CompleteIn(other_.raw(), Of("k", new_token), "owner"), absl::OkStatus());
  ASSERT_EQ(postgres::Commit(other_.raw()), absl::OkStatus());
  EXPECT_EQ(Sql("SELECT string_agg(id, ',') FROM $S.payment"), "owner");
  EXPECT_EQ(*Ask(Claim("k", 3)).body, "owner");
}

TEST_F(PostgresTransaction, SecondCompletionCannotCommitItsRowsAgain) {
  const uint64_t token = Win("k");
  for (const bool first : {true, false}) {
    client_.Sql("BEGIN");
    Pay(client_, "k");
    const absl::Status status = postgres::CompleteIn(client_.raw(), Of("k", token), "paid");
    EXPECT_EQ(status.ok(), first);
    EXPECT_EQ(postgres::Commit(client_.raw()).ok(), first);
  }
  EXPECT_EQ(Payments(), "1");
}

TEST_F(PostgresTransaction, NothingHappensOutsideATransaction) {
  const uint64_t token = Win("k");
  EXPECT_EQ(CodeOf(postgres::CompleteIn(client_.raw(), Of("k", token), "x")),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf(postgres::Inline(client_.raw(), InlineOf("other")).status()),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf(postgres::CompleteIn(nullptr, Of("k", token), "x")),
            absl::StatusCode::kInvalidArgument);
  client_.Sql("BEGIN");
  postgres::JoinedClaim hostile = Of("k", token);
  hostile.schema = "x\".record; DROP TABLE y; --";
  EXPECT_EQ(CodeOf(postgres::CompleteIn(client_.raw(), hostile, "x")),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_.Sql("SELECT 1/0"), "error: 22012");
  EXPECT_EQ(CodeOf(postgres::CompleteIn(client_.raw(), Of("k", token), "x")),
            absl::StatusCode::kAborted);
  EXPECT_EQ(StatusOf(Read("k")), HF_STORE_BUSY);
}

TEST_F(PostgresTransaction, LargeResultIsStoredAsItsDigestAboveItsLimit) {
  const std::string body(100000, 'b');
  client_.Sql("BEGIN");
  postgres::JoinedClaim whole = Of("whole", Win("whole"));
  whole.max_body = 100000;
  ASSERT_EQ(postgres::CompleteIn(client_.raw(), whole, body), absl::OkStatus());
  ASSERT_EQ(postgres::CompleteIn(client_.raw(), Of("cut", Win("cut")), body), absl::OkStatus());
  ASSERT_EQ(postgres::Commit(client_.raw()), absl::OkStatus());
  EXPECT_EQ(*Ask(Claim("whole", 2)).body, body);
  const StoreReply cut = Ask(Claim("cut", 2));
  EXPECT_EQ(cut.raw.truncated, HF_BODY_DIGEST);
  EXPECT_EQ(cut.body->size(), 32u);
}

TEST_F(PostgresTransaction, InlineDuplicateWaitsForTheCommitAndGetsTheResult) {
  client_.Sql("BEGIN");
  const StoreReply won = postgres::Inline(client_.raw(), InlineOf("k")).value();
  ASSERT_EQ(won.raw.status, HF_STORE_WON);
  Pay(client_, "k");
  std::atomic<bool> answered = false;
  std::thread duplicate([&] {
    other_.Sql("BEGIN");
    postgres::InlineClaim claim = InlineOf("k");
    claim.lock_timeout = Duration::max();
    const StoreReply reply = postgres::Inline(other_.raw(), claim).value();
    answered = true;
    EXPECT_EQ(reply.raw.status, HF_STORE_REPLAY);
    EXPECT_EQ(reply.body == nullptr ? "none" : *reply.body, "first");
    other_.Sql("COMMIT");
  });
  EXPECT_TRUE(testing::Eventually(
      [&] { return Sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1"; }));
  EXPECT_FALSE(answered);
  EXPECT_EQ(postgres::CompleteIn(client_.raw(), Of("k", won.raw.token), "first"), absl::OkStatus());
  EXPECT_EQ(postgres::Commit(client_.raw()), absl::OkStatus());
  duplicate.join();
  EXPECT_EQ(Payments(), "1");
}

TEST_F(PostgresTransaction, InlineDuplicateWinsAfterARollback) {
  client_.Sql("BEGIN");
  ASSERT_EQ(postgres::Inline(client_.raw(), InlineOf("k")).value().raw.status, HF_STORE_WON);
  std::thread duplicate([&] {
    other_.Sql("BEGIN");
    postgres::InlineClaim claim = InlineOf("k");
    claim.lock_timeout = std::chrono::seconds(20);
    EXPECT_EQ(postgres::Inline(other_.raw(), claim).value().raw.status, HF_STORE_WON);
    other_.Sql("COMMIT");
  });
  EXPECT_TRUE(testing::Eventually(
      [&] { return Sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1"; }));
  client_.Sql("ROLLBACK");
  duplicate.join();
  // Committed without a completion, it is a claim like any other.
  EXPECT_EQ(StatusOf(Claim("k", 3)), HF_STORE_BUSY);
}

TEST_F(PostgresTransaction, InlineWaitThatIsTooLongIsBusyAndTheTransactionGoesOn) {
  client_.Sql("BEGIN");
  ASSERT_EQ(postgres::Inline(client_.raw(), InlineOf("k")).value().raw.status, HF_STORE_WON);
  other_.Sql("SET lock_timeout='7s'");
  other_.Sql("BEGIN");
  Pay(other_, "before");
  postgres::InlineClaim claim = InlineOf("k");
  claim.lock_timeout = std::chrono::milliseconds(20);
  const StoreReply busy = postgres::Inline(other_.raw(), claim).value();
  EXPECT_EQ(busy.raw.status, HF_STORE_BUSY);
  EXPECT_EQ(other_.Sql("SHOW lock_timeout"), "7s");
  EXPECT_EQ(postgres::Inline(other_.raw(), InlineOf("free")).value().raw.status, HF_STORE_WON);
  EXPECT_EQ(other_.Sql("SHOW lock_timeout"), "7s");
  EXPECT_EQ(postgres::Commit(other_.raw()), absl::OkStatus());
  EXPECT_EQ(Payments(), "1");
  client_.Sql("ROLLBACK");
}

TEST_F(PostgresTransaction, InlineMayWaitForAsLongAsItLikes) {
  client_.Sql("BEGIN");
  postgres::InlineClaim claim = InlineOf("k");
  claim.lock_timeout = std::chrono::hours(24 * 40);
  const auto won = postgres::Inline(client_.raw(), claim);
  ASSERT_TRUE(won.ok()) << won.status();
  EXPECT_EQ(won->raw.status, HF_STORE_WON);
}

TEST_F(PostgresTransaction, InlineCrashLeavesNothing) {
  client_.Sql("BEGIN");
  ASSERT_EQ(postgres::Inline(client_.raw(), InlineOf("k")).value().raw.status, HF_STORE_WON);
  Pay(client_, "k");
  other_.Sql("SELECT pg_terminate_backend(" + std::to_string(PQbackendPID(client_.raw())) + ")");
  EXPECT_EQ(client_.Sql("COMMIT").substr(0, 6), "error:");
  EXPECT_TRUE(testing::Eventually([&] { return StatusOf(Read("k")) == HF_STORE_ABSENT; }));
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_WON);
}

TEST_F(PostgresTransaction, InlineSaysWhatTheRecordSays) {
  const uint64_t token = Win("done");
  ASSERT_EQ(StatusOf(testing::Complete("done", token, "old")), HF_STORE_OK);
  Win("busy");
  clock_.Set(std::chrono::duration_cast<std::chrono::nanoseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
                 .count());
  const uint64_t fresh = Win("fresh");
  ASSERT_EQ(StatusOf(testing::Complete("fresh", fresh, "kept")), HF_STORE_OK);
  client_.Sql("BEGIN");
  // By the server's clock, which is years past the one those were written by.
  EXPECT_EQ(postgres::Inline(client_.raw(), InlineOf("done")).value().raw.status, HF_STORE_WON);
  EXPECT_EQ(postgres::Inline(client_.raw(), InlineOf("busy")).value().raw.status,
            HF_STORE_IN_DOUBT);
  const StoreReply replay = postgres::Inline(client_.raw(), InlineOf("fresh")).value();
  EXPECT_EQ(replay.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*replay.body, "kept");
  postgres::InlineClaim other = InlineOf("fresh");
  other.fingerprint[0] ^= 1;
  EXPECT_EQ(postgres::Inline(client_.raw(), other).value().raw.status, HF_STORE_MISMATCH);
  EXPECT_EQ(postgres::Commit(client_.raw()), absl::OkStatus());
}

TEST_F(PostgresTransaction, SnapshotOlderThanTheClaimIsSurfacedAsAborted) {
  client_.Sql("BEGIN ISOLATION LEVEL REPEATABLE READ");
  client_.Sql("SELECT 1");
  Win("k");
  const absl::Status status = postgres::Inline(client_.raw(), InlineOf("k")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
  EXPECT_FALSE(IsFenced(status));
  client_.Sql("ROLLBACK");
}

}  // namespace
}  // namespace holdfast
