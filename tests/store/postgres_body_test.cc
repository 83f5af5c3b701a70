// SPDX-License-Identifier: Apache-2.0
// Large results: kept apart in partitions by day of expiry, which are dropped whole once nobody needs them.
#include <gtest/gtest.h>
#include <holdfast/postgres/store.h>
#include <holdfast/postgres/transaction.h>

#include <string>
#include <vector>

#include "store/postgres_store.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;

constexpr hf_duration kDay = 24 * 3600 * HF_S;

class PostgresBody : public testing::PostgresTest {
 protected:
  void SetUp() override { OpenStore(); }

  void Store(const std::string& key, const std::string& body, hf_duration ttl = testing::kTtl) {
    StoreRequest complete = Complete(key, Win(key), body);
    complete.ttl = ttl;
    const StoreReply reply = Ask(complete);
    ASSERT_EQ(reply.raw.status, HF_STORE_OK) << reply.detail;
  }
  std::string Partitions() {
    return Sql("SELECT count(*) FROM pg_inherits WHERE inhparent='$S.body'::regclass");
  }
  std::string Bodies() { return Sql("SELECT count(*) FROM $S.body"); }
};

TEST_F(PostgresBody, EverySizeIsReplayedAndOnlyLargeOnesGoAway) {
  const std::vector<size_t> sizes = {0, 1, 1024, 1025, 65536, 8u << 20};
  for (const size_t size : sizes) Store(std::to_string(size), std::string(size, 'b'));
  EXPECT_EQ(Bodies(), "3");
  EXPECT_EQ(Sql("SELECT count(*) FROM $S.record WHERE body IS NULL AND away"), "3");
  OpenStore();
  for (const size_t size : sizes) {
    const StoreReply replay = Ask(Claim(std::to_string(size), 2));
    ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY) << size << replay.detail;
    EXPECT_TRUE(*replay.body == std::string(size, 'b')) << size;
  }
}

TEST_F(PostgresBody, PartitionIsDroppedWholeOnceItsRecordsAreGone) {
  const std::string body(5000, 'b');
  Store("soon", body, testing::kTtl);
  Store("late", body, 3 * kDay);
  const int before = std::stoi(Partitions());
  EXPECT_GE(before, 2);
  ASSERT_TRUE(store_->Purge(100, Duration{0}).ok());
  EXPECT_EQ(std::stoi(Partitions()), before);
  clock_.Advance(2 * kDay);
  EXPECT_EQ(store_->Purge(100, Duration{0}).value(), 1u);
  EXPECT_LT(std::stoi(Partitions()), before);
  EXPECT_GT(store_->stats().dropped, 0u);
  EXPECT_EQ(*Ask(Claim("late", 2)).body, body);
  clock_.Advance(5 * kDay);
  EXPECT_EQ(store_->Purge(100, Duration{0}).value(), 1u);
  EXPECT_EQ(Partitions(), "0");
  Store("anew", body);
  EXPECT_EQ(*Ask(Claim("anew", 2)).body, body);
}

TEST_F(PostgresBody, PartitionOfARecordThatWasNotSweptStays) {
  Store("k", std::string(5000, 'b'));
  clock_.Advance(30 * kDay);
  // Past its time, but somebody holds the row: the sweep skips it, and its body with it.
  testing::PgClient holder(server().Url());
  holder.Sql("BEGIN");
  holder.Sql("SELECT FROM " + schema_ + ".record FOR UPDATE");
  EXPECT_EQ(store_->Purge(100, Duration{0}).value(), 0u);
  EXPECT_EQ(Bodies(), "1");
  holder.Sql("COMMIT");
  EXPECT_EQ(store_->Purge(100, Duration{0}).value(), 1u);
  EXPECT_EQ(Partitions(), "0");
}

TEST_F(PostgresBody, LostPartitionIsCorruptAndNotAnEmptyResult) {
  Store("k", std::string(5000, 'b'));
  Sql("DELETE FROM $S.body");
  const StoreReply reply = Ask(Claim("k", 2));
  EXPECT_EQ(reply.raw.status, HF_STORE_CORRUPT);
  KeyId id;
  std::copy_n(testing::Read("k").key_id, id.size(), id.begin());
  EXPECT_TRUE(store_->Find(id, Duration{0})->damaged);
  const ScanPage page = store_->Scan({.limit = 10, .bodies = true}, Duration{0}).value();
  ASSERT_EQ(page.records.size(), 1u);
  EXPECT_TRUE(page.records[0].damaged);
}

TEST_F(PostgresBody, LostPartitionIsCorruptInsideATransaction) {
  postgres::Options options = Options();
  options.clock = {};  // Inline goes by the server's
  OpenStore(options);
  Store("k", std::string(5000, 'b'));
  Sql("DELETE FROM $S.body");
  testing::PgClient client(server().Url());
  client.Sql("BEGIN");
  postgres::InlineClaim claim;
  std::copy_n(testing::Read("k").key_id, sizeof(claim.key_id), claim.key_id);
  claim.schema = schema_;
  const StoreReply reply = postgres::Inline(client.raw(), claim).value();
  EXPECT_EQ(reply.raw.status, HF_STORE_CORRUPT);
  EXPECT_EQ(reply.body, nullptr);
}

TEST_F(PostgresBody, ReleaseAndExpiryLetGoOfABody) {
  const std::string body(5000, 'b');
  Store("released", body);
  ASSERT_EQ(StatusOf(testing::Release("released", HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  const StoreReply won = Ask(Claim("released", 2));
  EXPECT_EQ(won.raw.status, HF_STORE_WON);
  EXPECT_TRUE(won.body == nullptr || won.body->empty());
  Store("expired", body);
  clock_.Advance(testing::kTtl);
  EXPECT_EQ(StatusOf(Claim("expired", 2)), HF_STORE_WON);
  EXPECT_EQ(Sql("SELECT count(*) FROM $S.record WHERE away"), "0");
}

TEST_F(PostgresBody, LifeBeyondAllPartitionsStaysWithItsRecord) {
  const std::string body(5000, 'b');
  Store("years", body, int64_t{10} * 365 * kDay);
  EXPECT_EQ(Bodies(), "0");
  EXPECT_EQ(*Ask(Claim("years", 2)).body, body);
}

TEST_F(PostgresBody, LargeResultsOfABatchAreKeptEach) {
  std::vector<std::string> bodies;
  std::vector<StoreRequest> completes;
  for (int i = 0; i < 20; ++i) bodies.push_back(std::string(static_cast<size_t>(i) * 300, 'b'));
  for (int i = 0; i < 20; ++i) {
    const std::string key = "k" + std::to_string(i);
    completes.push_back(Complete(key, Win(key), bodies[static_cast<size_t>(i)]));
  }
  for (const StoreReply& reply : store_->ExecuteMany(completes, Duration{0})) {
    EXPECT_EQ(reply.raw.status, HF_STORE_OK) << reply.detail;
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(*Ask(Claim("k" + std::to_string(i), 2)).body, bodies[static_cast<size_t>(i)]);
  }
}

}  // namespace
}  // namespace holdfast
