// SPDX-License-Identifier: Apache-2.0
// See connection.h.
#include "adapters/sqlite/connection.h"

#include <holdfast/status.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>
#include <vector>

#include "adapters/sqlite/schema.h"
#include "adapters/sqlite/wal_check.h"

namespace holdfast::inline v0_5::sqlite {
namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr int kHeaderSize = 100;
constexpr sqlite3_int64 kWalChunk = 1 << 16;  // SQLite's own VFS takes less than 128 KiB at a time

int32_t BigEndian32(const unsigned char* bytes) {
  return static_cast<int32_t>(static_cast<uint32_t>(bytes[0]) << 24 | uint32_t{bytes[1]} << 16 |
                              uint32_t{bytes[2]} << 8 | uint32_t{bytes[3]});
}

bool IsOwnTable(const char* name) {
  return name != nullptr && sqlite3_strnicmp(name, "holdfast", 8) == 0;
}

bool IsHarmlessPragma(const char* name, const char* argument) {
  static constexpr std::string_view kAbout[] = {
      "table_info", "table_xinfo",      "index_list",        "index_info",      "index_xinfo",
      "table_list", "foreign_key_list", "foreign_key_check", "integrity_check", "quick_check"};
  static constexpr std::string_view kValues[] = {"user_version", "application_id", "foreign_keys",
                                                 "page_count",   "freelist_count", "page_size",
                                                 "journal_mode", "synchronous",    "locking_mode"};
  const auto is = [&](std::string_view other) { return name == other; };
  if (std::any_of(std::begin(kAbout), std::end(kAbout), is)) return true;
  return argument == nullptr && std::any_of(std::begin(kValues), std::end(kValues), is);
}

}  // namespace

bool HasWalResetBug(int version) {
  if (version < 3007000 || version > 3051002) return false;
  const bool fixed_3_44 = version >= 3044006 && version < 3045000;
  const bool fixed_3_50 = version >= 3050007 && version < 3051000;
  return !fixed_3_44 && !fixed_3_50;
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const Options& options,
                                                             const std::string& known) {
  std::unique_ptr<Connection> connection(new Connection(options, known));
  absl::Status status = connection->OpenFile();
  if (status.ok()) status = connection->RefuseForeignHeader();
  if (status.ok()) status = connection->Claim();
  if (status.ok()) status = connection->CheckOwner();
  if (status.ok()) status = connection->RefuseMigration();
  if (status.ok()) status = connection->EnterWal();
  if (status.ok()) status = connection->RewriteWal();
  if (status.ok()) status = connection->Migrate();
  if (status.ok()) status = connection->RunInitSql();
  if (status.ok()) status = connection->PrepareEnds();
  if (!status.ok()) {
    connection->Distrust();
    return status;
  }
  sqlite3_db_config(connection->db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return connection;
}

Connection::~Connection() {
  if (db_ == nullptr) return;
  mode_ = SqlMode::kStore;
  while (sqlite3_stmt* statement = sqlite3_next_stmt(db_, nullptr)) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

void Connection::Distrust() {
  if (db_ != nullptr) sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

absl::Status Connection::OpenFile() {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const char* const vfs = options_.vfs.empty() ? nullptr : options_.vfs.c_str();
  const std::string& path = known_.empty() ? options_.path : known_;
  const int flags = known_.empty() ? kFlags | SQLITE_OPEN_CREATE : kFlags;
  const int code = sqlite3_open_v2(path.c_str(), &db_, flags, vfs);
  if (code != SQLITE_OK) return Refused(code, "cannot open path");
  // A disk without write permission is opened read-only by SQLite without a word.
  if (sqlite3_db_readonly(db_, "main") == 1) {
    return ToStatus(HF_STORE_UNAVAILABLE, "cannot open path: not writable");
  }
  // Until the file has proved to be ours, closing it must not checkpoint it either.
  Distrust();
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_FKEY, options_.foreign_keys ? 1 : 0, nullptr);
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(options_.busy_timeout);
  sqlite3_busy_timeout(db_, static_cast<int>(std::clamp<int64_t>(wait.count(), 0, INT32_MAX)));
  sqlite3_set_authorizer(
      db_,
      [](void* self, int action, const char* first, const char* second, const char*, const char*) {
        return static_cast<Connection*>(self)->Authorize(action, first, second);
      },
      this);
  // Where SQLite gave up the transaction under a user's statement (a full disk, say), the next one would
  // be a transaction of its own. It is rolled back instead.
  sqlite3_commit_hook(
      db_,
      [](void* self) { return static_cast<Connection*>(self)->mode_ == SqlMode::kStore ? 0 : 1; },
      this);
  sqlite3_rollback_hook(
      db_, [](void* self) { static_cast<Connection*>(self)->lost_ = true; }, this);
  return absl::OkStatus();
}

std::string Connection::path() const {
  const char* const name = sqlite3_db_filename(db_, "main");
  return name == nullptr ? options_.path : name;
}

absl::Status Connection::RefuseForeignHeader() {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db_, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (file == nullptr || file->pMethods == nullptr) {
    return ToStatus(HF_STORE_UNAVAILABLE, "cannot open path: not a file");
  }
  sqlite3_int64 size = 0;
  int code = file->pMethods->xFileSize(file, &size);
  if (code != SQLITE_OK) return Refused(code, "cannot read path");
  if (size == 0) return absl::OkStatus();
  unsigned char header[kHeaderSize] = {};
  code = file->pMethods->xRead(file, header, kHeaderSize, 0);
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
    return Refused(code, "cannot read path");
  // All zero: a creation that was cut off; its journal, if any, makes the file empty again.
  const bool blank = std::all_of(header, header + kHeaderSize, [](int byte) { return byte == 0; });
  if (blank) return absl::OkStatus();
  if (size < kHeaderSize || std::memcmp(header, kMagic.data(), kMagic.size()) != 0) {
    return ToStatus(HF_STORE_CORRUPT, "path: not an SQLite file");
  }
  return CheckOwnerNumbers(BigEndian32(header + 68), BigEndian32(header + 60));
}

// Takes the file for this process, if it is to have it alone: with an exclusive lock the WAL index
// stays in memory, and there is no second connection whatever others do.
absl::Status Connection::Claim() {
  if (!options_.multi_process) {
    if (const int code = Run("PRAGMA locking_mode=EXCLUSIVE")) return Refused(code, "cannot lock");
  }
  const int code =
      Run("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA trusted_schema=OFF;"
          "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA cache_size=-8192");
  return code == 0 ? absl::OkStatus() : Refused(code, "cannot set up");
}

absl::Status Connection::CheckOwner() {
  // The first read: takes the lock, replays journal and WAL.
  const int code = Run("SELECT 1 FROM sqlite_schema LIMIT 1");
  if (code != 0) return Refused(code, "cannot read path");
  const bool empty = Number("SELECT count(*) FROM sqlite_schema", -1) == 0;
  const int64_t application_id = Number("PRAGMA application_id", -1);
  if (empty && !known_.empty()) {
    return ToStatus(HF_STORE_CORRUPT, "path: the file was emptied since it was opened");
  }
  if (empty && application_id == 0) return CreateSchema();
  return CheckOwnerNumbers(application_id, Number("PRAGMA user_version", -1));
}

absl::Status Connection::CreateSchema() {
  if (const int code = Run(kCreateSchema)) {
    const absl::Status status = Refused(code, "cannot create the tables");
    if (InTransaction()) Run("ROLLBACK");
    // Another process was faster; then its tables are the ones.
    if (Number("PRAGMA application_id", -1) == kApplicationId) {
      return CheckOwnerNumbers(kApplicationId, Number("PRAGMA user_version", -1));
    }
    return status;
  }
  return absl::OkStatus();
}

absl::Status Connection::RefuseMigration() {
  const int64_t version = Number("PRAGMA user_version", kSchemaVersion);
  if (!options_.no_migrate || version == kSchemaVersion) return absl::OkStatus();
  return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS,
                    "path: schema version " + std::to_string(version) +
                        ", and no_migrate is set; `holdfast idem migrate` brings it to version " +
                        std::to_string(kSchemaVersion));
}

absl::Status Connection::EnterWal() {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db_, "PRAGMA journal_mode=WAL", -1, &statement, nullptr);
  if (code != SQLITE_OK) return Refused(code, "cannot enter WAL mode");
  code = sqlite3_step(statement);
  const auto* mode = code == SQLITE_ROW ? sqlite3_column_text(statement, 0) : nullptr;
  const bool wal =
      mode != nullptr && std::string_view(reinterpret_cast<const char*>(mode)) == "wal";
  code = sqlite3_finalize(statement);
  if (code != SQLITE_OK) return Refused(code, "cannot enter WAL mode");
  if (!wal) return ToStatus(HF_STORE_UNAVAILABLE, "the file system does not support WAL mode");
  sqlite3_wal_hook(
      db_,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Connection*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      this);
  // Also takes the lock, where the file is in WAL mode already.
  code = Run("BEGIN IMMEDIATE; COMMIT");
  return code == 0 ? absl::OkStatus() : Refused(code, "cannot write to path");
}

absl::Status Connection::RewriteWal() {
  if (options_.multi_process) return absl::OkStatus();  // not ours alone to write
  sqlite3_file* wal = nullptr;
  sqlite3_file_control(db_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
  if (wal == nullptr || wal->pMethods == nullptr) return absl::OkStatus();
  sqlite3_int64 size = 0;
  int code = wal->pMethods->xFileSize(wal, &size);
  if (code != SQLITE_OK) return Refused(code, "cannot read the WAL");
  if (size == 0) return absl::OkStatus();
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  const auto each = [&](auto&& operation) {
    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += kWalChunk) {
      const int amount = static_cast<int>(std::min<sqlite3_int64>(kWalChunk, size - at));
      code = operation(wal, bytes.data() + at, amount, at);
    }
  };
  each(wal->pMethods->xRead);
  if (code != SQLITE_OK) return Refused(code, "cannot read the WAL");
  const WalExtent extent = ExamineWal(bytes);
  if (extent.damaged) {
    return ToStatus(HF_STORE_CORRUPT,
                    "path: its WAL is damaged before its end, and replaying the rest would forget "
                    "commits that were acknowledged");
  }
  // What a commit that was cut off has left is gone then, and cannot be taken for damage later.
  const bool tail = extent.end > 0 && static_cast<sqlite3_int64>(extent.end) < size;
  if (tail) size = static_cast<sqlite3_int64>(extent.end);
  each(wal->pMethods->xWrite);
  if (code == SQLITE_OK && tail) code = wal->pMethods->xTruncate(wal, size);
  if (code == SQLITE_OK) code = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
  return code == SQLITE_OK ? absl::OkStatus() : Refused(code, "cannot secure the WAL");
}

absl::Status Connection::Migrate() {
  if (Number("PRAGMA user_version", -1) == kSchemaVersion) return absl::OkStatus();
  int code = Run("BEGIN IMMEDIATE");
  // Another process may have been faster: what counts is what the lock shows.
  const int64_t version = code == SQLITE_OK ? Number("PRAGMA user_version", -1) : -1;
  if (code == SQLITE_OK && version == 1) code = Run(kMigrateFrom1);
  if (code == SQLITE_OK) code = Run("COMMIT");
  if (code == SQLITE_OK)
    return CheckOwnerNumbers(kApplicationId, Number("PRAGMA user_version", -1));
  const absl::Status status = Refused(code, "cannot migrate the tables");
  if (InTransaction()) Run("ROLLBACK");
  return status;
}

absl::Status Connection::RunInitSql() {
  if (options_.init_sql.empty()) return absl::OkStatus();
  int code = Run("BEGIN IMMEDIATE");
  if (code != 0) return Refused(code, "init_sql");
  mode_ = SqlMode::kSetup;
  code = Run(options_.init_sql.c_str());
  mode_ = SqlMode::kStore;
  absl::Status status = absl::OkStatus();
  if (code != 0) {
    const Failure failure = FailureOf(db_, code, "init_sql");
    const bool of_the_file = failure.Before() != HF_STORE_UNAVAILABLE || failure.NeedsReopen();
    status = of_the_file ? ToStatus(failure.Before(), failure.detail)
                         : MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, failure.detail);
  }
  if (status.ok()) {
    code = Run("COMMIT");
    if (code != 0) status = Refused(code, "init_sql");
  }
  if (!status.ok() && InTransaction()) Run("ROLLBACK");
  return status;
}

absl::Status Connection::PrepareEnds() {
  begin_ = Prepare("BEGIN IMMEDIATE");
  commit_ = Prepare("COMMIT");
  rollback_ = Prepare("ROLLBACK");
  if (begin_ != nullptr && commit_ != nullptr && rollback_ != nullptr) return absl::OkStatus();
  return Refused(sqlite3_extended_errcode(db_), "prepare");
}

int Connection::Run(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr); }

int Connection::Step(sqlite3_stmt* statement) {
  if (statement == nullptr) return SQLITE_MISUSE;
  int code = sqlite3_step(statement);
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  const int result = code == SQLITE_DONE ? SQLITE_OK : code;
  sqlite3_reset(statement);
  return result;
}

sqlite3_stmt* Connection::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return statement;
}

bool Connection::InTransaction() const { return sqlite3_get_autocommit(db_) == 0; }

void Connection::ResetStrays() {
  sqlite3_stmt* statement = sqlite3_next_stmt(db_, nullptr);
  for (; statement != nullptr; statement = sqlite3_next_stmt(db_, statement)) {
    if (sqlite3_stmt_busy(statement)) sqlite3_reset(statement);
  }
}

bool Connection::Checkpoint(Failure* failure) {
  int in_wal = 0;
  int copied = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(db_, "main", SQLITE_CHECKPOINT_PASSIVE, &in_wal, &copied);
  if (code != SQLITE_OK) *failure = FailureOf(db_, code, "checkpoint");
  const bool whole = code == SQLITE_OK && in_wal == copied;
  if (whole) wal_pages_ = 0;  // the next commit starts it anew
  return whole;
}

int Connection::Authorize(int action, const char* first, const char* second) {
  if (mode_ == SqlMode::kStore) return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      return SQLITE_DENY;
    case SQLITE_SAVEPOINT:
      return IsOwnTable(second) ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
      return IsHarmlessPragma(first, second) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    default:
      break;
  }
  if (mode_ == SqlMode::kRead) return SQLITE_DENY;
  return IsOwnTable(first) || IsOwnTable(second) ? SQLITE_DENY : SQLITE_OK;
}

absl::Status Connection::Refused(int code, const char* what) {
  Failure failure = FailureOf(db_, code, what);
  const hf_store_status status = failure.Before();
  if (status == HF_STORE_LOCKED) failure.detail += "; another process or store has the file open";
  return ToStatus(status, failure.detail);
}

int64_t Connection::Number(const char* sql, int64_t otherwise) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) != SQLITE_OK) return otherwise;
  const int64_t value =
      sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : otherwise;
  sqlite3_finalize(statement);
  return value;
}

}  // namespace holdfast::inline v0_5::sqlite
