// SPDX-License-Identifier: Apache-2.0
// The SQLite store, durable: a fresh claim per operation, beside one bare upsert per commit on the same
// disk. The more callers wait, the more of them share one fsync. Labelled "wall": what counts is the time
// that passes per operation of all threads, since most of it is spent waiting for the disk.
#include <benchmark/benchmark.h>
#include <holdfast/sqlite/store.h>
#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

namespace {

// A folder of its own on the disk of the temporary files, removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string File() const { return (path_ / "bench.sqlite").string(); }

 private:
  std::filesystem::path path_;
};

void Run(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) std::abort();
}

void BareUpsert(benchmark::State& state) {
  state.SetLabel("wall");
  const Folder folder;
  sqlite3* db = nullptr;
  if (sqlite3_open(folder.File().c_str(), &db) != SQLITE_OK) std::abort();
  Run(db,
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA locking_mode=EXCLUSIVE;"
      "CREATE TABLE t(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID;");
  sqlite3_stmt* upsert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?1, ?2) ON CONFLICT(k) DO UPDATE SET v=excluded.v",
                     -1, &upsert, nullptr);
  uint64_t number = 0;
  unsigned char key[32] = {};
  const std::string value(200, 'v');
  for (auto _ : state) {
    ++number;
    std::memcpy(key, &number, sizeof(number));
    sqlite3_bind_blob(upsert, 1, key, sizeof(key), SQLITE_STATIC);
    sqlite3_bind_blob(upsert, 2, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    if (sqlite3_step(upsert) != SQLITE_DONE) std::abort();
    sqlite3_reset(upsert);
  }
  sqlite3_finalize(upsert);
  sqlite3_close(db);
}
BENCHMARK(BareUpsert)->Name("sqlite/bare_upsert")->UseRealTime();

struct Shared {
  Folder folder;
  std::unique_ptr<holdfast::sqlite::Store> store;
};
std::unique_ptr<Shared> shared;
std::atomic<uint64_t> next_key{1};

void Claim(benchmark::State& state) {
  state.SetLabel("wall");
  if (state.thread_index() == 0) {
    shared = std::make_unique<Shared>();
    shared->store = holdfast::sqlite::Store::Open({.path = shared->folder.File()}).value();
  }
  for (auto _ : state) {
    holdfast::StoreRequest request{};
    request.verb = HF_STORE_CLAIM;
    request.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
    const uint64_t number = next_key.fetch_add(1);
    std::memcpy(request.key_id, &number, sizeof(number));
    request.nonce[0] = request.fingerprint[0] = 1;
    request.lease = 30 * HF_S;
    request.ttl = 3600 * HF_S;
    request.max_attempts = 10;
    if (shared->store->Execute(request, {}).raw.status != HF_STORE_WON) std::abort();
  }
  if (state.thread_index() == 0) shared.reset();
}
BENCHMARK(Claim)->Name("sqlite/claim")->Threads(1)->Threads(8)->Threads(32)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
