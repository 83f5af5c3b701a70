// SPDX-License-Identifier: Apache-2.0
// Files that are not ours, not readable, not whole: each a documented answer, and never a byte changed.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "store/fault_vfs.h"
#include "store/sqlite_files.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;
using testing::ReadWhole;
using testing::Sql;
using testing::WriteWhole;

class SqliteDamage : public testing::SqliteTest {
 protected:
  absl::Status OpenStatus(sqlite::Options options) {
    return sqlite::Store::Open(std::move(options)).status();
  }
  absl::Status OpenStatus() { return OpenStatus(Options()); }
  static hf_reason ReasonOf(const absl::Status& status) {
    const auto rejection = RejectionOf(status);
    return rejection.has_value() ? rejection->reason : HF_R_NONE;
  }
  // SQL on the closed file, as a stranger would.
  void Meddle(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    const std::string said = Sql(db, sql);
    EXPECT_EQ(said.find("error"), std::string::npos) << said;
    sqlite3_close(db);
  }
};

TEST_F(SqliteDamage, BadOptionsAreNamed) {
  const auto refused = [&](auto&& change, std::string_view word) {
    sqlite::Options options = Options();
    change(options);
    const absl::Status status = OpenStatus(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_NE(std::string(status.message()).find(word), std::string::npos) << status;
    EXPECT_NE(ReasonOf(status), HF_R_NONE) << status;
  };
  refused([](auto& options) { options.path = ""; }, "path");
  refused([](auto& options) { options.path = ":memory:"; }, "path");
  refused([](auto& options) { options.path = "file:x?mode=memory"; }, "path");
  refused([](auto& options) { options.path = std::string("a\0b", 3); }, "path");
  refused([](auto& options) { options.vfs = "no such"; }, "vfs");
  refused([](auto& options) { options.max_batch = 5000; }, "max_batch");
  refused([](auto& options) { options.max_body = HF_IDEM_BODY_MAX + 1; }, "max_body");
  refused([](auto& options) { options.checkpoint_pages = 1u << 31; }, "checkpoint_pages");
  refused([](auto& options) { options.busy_timeout = Duration{-1}; }, "busy_timeout");
  refused([](auto& options) { options.default_timeout = Duration{-1}; }, "default_timeout");
  refused([](auto& options) { options.settle_timeout = Duration{-1}; }, "settle_timeout");
  refused([](auto& options) { options.init_sql = "CREATE TABLE oops("; }, "init_sql");
  refused([](auto& options) { options.init_sql = "DROP TABLE holdfast_record"; }, "init_sql");
  refused([](auto& options) { options.allow_multi_process_despite_wal_reset_bug = true; },
          "allow_");
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(SqliteDamage, MultiProcessNeedsASoundSqliteOrTheOverride) {
  EXPECT_TRUE(sqlite::HasWalResetBug(3040001));
  EXPECT_TRUE(sqlite::HasWalResetBug(3007000));
  EXPECT_TRUE(sqlite::HasWalResetBug(3051002));
  EXPECT_TRUE(sqlite::HasWalResetBug(3044005));
  EXPECT_TRUE(sqlite::HasWalResetBug(3045000));
  EXPECT_TRUE(sqlite::HasWalResetBug(3050006));
  EXPECT_FALSE(sqlite::HasWalResetBug(3044006));
  EXPECT_FALSE(sqlite::HasWalResetBug(3050007));
  EXPECT_FALSE(sqlite::HasWalResetBug(3051003));
  EXPECT_FALSE(sqlite::HasWalResetBug(3006023));
  if (!sqlite::HasWalResetBug(sqlite3_libversion_number())) return;
  sqlite::Options options = Options();
  options.multi_process = true;
  EXPECT_EQ(OpenStatus(options).code(), absl::StatusCode::kFailedPrecondition);
  options.allow_multi_process_despite_wal_reset_bug = true;
  OpenStore(options);
  EXPECT_EQ(store_->guarantee().level, GuaranteeLevel::kProcess);
  EXPECT_NE(store_->guarantee().why.find("lose or corrupt"), std::string::npos);
  const auto second = sqlite::Store::Open(options);
  ASSERT_TRUE(second.ok()) << second.status();
  const uint64_t token = Win("k");
  EXPECT_EQ((*second)->Execute(Claim("k", 2), Duration{0}).raw.status, HF_STORE_BUSY);
  EXPECT_EQ((*second)->Execute(testing::Abandon("k", token), Duration{0}).raw.status, HF_STORE_OK);
  EXPECT_GT(Win("k"), token);  // the floor that the other one raised
}

TEST_F(SqliteDamage, FileHeldByAnotherIsLockedAndFreeAfterItsDeath) {
  int ready[2], finish[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(finish), 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte = sqlite::Store::Open(Options()).ok() ? 'y' : 'n';
    auto held = sqlite::Store::Open(Options());
    byte = held.ok() ? 'y' : byte;
    if (write(ready[1], &byte, 1) != 1 || read(finish[0], &byte, 1) < 0) _exit(1);
    kill(getpid(), SIGKILL);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  const absl::Status locked = OpenStatus();
  EXPECT_EQ(locked.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(locked), HF_R_STORE_LOCKED) << locked;
  ASSERT_EQ(write(finish[1], &byte, 1), 1);
  int end = 0;
  waitpid(child, &end, 0);
  EXPECT_TRUE(OpenStatus().ok());
  for (const int fd : {ready[0], ready[1], finish[0], finish[1]}) close(fd);
}

TEST_F(SqliteDamage, SecondStoreOfOneProcessIsLockedOutToo) {
  OpenStore();
  EXPECT_EQ(ReasonOf(OpenStatus()), HF_R_STORE_LOCKED);
  EXPECT_NE(Win("k"), 0u);
}

TEST_F(SqliteDamage, ForeignFilesAreRefusedAndNotTouched) {
  WriteWhole(path_, "dear diary, this is not a database\n" + std::string(500, '.'));
  const std::string text = ReadWhole(path_);
  EXPECT_EQ(ReasonOf(OpenStatus()), HF_R_STORE_CORRUPT);
  EXPECT_EQ(ReadWhole(path_), text);

  WriteWhole(path_, "short");
  EXPECT_EQ(ReasonOf(OpenStatus()), HF_R_STORE_CORRUPT);
  EXPECT_EQ(ReadWhole(path_), "short");

  std::filesystem::remove(path_);
  Meddle("CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1); PRAGMA user_version=7");
  const std::string foreign = ReadWhole(path_);
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadWhole(path_), foreign);
}

TEST_F(SqliteDamage, NewerSchemaIsRefusedAndNotTouched) {
  OpenStore();
  store_.reset();
  Meddle("PRAGMA user_version=3");
  const std::string newer = ReadWhole(path_);
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(std::string(status.message()).find("newer"), std::string::npos);
  EXPECT_EQ(ReadWhole(path_), newer);
}

TEST_F(SqliteDamage, PlacesWithoutAFileAreUnavailable) {
  sqlite::Options options = Options();
  options.path = folder_.path();
  EXPECT_EQ(ReasonOf(OpenStatus(options)), HF_R_STORE_UNAVAILABLE);
  options.path = folder_ / "no/such/folder/store.db";
  EXPECT_EQ(ReasonOf(OpenStatus(options)), HF_R_STORE_UNAVAILABLE);
}

// In a child of its own user, since nothing is read-only to root.
TEST_F(SqliteDamage, ReadOnlyPlacesAreUnavailable) {
  OpenStore();
  store_.reset();
  ASSERT_EQ(chmod(path_.c_str(), 0444), 0);
  ASSERT_EQ(chmod(folder_.path().c_str(), 0555), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(9);
    sqlite::Options fresh = Options();
    fresh.path = folder_ / "new.db";
    const bool right = ReasonOf(OpenStatus()) == HF_R_STORE_UNAVAILABLE &&
                       ReasonOf(OpenStatus(fresh)) == HF_R_STORE_UNAVAILABLE;
    _exit(right ? 0 : 1);
  }
  int end = 0;
  waitpid(child, &end, 0);
  EXPECT_EQ(WEXITSTATUS(end), 0);
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
}

// Every byte of one record's cell in turn: its key is CORRUPT or, where the bit does not matter, as it
// was. It is never free, and its neighbours never suffer.
TEST_F(SqliteDamage, Scenario27FlippedBitsAreCorruptForThatRecordOnly) {
  testing::FaultVfs fast;  // no real syncs
  sqlite::Options options = Options();
  options.vfs = fast.name();
  OpenStore(options);
  const std::string body(60, 'B');
  const std::string label(20, 'L');
  for (const char* key : {"a", "b", "c", "d", "e"}) {
    StoreRequest claim = Claim(key, 1);
    claim.label = {label.data(), label.size()};
    ASSERT_EQ(StatusOf(Complete(key, Ask(claim).raw.token, body)), HF_STORE_OK);
  }
  store_.reset();
  const std::string sound = ReadWhole(path_);
  const StoreRequest victim = testing::Read("c");
  const std::string kid(reinterpret_cast<const char*>(victim.key_id), 32);
  size_t cell = sound.find(kid);
  ASSERT_NE(cell, std::string::npos);
  if (sound.compare(cell + 32, 1, "\x02", 1) != 0) cell = sound.find(kid, cell + 1);
  const size_t end = sound.find(label, sound.find(body, cell)) + label.size();
  ASSERT_LT(end - cell, 400u);
  int corrupt = 0;
  for (size_t at = cell; at < end; ++at) {
    std::string bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    store_.reset();  // its last checkpoint writes to the file
    WriteWhole(path_, bytes);
    OpenStore(options);
    const hf_store_status status = StatusOf(Claim("c", 9));
    EXPECT_EQ(status, HF_STORE_CORRUPT) << "byte " << at - cell;
    corrupt += status == HF_STORE_CORRUPT ? 1 : 0;
    for (const char* key : {"a", "b", "d", "e"}) {
      EXPECT_EQ(StatusOf(Claim(key, 9)), HF_STORE_REPLAY) << key << " byte " << at - cell;
    }
    const StoreReply fresh = Ask(Claim("new " + std::to_string(at), 1));
    EXPECT_EQ(fresh.raw.status, HF_STORE_WON);
  }
  EXPECT_EQ(static_cast<size_t>(corrupt), end - cell);
  store_.reset();
}

TEST_F(SqliteDamage, DamagedPageIsCorruptAndNotForgotten) {
  testing::FaultVfs fast;  // no real syncs
  sqlite::Options options = Options();
  options.vfs = fast.name();
  OpenStore(options);
  for (int i = 0; i < 400; ++i) Win("k" + std::to_string(i));
  store_.reset();
  std::string bytes = ReadWhole(path_);
  for (size_t page = 5; page * 4096 < bytes.size(); ++page)
    bytes.replace(page * 4096, 12, 12, '\xee');
  WriteWhole(path_, bytes);
  const auto opened = sqlite::Store::Open(Options());
  if (!opened.ok()) {
    EXPECT_EQ(ReasonOf(opened.status()), HF_R_STORE_CORRUPT) << opened.status();
    return;
  }
  int corrupt = 0;
  for (int i = 0; i < 400; ++i) {
    const auto reply = (*opened)->Execute(Claim("k" + std::to_string(i), 2), Duration{0});
    EXPECT_TRUE(reply.raw.status == HF_STORE_CORRUPT || reply.raw.status == HF_STORE_BUSY)
        << i << " " << reply.raw.status << " " << reply.detail;
    corrupt += reply.raw.status == HF_STORE_CORRUPT ? 1 : 0;
  }
  EXPECT_GT(corrupt, 0) << bytes.size();
}

TEST_F(SqliteDamage, Scenario26WalCutAtAnyByteLosesOnlyWhatItHeld) {
  testing::FaultVfs vfs;
  sqlite::Options options = Options();
  options.vfs = vfs.name();
  OpenStore(options);
  const uint64_t token = Win("first");
  const std::string before = ReadWhole(path_ + "-wal");
  const uint64_t last = Win("last");
  const std::string database = ReadWhole(path_);
  const std::string wal = ReadWhole(path_ + "-wal");
  ASSERT_GT(wal.size(), before.size());
  bool was_there = false;
  const testing::TempFolder torn;
  options.path = torn / "store.db";
  // Every byte of the frame that commits it, then some of the padding behind.
  for (size_t size = before.size(); size <= wal.size(); size += was_there ? 61 : 1) {
    WriteWhole(options.path, database);
    WriteWhole(options.path + "-wal", wal.substr(0, size));
    const auto again = sqlite::Store::Open(options);
    ASSERT_TRUE(again.ok()) << size << again.status();
    EXPECT_EQ((*again)->Execute(testing::Read("first"), Duration{0}).raw.token, token) << size;
    const StoreReply found = (*again)->Execute(testing::Read("last"), Duration{0});
    EXPECT_TRUE(found.raw.status == HF_STORE_ABSENT || found.raw.token == last) << size;
    const bool is_there = found.raw.token == last;
    EXPECT_TRUE(is_there || !was_there) << size;
    if (size == before.size()) {
      EXPECT_FALSE(is_there);
    }
    was_there = is_there;
  }
  EXPECT_TRUE(was_there);
  store_.reset();
}

// Any byte of any commit but the last: what was acknowledged behind it would be lost without a word.
TEST_F(SqliteDamage, Scenario27DamageInTheMiddleOfTheWalIsCorruptAndNotCutOff) {
  testing::FaultVfs vfs;
  sqlite::Options options = Options();
  options.vfs = vfs.name();
  OpenStore(options);
  size_t sure = 0;  // behind it are three more
  for (int i = 0; i < 6; ++i) {
    if (i == 3) sure = ReadWhole(path_ + "-wal").size();
    Win("k" + std::to_string(i));
  }
  const std::string database = ReadWhole(path_);
  const std::string wal = ReadWhole(path_ + "-wal");
  ASSERT_GT(sure, 32u);
  const testing::TempFolder rotten;
  options.path = rotten / "store.db";
  for (size_t at = 32; at < sure; at += 97) {
    std::string bytes = wal;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    WriteWhole(options.path, database);
    WriteWhole(options.path + "-wal", bytes);
    const auto opened = sqlite::Store::Open(options);
    EXPECT_EQ(ReasonOf(opened.status()), HF_R_STORE_CORRUPT) << at << opened.status();
    EXPECT_EQ(ReadWhole(options.path + "-wal"), bytes) << at;
  }
  WriteWhole(options.path, database);
  WriteWhole(options.path + "-wal", wal);
  EXPECT_TRUE(sqlite::Store::Open(options).ok());
  store_.reset();  // before its disk
}

TEST_F(SqliteDamage, LimitsRefuseNewKeysAndLetOldOnesEnd) {
  sqlite::Options options = Options();
  options.max_records = 3;
  OpenStore(options);
  const uint64_t token = Win("a");
  Win("b");
  Win("c");
  EXPECT_EQ(StatusOf(Claim("d", 1)), HF_STORE_OVERLOADED);
  EXPECT_EQ(StatusOf(Complete("a", token, "done")), HF_STORE_OK);
  EXPECT_EQ(store_->stats().records, 3u);
  clock_.Advance(testing::kTtl);
  EXPECT_EQ(StatusOf(Claim("b", 1)), HF_STORE_WON);  // a commit, which purges
  EXPECT_EQ(StatusOf(testing::Renew("b", Ask(Claim("b", 1)).raw.token)), HF_STORE_OK);
  EXPECT_NE(Win("d"), 0u);

  options.max_records = 0;
  options.max_bytes = 1;
  OpenStore(options);
  EXPECT_EQ(StatusOf(Claim("e", 1)), HF_STORE_OVERLOADED);
}

TEST_F(SqliteDamage, RecordsAreCountedFromTheOpening) {
  sqlite::Options options = Options();
  options.max_records = 3;
  OpenStore(options);
  Win("a");
  Win("b");
  OpenStore(options);
  EXPECT_EQ(store_->stats().records, 2u);
  options.max_records = 0;
  OpenStore(options);
  Win("c");
  EXPECT_EQ(store_->stats().records, 0u);  // not counted
}

// The work is done: a limit of the store must not keep its end from being recorded.
TEST_F(SqliteDamage, BodyAboveTheStoresLimitIsKeptAsItsDigest) {
  sqlite::Options options = Options();
  options.max_body = 10;
  OpenStore(options);
  const std::string body = "eleven byte";
  ASSERT_EQ(StatusOf(Complete("k", Win("k"), body)), HF_STORE_OK);
  const StoreReply reply = Ask(Claim("k", 2));
  EXPECT_EQ(reply.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(reply.raw.truncated, 1u);
  std::string digest(32, 0);
  hf_idem_fingerprint(body.data(), body.size(), reinterpret_cast<uint8_t*>(digest.data()));
  EXPECT_EQ(*reply.body, digest);
  StoreRequest shortened = Complete("d", Win("d"), digest);
  shortened.truncated = 1;
  EXPECT_EQ(StatusOf(shortened), HF_STORE_OK);
  EXPECT_EQ(*Ask(Claim("d", 2)).body, digest);
  const std::string absurd(HF_IDEM_BODY_MAX + 1, 'x');
  EXPECT_EQ(StatusOf(Complete("e", Win("e"), absurd)), HF_STORE_UNAVAILABLE);
}

TEST_F(SqliteDamage, BodyLargerThanTheQueueIsTakenWhenNoOtherWaits) {
  sqlite::Options options = Options();
  options.max_queue_bytes = 10;
  OpenStore(options);
  EXPECT_EQ(StatusOf(Complete("k", Win("k"), "eleven byte")), HF_STORE_OK);
}

TEST_F(SqliteDamage, Scenario38PurgeNeverErasesWhatIsHeldOrInDoubt) {
  sqlite::Options options = Options();
  options.purge_per_batch = 100;
  OpenStore(options);
  Win("held");
  const uint64_t doubtful = Win("doubt");
  ASSERT_EQ(StatusOf(testing::Fail("doubt", doubtful, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  const uint64_t failed = Win("retry");
  ASSERT_EQ(StatusOf(testing::Fail("retry", failed, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  const uint64_t old_token = Win("done");
  ASSERT_EQ(StatusOf(Complete("done", old_token, "x")), HF_STORE_OK);
  clock_.Advance(1000 * testing::kTtl);
  Win("other");
  EXPECT_EQ(store_->stats().purged, 2u);
  EXPECT_EQ(Ask(std::string("SELECT count(*) FROM holdfast_record")), "3");
  clock_.Set(1);  // the clock falls, the token does not
  OpenStore(options);
  EXPECT_GT(Win("done"), old_token);
  EXPECT_GT(Win("retry"), failed);
}

}  // namespace
}  // namespace holdfast
