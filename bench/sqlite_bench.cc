// SPDX-License-Identifier: Apache-2.0
// The SQLite store, durable: a fresh claim per operation, beside one bare upsert per commit on the same
// disk. The more callers wait, the more of them share one fsync. Labelled "wall": what counts is the time
// that passes per operation of all threads, since most of it is spent waiting for the disk.
//
// sqlite/batched_*: 64 claims by ExecuteMany, and 64 bare upserts of the same row (same columns and bytes, same
// index, same keys) in one transaction with the same settings, in rounds that alternate in one loop.
#include <benchmark/benchmark.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/sqlite/store.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

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

constexpr int kBatch = 64;

// Key ids are hashes: bare and claimed rows alike are spread over the whole table.
void SpreadKey(uint64_t number, uint8_t* key) { hf_idem_fingerprint(&number, sizeof(number), key); }

holdfast::StoreRequest FreshClaim(uint64_t number) {
  holdfast::StoreRequest request{};
  request.verb = HF_STORE_CLAIM;
  request.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
  SpreadKey(number, request.key_id);
  std::memcpy(request.fingerprint, request.key_id, sizeof(request.fingerprint));
  std::memcpy(request.nonce, request.key_id, sizeof(request.nonce));
  request.lease = 30 * HF_S;
  request.ttl = 3600 * HF_S;
  request.max_attempts = 10;
  return request;
}

// The same file as the store's, by the same settings, driven by hand.
class Bare {
 public:
  explicit Bare(const std::string& path) {
    // The store's own schema, so that columns and indexes are the same by construction.
    holdfast::sqlite::Store::Open({.path = path}).value().reset();
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) std::abort();
    Run(db_,
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "PRAGMA wal_autocheckpoint=1000; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192");
    sqlite3_prepare_v2(
        db_,
        "INSERT INTO holdfast_record(kid,state,on_expiry,fingerprint,nonce,token,attempt,truncated,"
        "code,lease_until,not_before,expires_at,completed_at,body_sum,sum,format,reconcile,label,"
        "body) VALUES(?1,1,1,?2,?3,?4,1,0,0,?5,0,0,0,?6,?6,2,0,x'',x'') ON CONFLICT(kid) DO UPDATE "
        "SET "
        "(state,on_expiry,fingerprint,nonce,token,attempt,truncated,code,lease_until,not_before,"
        "expires_at,completed_at,body_sum,sum,format,reconcile,label,body)="
        "(1,1,?2,?3,?4,1,0,0,?5,0,0,0,?6,?6,2,0,x'',x'')",
        -1, &upsert_, nullptr);
    sqlite3_prepare_v2(db_, "BEGIN IMMEDIATE", -1, &begin_, nullptr);
    sqlite3_prepare_v2(db_, "COMMIT", -1, &commit_, nullptr);
  }
  ~Bare() {
    for (sqlite3_stmt* statement : {upsert_, begin_, commit_}) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }

  void Batch(const holdfast::StoreRequest* requests) {
    Step(begin_);
    for (int i = 0; i < kBatch; ++i) {
      const holdfast::StoreRequest& request = requests[i];
      sqlite3_bind_blob(upsert_, 1, request.key_id, 32, SQLITE_STATIC);
      sqlite3_bind_blob(upsert_, 2, request.fingerprint, 32, SQLITE_STATIC);
      sqlite3_bind_blob(upsert_, 3, request.nonce, 16, SQLITE_STATIC);
      sqlite3_bind_int64(upsert_, 4, 1700000000000000);
      sqlite3_bind_int64(upsert_, 5, 1700000030000000000);
      sqlite3_bind_blob(upsert_, 6, request.fingerprint, 16, SQLITE_STATIC);
      Step(upsert_);
    }
    Step(commit_);
  }

 private:
  static void Step(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) std::abort();
    sqlite3_reset(statement);
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* upsert_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
};

constexpr int kRounds = 9;
constexpr int kBatchesOfARound = 32;
constexpr double kKeysOfARound = kBatch * kBatchesOfARound;

using Requests = std::vector<holdfast::StoreRequest>;

// Seconds for a round of batches, the checkpoints that they lead to included: both sides' checkpoint after 1000
// pages, and the store's is over when it answers the next request.
double ClaimRound(holdfast::sqlite::Store& store, const Requests& requests) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kBatchesOfARound; ++i) {
    for (const auto& reply : store.ExecuteMany({&requests[i * kBatch], kBatch}, {})) {
      if (reply.raw.status != HF_STORE_WON) std::abort();
    }
  }
  holdfast::StoreRequest read = requests[0];
  read.verb = HF_STORE_READ;
  store.Execute(read, {});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double UpsertRound(Bare& bare, const Requests& requests) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kBatchesOfARound; ++i) bare.Batch(&requests[i * kBatch]);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Per key, as the loop that alternates both sides has seen it; told by the benchmark after it.
double bare_per_key = 0;

void BatchedClaims(benchmark::State& state) {
  state.SetLabel("wall");
  const Folder ours;
  const Folder theirs;
  uint64_t number = 0;
  std::vector<double> ratios;
  std::vector<double> bare_times;
  {
    auto store = holdfast::sqlite::Store::Open({.path = ours.File()}).value();
    Bare bare(theirs.File());
    for (auto _ : state) {
      Requests requests;
      while (requests.size() < kKeysOfARound) requests.push_back(FreshClaim(++number));
      double claims = 0;
      double upserts = 0;
      if (ratios.size() % 2 == 0) {
        claims = ClaimRound(*store, requests);
        upserts = UpsertRound(bare, requests);
      } else {
        upserts = UpsertRound(bare, requests);
        claims = ClaimRound(*store, requests);
      }
      state.SetIterationTime(claims / kKeysOfARound);
      ratios.push_back(upserts / claims);
      bare_times.push_back(upserts / kKeysOfARound);
    }
  }
  bare_per_key = Median(bare_times);
  state.counters["of_bare"] = Median(ratios);
  const auto per_key = [&](const Folder& folder) {
    return static_cast<double>(std::filesystem::file_size(folder.File())) /
           static_cast<double>(number);
  };
  state.counters["bytes_per_key"] = per_key(ours);
  state.counters["bare_bytes_per_key"] = per_key(theirs);
}
BENCHMARK(BatchedClaims)->Name("sqlite/batched_claims")->UseManualTime()->Iterations(kRounds);

void BatchedUpserts(benchmark::State& state) {
  state.SetLabel("wall");
  for (auto _ : state) state.SetIterationTime(bare_per_key);
}
BENCHMARK(BatchedUpserts)->Name("sqlite/batched_upserts")->UseManualTime()->Iterations(kRounds);

}  // namespace

BENCHMARK_MAIN();
