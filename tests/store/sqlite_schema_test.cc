// SPDX-License-Identifier: Apache-2.0
// Whatever users' SQL and other hands do around holdfast's tables: the records are found where they were
// written, or the store says that something is wrong.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>
#include <sqlite3.h>

#include <string>

#include "store/sqlite_files.h"

namespace holdfast {
namespace {

using testing::Abandon;
using testing::Claim;
using testing::Complete;
using testing::Sql;

class SqliteSchema : public testing::SqliteTest {
 protected:
  std::string SqlOnClosedFile(const std::string& sql) {
    store_.reset();
    sqlite3* db = nullptr;
    sqlite3_open(path_.c_str(), &db);
    std::string answer = Sql(db, sql);
    sqlite3_close(db);
    return answer;
  }

  hf_reason ReasonOfOpening() {
    const auto opened = sqlite::Store::Open(Options());
    const auto rejection = RejectionOf(opened.status());
    return rejection.has_value() ? rejection->reason : HF_R_NONE;
  }
};

// The authorizer is not told a table's new name, and a temporary table hides one of the file.
TEST_F(SqliteSchema, RenamedTemporaryTableDoesNotStandInForOurs) {
  OpenStore();
  const absl::Status renamed = store_->Setup([](sqlite3* db) {
    EXPECT_EQ(Sql(db,
                  "CREATE TEMP TABLE t(kid BLOB NOT NULL PRIMARY KEY,state,on_expiry,fingerprint,"
                  "nonce,token,attempt,truncated,code,lease_until,not_before,expires_at,"
                  "completed_at,body_sum,sum,body) WITHOUT ROWID;"
                  "CREATE TEMP TABLE m(name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL);"),
              "none");
    Sql(db, "ALTER TABLE t RENAME TO holdfast_record");
    Sql(db, "ALTER TABLE m RENAME TO holdfast_meta");
    return absl::OkStatus();
  });
  ASSERT_TRUE(renamed.ok()) << renamed;
  ASSERT_EQ(StatusOf(Complete("k", Win("k"), "done")), HF_STORE_OK);
  const uint64_t token = Win("gone");
  ASSERT_EQ(StatusOf(Abandon("gone", token)), HF_STORE_OK);
  OpenStore();
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_REPLAY);
  clock_.Set(1);
  EXPECT_GT(Win("gone"), token);
}

TEST_F(SqliteSchema, CompletingARecordDoesNotDeleteTheRowsThatReferToIt) {
  sqlite::Options options = Options();
  options.foreign_keys = true;
  options.init_sql =
      "CREATE TABLE IF NOT EXISTS payment(id TEXT, "
      "kid BLOB REFERENCES holdfast_record(kid) ON DELETE CASCADE)";
  OpenStore(options);
  const sqlite::JoinedReply reply =
      store_->RunJoined(ClaimOf("k", Win("k")), [](sqlite3* db) -> absl::StatusOr<std::string> {
        EXPECT_EQ(Sql(db, "INSERT INTO payment SELECT 'p', kid FROM holdfast_record"), "none");
        return "paid";
      });
  EXPECT_EQ(reply.store.raw.status, HF_STORE_OK) << reply.store.detail;
  EXPECT_EQ(Payments(), "1");
}

TEST_F(SqliteSchema, ScriptThatLostItsTransactionCommitsNothingOfTheNext) {
  OpenStore();
  const absl::Status status = store_->Setup([](sqlite3* db) {
    Sql(db, "CREATE TABLE fee(id TEXT PRIMARY KEY); INSERT INTO fee VALUES('f')");
    Sql(db, "INSERT OR ROLLBACK INTO fee VALUES('f')");
    Sql(db, "SAVEPOINT mine");  // begins a transaction, without the word
    Sql(db, "INSERT INTO payment VALUES('half', 1)");
    return absl::OkStatus();
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(Payments(), "0");
  EXPECT_NE(Win("k"), 0u);
}

TEST_F(SqliteSchema, WorkThatLostItsTransactionCommitsNothingOfTheNext) {
  OpenStore();
  const uint64_t token = Win("k");
  const sqlite::JoinedReply reply =
      store_->RunJoined(ClaimOf("k", token), [](sqlite3* db) -> absl::StatusOr<std::string> {
        Sql(db, "CREATE TABLE fee(id TEXT PRIMARY KEY); INSERT INTO fee VALUES('f')");
        Sql(db, "INSERT OR ROLLBACK INTO fee VALUES('f')");
        Sql(db, "SAVEPOINT mine");
        Sql(db, "INSERT INTO payment VALUES('half', 1)");
        return "paid";
      });
  EXPECT_EQ(reply.store.raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_NE(reply.store.detail.find("rolled back"), std::string::npos) << reply.store.detail;
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(StatusOf(Complete("k", token, "later")), HF_STORE_OK);
}

TEST_F(SqliteSchema, FileWithoutOurTablesIsDamagedAndNotAwayForAMoment) {
  for (const char* table : {"holdfast_record", "holdfast_meta"}) {
    path_ = folder_ / table;
    OpenStore();
    ASSERT_EQ(SqlOnClosedFile(std::string("DROP TABLE ") + table), "none");
    EXPECT_EQ(ReasonOfOpening(), HF_R_STORE_CORRUPT) << table;
  }
}

TEST_F(SqliteSchema, TokenFloorThatCannotBeIsDamage) {
  for (const char* floor : {"-1", "9223372036854775807", "'many'"}) {
    path_ = folder_ / floor;
    OpenStore();
    ASSERT_EQ(SqlOnClosedFile(std::string("UPDATE holdfast_meta SET value=") + floor), "none");
    EXPECT_EQ(ReasonOfOpening(), HF_R_STORE_CORRUPT) << floor;
  }
}

}  // namespace
}  // namespace holdfast
