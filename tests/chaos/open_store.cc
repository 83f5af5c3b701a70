// SPDX-License-Identifier: Apache-2.0
// See open_store.h.
#include "chaos/open_store.h"

#include <holdfast/memory/store.h>
#include <holdfast/sqlite/store.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace holdfast::chaos {
namespace {

using std::chrono::milliseconds;

// Rows bound, so that a key may be anything.
absl::Status InsertEffect(sqlite3* db, const std::string& key) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO effect VALUES(?)", -1, &statement, nullptr);
  sqlite3_bind_text(statement, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
  const int code = sqlite3_step(statement);
  sqlite3_finalize(statement);
  return code == SQLITE_DONE ? absl::OkStatus() : absl::UnavailableError(sqlite3_errmsg(db));
}

class SqliteWorld final : public JoinedWorld {
 public:
  explicit SqliteWorld(sqlite::Store& store) : store_(store) {}

  StoreReply Complete(const StoreRequest& complete, const std::string& key) override {
    sqlite::JoinedClaim claim;
    std::copy(std::begin(complete.key_id), std::end(complete.key_id), claim.key_id);
    claim.token = complete.token;
    claim.ttl = Duration{complete.ttl};
    const sqlite::JoinedReply reply =
        store_.RunJoined(claim, [&](sqlite3* db) -> absl::StatusOr<std::string> {
          if (absl::Status status = InsertEffect(db, key); !status.ok()) return status;
          return std::string(complete.body.data, complete.body.size);
        });
    if (!reply.work.ok()) {
      return StorageReply(HF_STORE_UNAVAILABLE, std::string(reply.work.message()));
    }
    return reply.store;
  }

  absl::StatusOr<uint64_t> Effects(const std::string& key) override {
    uint64_t count = 0;
    const absl::Status status = store_.Read([&](sqlite3* db) {
      sqlite3_stmt* statement = nullptr;
      sqlite3_prepare_v2(db, "SELECT count(*) FROM effect WHERE key=?", -1, &statement, nullptr);
      sqlite3_bind_text(statement, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
      const int code = sqlite3_step(statement);
      if (code == SQLITE_ROW) count = static_cast<uint64_t>(sqlite3_column_int64(statement, 0));
      sqlite3_finalize(statement);
      return code == SQLITE_ROW ? absl::OkStatus() : absl::UnavailableError(sqlite3_errmsg(db));
    });
    if (!status.ok()) return status;
    return count;
  }

 private:
  sqlite::Store& store_;
};

absl::StatusOr<OpenedStore> OpenSqlite(const std::string& path, bool shared, Patience patience) {
  sqlite::Options options;
  options.path = path;
  options.init_sql =
      "CREATE TABLE IF NOT EXISTS effect(key TEXT);"
      "CREATE INDEX IF NOT EXISTS effect_by_key ON effect(key);";
  if (patience == Patience::kStorm) {
    options.busy_timeout = milliseconds(500);
    options.default_timeout = milliseconds(500);
    options.settle_timeout = milliseconds(300);
  }
  options.multi_process = shared;
  options.allow_multi_process_despite_wal_reset_bug = shared;
  absl::StatusOr<std::unique_ptr<sqlite::Store>> store = sqlite::Store::Open(std::move(options));
  if (!store.ok()) return store.status();
  OpenedStore opened;
  opened.joined = std::make_unique<SqliteWorld>(**store);
  opened.store = *std::move(store);
  return opened;
}

absl::StatusOr<OpenedStore> OpenMemory() {
  memory::Options options;
  options.max_bytes = size_t{1} << 30;
  absl::StatusOr<std::unique_ptr<memory::Store>> store = memory::Store::Create(std::move(options));
  if (!store.ok()) return store.status();
  return OpenedStore{.store = *std::move(store), .joined = nullptr};
}

}  // namespace

absl::StatusOr<OpenedStore> OpenStore(const std::string& address, bool shared, Patience patience) {
  const size_t colon = address.find(':');
  const std::string kind = address.substr(0, colon);
  const std::string where = colon == address.npos ? "" : address.substr(colon + 1);
  if (kind == "memory") return OpenMemory();
  if (kind == "sqlite") return OpenSqlite(where, shared, patience);
  const auto port = static_cast<uint16_t>(std::strtoul(where.c_str(), nullptr, 10));
#ifdef HF_CHAOS_REDIS
  if (kind == "redis") return OpenRedis(port, 0, patience);
  if (kind == "replicated") return OpenRedis(port, 1, patience);
  if (kind == "cluster") return OpenCluster(port, patience);
#endif
#ifdef HF_CHAOS_POSTGRES
  if (kind == "postgres") return OpenPostgres(port, patience);
#endif
  return absl::InvalidArgumentError("no store '" + address + "'");
}

}  // namespace holdfast::chaos
