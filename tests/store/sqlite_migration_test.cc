// SPDX-License-Identifier: Apache-2.0
// Files of older versions: read as they were written, brought to the new schema whole or not at all, or
// refused untouched; and what two versions do to each other's rows.
//
// golden/sqlite_v1.sql is a file that holdfast 0.3 wrote at kEpochNow: nine records and, a second later, one
// that was claimed and abandoned.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "store/fault_vfs.h"
#include "store/sqlite_files.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;
using testing::Fault;
using testing::FaultVfs;
using testing::ReadWhole;
using testing::Sql;

constexpr uint64_t kGoldenToken = 1700000000000000;  // of all nine; the tenth's is a second later

class SqliteMigration : public testing::SqliteTest {
 protected:
  SqliteMigration() { WriteGolden(path_); }

  static void WriteGolden(const std::string& path) {
    const char* const source = std::getenv("HF_SOURCE_DIR");
    const std::filesystem::path tests = source == nullptr
                                            ? std::filesystem::path(__FILE__).parent_path()
                                            : std::filesystem::path(source) / "tests/store";
    const std::string dump = ReadWhole((tests / "golden/sqlite_v1.sql").string());
    ASSERT_FALSE(dump.empty());
    sqlite3* db = nullptr;
    sqlite3_open(path.c_str(), &db);
    ASSERT_EQ(Sql(db, "PRAGMA synchronous=OFF"), "none");
    ASSERT_EQ(Sql(db, dump), "none");
    ASSERT_EQ(Sql(db, "PRAGMA journal_mode=WAL"), "wal");  // as 0.3 left it
    sqlite3_close(db);
  }

  std::string Meddle(const std::string& sql) {
    store_.reset();
    sqlite3* db = nullptr;
    sqlite3_open(path_.c_str(), &db);
    std::string said = Sql(db, sql);
    sqlite3_close(db);
    return said;
  }

  static std::string Hex(std::string_view key) {
    const StoreRequest request = testing::Read(key);
    std::string hex = "x'";
    for (const uint8_t byte : request.key_id) {
      char two[3];
      std::snprintf(two, sizeof(two), "%02x", byte);
      hex += two;
    }
    return hex + "'";
  }

  // What 0.3 wrote is all there.
  void ExpectGolden(const std::string& where) {
    const std::map<std::string, std::string> completed = {
        {"done", "a result"},
        {"done, empty", ""},
        {"done, large", std::string(5000, 'b')},
        {"refused", "no"},
        {"digest", "0123456789abcdef0123456789abcdef"}};
    for (const auto& [key, body] : completed) {
      const StoreReply reply = Ask(Claim(key, 9));
      ASSERT_EQ(reply.raw.status, HF_STORE_REPLAY) << where << key << reply.detail;
      EXPECT_EQ(*reply.body, body) << where << key;
      EXPECT_EQ(reply.raw.token, kGoldenToken) << where;
      EXPECT_EQ(reply.raw.truncated, key == "digest" ? 1u : 0u) << where;
      EXPECT_EQ(reply.raw.code, key == "refused" ? HF_FAILED_PRECONDITION : HF_OK) << where;
    }
    EXPECT_EQ(StatusOf(Claim("held", 9)), HF_STORE_BUSY) << where;
    EXPECT_EQ(StatusOf(Claim("held, takeover", 9)), HF_STORE_BUSY) << where;
    EXPECT_EQ(StatusOf(Claim("failed", 9)), HF_STORE_BACKOFF) << where;
    EXPECT_EQ(StatusOf(Claim("doubtful", 9)), HF_STORE_IN_DOUBT) << where;
    EXPECT_EQ(StatusOf(testing::Read("gone")), HF_STORE_ABSENT) << where;
    EXPECT_EQ(Ask(std::string("SELECT value FROM holdfast_meta")),
              std::to_string(kGoldenToken + 1000000))
        << where;
    const auto report = store_->Verify(10, {});
    ASSERT_TRUE(report.ok()) << where << report.status();
    EXPECT_EQ(report->records, 9u) << where;
    EXPECT_EQ(report->damaged, 0u) << where;
  }
};

TEST_F(SqliteMigration, Scenario46FileOfVersion1IsReadAsItWasWritten) {
  OpenStore();
  ExpectGolden("");
  EXPECT_EQ(Ask(std::string("PRAGMA user_version")), "2");
  const auto info = store_->Info({});
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->schema, 2u);
  EXPECT_EQ(info->records, 9u);
  EXPECT_EQ(StatusOf(Complete("held", kGoldenToken, "late")), HF_STORE_OK);
  clock_.Advance(testing::kLease);
  const StoreReply taken = Ask(Claim("held, takeover", 9));
  EXPECT_EQ(taken.raw.status, HF_STORE_WON);
  EXPECT_EQ(taken.raw.attempt, 2u);
  EXPECT_GT(taken.raw.token, kGoldenToken);
  clock_.Set(1);
  EXPECT_GT(Win("gone"), kGoldenToken + 1000000);  // the floor holds
}

TEST_F(SqliteMigration, RowsKeepTheirFormatUntilTheyChange) {
  OpenStore();
  EXPECT_EQ(Ask(std::string("SELECT count(*) FROM holdfast_record WHERE format=1")), "9");
  ASSERT_EQ(StatusOf(Complete("held", kGoldenToken, "late")), HF_STORE_OK);
  EXPECT_EQ(Ask(std::string("SELECT count(*) FROM holdfast_record WHERE format=1")), "8");
  EXPECT_EQ(*Ask(Claim("held", 9)).body, "late");
  OpenStore();
  const auto report = store_->Verify(10, {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->damaged, 0u);
}

TEST_F(SqliteMigration, MigratedFileHasTheSchemaOfANewOne) {
  const std::string shape =
      "SELECT group_concat(m.name||'.'||c.name||' '||c.type||' '||c.\"notnull\"||' '||"
      "ifnull(c.dflt_value,'-')||' '||c.pk,char(10)) FROM sqlite_schema m, "
      "pragma_table_xinfo(m.name) c WHERE m.name LIKE 'holdfast%' ORDER BY m.name, c.cid";
  const std::string indexes =
      "SELECT group_concat(sql,char(10)) FROM (SELECT sql FROM sqlite_schema WHERE type='index' "
      "ORDER BY name)";
  OpenStore();
  const std::string migrated = Meddle(shape);
  const std::string migrated_indexes = Meddle(indexes);
  path_ = folder_ / "new.db";
  OpenStore();
  EXPECT_EQ(Meddle(shape), migrated);
  EXPECT_EQ(Meddle(indexes), migrated_indexes);
  EXPECT_NE(migrated.find("holdfast_audit.reason TEXT"), std::string::npos) << migrated;
}

TEST_F(SqliteMigration, OldFileThatIsNotToBeMigratedIsRefusedUntouched) {
  const std::string before = ReadWhole(path_);
  sqlite::Options options = Options();
  options.no_migrate = true;
  const absl::Status status = sqlite::Store::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(std::string(status.message()).find("holdfast idem migrate"), std::string::npos)
      << status;
  EXPECT_EQ(ReadWhole(path_), before);
  OpenStore();
  store_.reset();
  EXPECT_TRUE(sqlite::Store::Open(options).ok());  // a new file needs none
}

TEST_F(SqliteMigration, RowThatWasDamagedIsNotMadeSound) {
  ASSERT_EQ(Meddle("UPDATE holdfast_record SET token=token+1 WHERE kid=" + Hex("done")), "none");
  OpenStore();
  EXPECT_EQ(StatusOf(Claim("done", 9)), HF_STORE_CORRUPT);
  EXPECT_EQ(StatusOf(Claim("refused", 9)), HF_STORE_REPLAY);
  const auto report = store_->Verify(10, {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->damaged, 1u);
}

TEST_F(SqliteMigration, Scenario46KilledAtAnyStepOfTheMigrationItIsWholeOrNotBegun) {
  bool killed = true;
  int n = 1;
  for (; killed && !HasFailure(); ++n) {
    path_ = folder_ / ("killed " + std::to_string(n));
    WriteGolden(path_);
    const pid_t child = fork();
    if (child == 0) {
      FaultVfs vfs;
      vfs.Inject(n % 2 == 0 ? Fault::kKill : Fault::kKillHalf, (n + 1) / 2);
      sqlite::Options options = Options();
      options.vfs = vfs.name();
      options.reserve_bytes = 65536;
      const auto opened = sqlite::Store::Open(options);
      _exit(opened.ok() ? 0 : 1);
    }
    int end = 0;
    waitpid(child, &end, 0);
    killed = WIFSIGNALED(end);
    ASSERT_TRUE(killed || WEXITSTATUS(end) == 0) << n;
    OpenStore();
    ExpectGolden("kill " + std::to_string(n) + ": ");
  }
  EXPECT_GT(n, 15);
}

TEST_F(SqliteMigration, FailureAtAnyStepOfTheMigrationLeavesTheOldFile) {
  for (const Fault fault : {Fault::kFull, Fault::kWriteError, Fault::kSyncError}) {
    for (int n = 1; n < 25 && !HasFailure(); ++n) {
      path_ = folder_ / ("failed " + std::to_string(static_cast<int>(fault) * 100 + n));
      WriteGolden(path_);
      FaultVfs vfs;
      vfs.Inject(fault, n);
      sqlite::Options options = Options();
      options.vfs = vfs.name();
      options.reserve_bytes = 65536;
      (void)sqlite::Store::Open(options);
      vfs.Heal();
      OpenStore(options);
      ExpectGolden("fault " + std::to_string(n) + ": ");
      store_.reset();  // before its disk
    }
  }
}

// A process of 0.3 that has the file open while another one migrates it names the columns it knows.
TEST_F(SqliteMigration, Scenario46RowsThatAnOlderProcessStillWritesAreItsOwnFormat) {
  const std::string columns =
      "kid,state,on_expiry,fingerprint,nonce,token,attempt,truncated,code,lease_until,not_before,"
      "expires_at,completed_at,body_sum,sum,body";
  OpenStore();
  ASSERT_EQ(Meddle("CREATE TEMP TABLE kept AS SELECT " + columns +
                   " FROM holdfast_record WHERE kid=" + Hex("done") +
                   "; DELETE FROM holdfast_record WHERE kid=" + Hex("done") +
                   "; INSERT INTO holdfast_record(" + columns + ") SELECT * FROM kept"),
            "none");
  OpenStore();
  ExpectGolden("");
}

// What 0.3 takes a new row for: a sum that is not its own. It calls it CORRUPT, and writes nothing.
TEST_F(SqliteMigration, Scenario46RowOfOneFormatIsNeverTakenForTheOther) {
  OpenStore();
  Win("new");
  ASSERT_EQ(Meddle("UPDATE holdfast_record SET format=1 WHERE kid=" + Hex("new")), "none");
  OpenStore();
  EXPECT_EQ(StatusOf(Claim("new", 9)), HF_STORE_CORRUPT);
  for (const char* change : {"format=2", "format=3", "format='x'", "label=x'61'", "reconcile=1"}) {
    path_ = folder_ / change;
    WriteGolden(path_);
    OpenStore();
    ASSERT_EQ(
        Meddle(std::string("UPDATE holdfast_record SET ") + change + " WHERE kid=" + Hex("done")),
        "none");
    OpenStore();
    EXPECT_EQ(StatusOf(Claim("done", 9)), HF_STORE_CORRUPT) << change;
  }
}

}  // namespace
}  // namespace holdfast
