// SPDX-License-Identifier: Apache-2.0
// What operators do with an SQLite store: look, put right with a trace, clear away, check.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>

#include <cstring>
#include <set>
#include <string>

#include "store/fault_vfs.h"
#include "store/sqlite_files.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;
using testing::Fail;
using testing::Release;
using testing::Sql;

KeyId IdOf(std::string_view key) {
  KeyId id;
  const StoreRequest request = testing::Read(key);
  std::memcpy(id.data(), request.key_id, id.size());
  return id;
}

class SqliteOperate : public testing::SqliteTest {
 protected:
  void Meddle(const std::string& sql) {
    store_.reset();
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    const std::string said = Sql(db, sql);
    EXPECT_EQ(said.find("error"), std::string::npos) << said;
    sqlite3_close(db);
  }
  // Keys k0, k1, ..., claimed together.
  void WinMany(int count) {
    std::vector<std::string> keys;
    std::vector<StoreRequest> claims;
    for (int i = 0; i < count; ++i) keys.push_back("k" + std::to_string(i));
    for (const std::string& key : keys) claims.push_back(Claim(key, 1));
    for (const StoreReply& reply : store_->ExecuteMany(claims, {})) {
      ASSERT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
    }
  }
  size_t AuditRows() { return store_->Audit(std::nullopt, 100, {}).value().size(); }
};

TEST_F(SqliteOperate, ScanSeesEachRecordOncePageByPage) {
  OpenStore();
  std::set<KeyId> expected;
  for (int i = 0; i < 57; ++i) {
    const std::string key = "k" + std::to_string(i);
    StoreRequest claim = Claim(key, 1);
    claim.label = {key.data(), key.size()};
    const uint64_t token = Ask(claim).raw.token;
    if (i % 3 == 0) {
      ASSERT_EQ(StatusOf(Complete(key, token, key)), HF_STORE_OK);
    }
    expected.insert(IdOf(key));
  }
  for (const uint32_t limit : {1u, 10u, 57u, 10000u}) {
    std::set<KeyId> seen;
    ScanQuery query{.limit = limit, .bodies = true};
    do {
      const auto page = store_->Scan(query, {});
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_EQ(page->store_now, clock_.Now());
      for (const StoredRecord& stored : page->records) {
        EXPECT_TRUE(seen.insert(stored.key_id).second);
        EXPECT_FALSE(stored.damaged);
        EXPECT_EQ(IdOf(stored.label), stored.key_id);
        const bool done = stored.record.state == HF_RECORD_COMPLETED;
        EXPECT_EQ(stored.body, done ? stored.label : "");
        EXPECT_EQ(stored.body_bytes, stored.body.size());
      }
      query.cursor = page->cursor;
    } while (!query.cursor.empty());
    EXPECT_EQ(seen, expected) << limit;
  }
  const auto done = store_->Scan({.limit = 10000, .state = HF_RECORD_COMPLETED}, {});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->records.size(), 19u);
  EXPECT_EQ(done->records[0].body, "");
  EXPECT_GT(done->records[0].body_bytes, 0u);
}

TEST_F(SqliteOperate, BadQuestionsAreRefused) {
  OpenStore();
  Win("k");
  for (const char* cursor : {"x", "redis:0", "sqlite:", "sqlite:0", "sqlite:0g"}) {
    EXPECT_EQ(store_->Scan({.cursor = cursor}, {}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << cursor;
  }
  EXPECT_EQ(store_->Scan({.limit = 0}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Scan({.limit = 10001}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Audit(std::nullopt, 0, {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Find(IdOf("other"), {}).status().code(), absl::StatusCode::kNotFound);
  const AuditNote note{.actor = "ann", .reason = "test"};
  EXPECT_EQ(store_->ExecuteAudited(Claim("k", 1), note, {}).raw.status, HF_STORE_UNAVAILABLE);
  const std::string long_text(257, 'x');
  for (const std::string& bad :
       {std::string(), long_text, std::string("a\nb"), std::string("\xC3\x28"),
        std::string("\xED\xA0\x80"), std::string("\xC0\xAF"), std::string("\xC2\x85"),
        std::string("\xF5\x80\x80\x80"), std::string("\xE2\x82")}) {
    const StoreRequest release = Release("k", HF_EFFECT_RETRYABLE);
    for (const AuditNote& odd : {AuditNote{bad, "fine"}, AuditNote{"fine", bad}}) {
      const StoreReply reply = store_->ExecuteAudited(release, odd, {});
      EXPECT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE) << bad;
      EXPECT_NE(reply.detail.find(odd.actor == bad ? "actor" : "reason"), std::string::npos);
    }
  }
  EXPECT_EQ(StatusOf(Claim("k", 2)), HF_STORE_BUSY);
  EXPECT_EQ(AuditRows(), 0u);
}

TEST_F(SqliteOperate, ReleaseByForceRaisesTheTokenAndLeavesARow) {
  OpenStore();
  const uint64_t token = Win("k");
  Win("other");
  clock_.Advance(HF_S);
  const AuditNote note{.actor = "ann", .reason = "the worker is gone \xE2\x9C\x93"};
  const StoreReply reply = store_->ExecuteAudited(Release("k", HF_EFFECT_RETRYABLE), note, {});
  ASSERT_EQ(reply.raw.status, HF_STORE_OK) << reply.detail;
  EXPECT_EQ(StatusOf(Complete("k", token, "zombie")), HF_STORE_FENCED);
  const auto rows = store_->Audit(IdOf("k"), 10, {});
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 1u);
  const AuditRow& row = (*rows)[0];
  EXPECT_EQ(row.at, clock_.Now());
  EXPECT_EQ(row.key_id, IdOf("k"));
  EXPECT_EQ(row.verb, HF_STORE_RELEASE);
  EXPECT_EQ(row.effect, HF_EFFECT_RETRYABLE);
  EXPECT_EQ(row.before, HF_RECORD_IN_PROGRESS);
  EXPECT_EQ(row.token_before, token);
  EXPECT_EQ(row.token_after, reply.raw.token);
  EXPECT_GT(row.token_after, token);
  EXPECT_EQ(row.note.actor, note.actor);
  EXPECT_EQ(row.note.reason, note.reason);
  // What the table refuses leaves none.
  EXPECT_EQ(store_->ExecuteAudited(Release("absent", HF_EFFECT_RETRYABLE), note, {}).raw.status,
            HF_STORE_ABSENT);
  EXPECT_EQ(
      store_->ExecuteAudited(testing::Resolve("other", HF_EFFECT_FINAL, "x"), note, {}).raw.status,
      HF_STORE_FENCED);
  EXPECT_EQ(AuditRows(), 1u);
}

TEST_F(SqliteOperate, NewestAuditRowsComeFirst) {
  OpenStore();
  for (int i = 0; i < 5; ++i) {
    const std::string key = i % 2 == 0 ? "even" : "odd";
    Win(key);
    const AuditNote note{.actor = "ann", .reason = std::to_string(i)};
    ASSERT_EQ(store_->ExecuteAudited(Release(key, HF_EFFECT_NOT_STARTED), note, {}).raw.status,
              HF_STORE_OK);
  }
  OpenStore();
  const auto all = store_->Audit(std::nullopt, 3, {});
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ((*all)[0].note.reason, "4");
  EXPECT_EQ((*all)[2].note.reason, "2");
  const auto odd = store_->Audit(IdOf("odd"), 10, {});
  ASSERT_TRUE(odd.ok());
  ASSERT_EQ(odd->size(), 2u);
  EXPECT_EQ((*odd)[0].note.reason, "3");
}

TEST_F(SqliteOperate, ChangeAndAuditRowAreWrittenTogetherOrNotAtAll) {
  for (int n = 1; n <= 6; ++n) {
    path_ = folder_ / std::to_string(n);
    testing::FaultVfs vfs;
    sqlite::Options options = Options();
    options.vfs = vfs.name();
    OpenStore(options);
    const uint64_t token = Win("k");
    vfs.Inject(testing::Fault::kWriteError, n);
    const StoreReply reply = store_->ExecuteAudited(Release("k", HF_EFFECT_RETRYABLE),
                                                    {.actor = "ann", .reason = "r"}, {});
    vfs.Heal();
    const auto found = store_->Find(IdOf("k"), {});
    ASSERT_TRUE(found.ok()) << found.status();
    const bool changed = found->record.token > token;
    EXPECT_EQ(AuditRows(), changed ? 1u : 0u) << n;
    EXPECT_EQ(reply.raw.status == HF_STORE_OK, changed) << n << " " << reply.detail;
    store_.reset();  // before its disk
  }
}

TEST_F(SqliteOperate, Scenario38PurgeIsBoundedAndLeavesWhatIsHeldOrInDoubt) {
  sqlite::Options options = Options();
  options.purge_per_batch = 1;
  OpenStore(options);
  std::vector<StoreRequest> claims;
  std::vector<std::string> keys;
  for (int i = 0; i < 1200; ++i) keys.push_back("k" + std::to_string(i));
  for (const std::string& key : keys) claims.push_back(Claim(key, 1));
  const auto won = store_->ExecuteMany(claims, {});
  std::vector<StoreRequest> ends;
  for (size_t i = 0; i < keys.size(); ++i) {
    ends.push_back(Complete(keys[i], won[i].raw.token, "x"));
  }
  for (const StoreReply& reply : store_->ExecuteMany(ends, {})) {
    ASSERT_EQ(reply.raw.status, HF_STORE_OK);
  }
  Win("held");
  ASSERT_EQ(StatusOf(Fail("doubt", Win("doubt"), HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  EXPECT_EQ(store_->Purge(10, {}).value(), 0u);
  clock_.Advance(2 * testing::kTtl);
  EXPECT_EQ(store_->Purge(10, {}).value(), 10u);
  EXPECT_EQ(store_->Info({})->records, 1192u);
  EXPECT_EQ(store_->Purge(100000, {}).value(), 1190u);
  EXPECT_EQ(store_->stats().purged, 1200u);
  EXPECT_EQ(store_->Info({})->records, 2u);
  EXPECT_EQ(store_->Find(IdOf("held"), {})->record.state, HF_RECORD_IN_PROGRESS);
  EXPECT_EQ(store_->Find(IdOf("doubt"), {})->record.state, HF_RECORD_IN_DOUBT);
  OpenStore();
  clock_.Set(1);
  EXPECT_GT(Win("k7"), won[7].raw.token);
}

TEST_F(SqliteOperate, DamagedRecordsDoNotStopAPurge) {
  OpenStore();
  for (int i = 0; i < 50; ++i) {
    const std::string key = "k" + std::to_string(i);
    ASSERT_EQ(StatusOf(Complete(key, Win(key), "x")), HF_STORE_OK);
  }
  clock_.Advance(HF_S);
  ASSERT_EQ(StatusOf(Complete("last", Win("last"), "x")), HF_STORE_OK);
  Meddle(
      "UPDATE holdfast_record SET code=1 WHERE expires_at=(SELECT min(expires_at) FROM "
      "holdfast_record)");
  OpenStore();
  clock_.Advance(2 * testing::kTtl);
  EXPECT_EQ(store_->Purge(1, {}).value(), 1u);
  EXPECT_EQ(store_->Info({})->records, 50u);
}

TEST_F(SqliteOperate, InfoTellsProductSchemaAndSize) {
  OpenStore();
  Win("a");
  Win("b");
  const auto info = store_->Info({});
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->kind, "sqlite");
  EXPECT_EQ(info->server, std::string("SQLite ") + sqlite3_libversion());
  EXPECT_EQ(info->schema, info->schema_newest);
  EXPECT_EQ(info->records, 2u);
  EXPECT_GE(info->bytes, 4096u);
}

TEST_F(SqliteOperate, Scenario27VerifyNamesTheDamagedRecordsAndNoOther) {
  OpenStore();
  WinMany(1100);
  ASSERT_EQ(StatusOf(Complete("body", Win("body"), "whole")), HF_STORE_OK);
  auto report = store_->Verify(10, {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->records, 1101u);
  EXPECT_EQ(report->damaged, 0u);
  Meddle(
      "UPDATE holdfast_record SET attempt=attempt+1 WHERE kid IN (SELECT kid FROM "
      "holdfast_record LIMIT 20); UPDATE holdfast_record SET body=x'00' WHERE state=2");
  OpenStore();
  report = store_->Verify(10, {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->records, 1101u);
  EXPECT_EQ(report->damaged, 21u);
  EXPECT_EQ(report->damaged_keys.size(), 10u);
  EXPECT_EQ(report->unreadable, "");
  for (const KeyId& key : report->damaged_keys) {
    const auto found = store_->Find(key, {});
    ASSERT_TRUE(found.ok());
    EXPECT_TRUE(found->damaged);
  }
  EXPECT_TRUE(store_->Find(IdOf("body"), {})->damaged);
}

TEST_F(SqliteOperate, Scenario27VerifyTellsWhereItCouldNotReadOn) {
  OpenStore();
  WinMany(400);
  store_.reset();
  std::string bytes = testing::ReadWhole(path_);
  bytes.replace(bytes.size() / 2 / 4096 * 4096, 12, 12, '\xee');
  testing::WriteWhole(path_, bytes);
  OpenStore();
  const auto report = store_->Verify(10, {});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_NE(report->unreadable, "");
  EXPECT_LT(report->records, 400u);
}

}  // namespace
}  // namespace holdfast
