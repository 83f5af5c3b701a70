// SPDX-License-Identifier: Apache-2.0
// The PostgreSQL store on a durable server of its own (fsync on), beside one bare insert of a 32-byte key per
// commit on as many connections of libpq, without any library in between. All are measured in turn, round after
// round, so that a disk that slows down slows all of them alike; a figure is the median round. Labelled "wall":
// what counts is the time that passes per item of all clients.
//
// `postgres_bench --rounds=12` prints ranges and ratios of the same round, and bytes per key.
#include <benchmark/benchmark.h>
#include <holdfast/postgres/store.h>
#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/postgres_server.h"

namespace {

using holdfast::StoreReply;
using holdfast::StoreRequest;

constexpr int kClients = 16;
constexpr size_t kBulk = 64;

std::atomic<uint64_t> next_key{1};

// Spread like the hash that a key id is.
void FillKey(unsigned char* key) {
  uint64_t word = next_key.fetch_add(1) * 0x9E3779B97F4A7C15u;
  for (int i = 0; i < 4; ++i, word = word * 0xBF58476D1CE4E5B9u + 1) {
    std::memcpy(key + 8 * i, &word, sizeof(word));
  }
}

StoreRequest Claim() {
  StoreRequest request{};
  request.verb = HF_STORE_CLAIM;
  request.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
  FillKey(request.key_id);
  std::memset(request.fingerprint, 7, sizeof(request.fingerprint));
  std::memcpy(request.nonce, request.key_id, sizeof(request.nonce));
  request.lease = 30 * HF_S;
  request.ttl = 3600 * HF_S;
  request.max_attempts = 10;
  return request;
}

StoreRequest Completion(const StoreRequest& claim, uint64_t token) {
  StoreRequest request = claim;
  request.verb = HF_STORE_COMPLETE;
  request.token = token;
  request.body = {"a result of some bytes", 22};
  return request;
}

// One server for the whole program.
struct World {
  World() : server({"shared_buffers=256MB", "max_wal_size=4GB", "autovacuum=on"}) {
    admin = std::make_unique<holdfast::testing::PgClient>(server.Url());
    admin->Sql("CREATE TABLE bare(kid bytea PRIMARY KEY)");
    holdfast::postgres::Options options;
    options.url = server.Url();
    options.connections = kClients;
    options.pipeline_depth = 1;
    store = holdfast::postgres::Store::Open(options).value();
  }
  uint64_t Number(const std::string& sql) { return std::stoull(admin->Sql(sql)); }

  holdfast::testing::PostgresServer server;
  std::unique_ptr<holdfast::testing::PgClient> admin;
  std::unique_ptr<holdfast::postgres::Store> store;
};

World& world() {
  static World all;
  return all;
}

// A connection of the bare kind, its statement prepared.
class Bare {
 public:
  Bare() : client_(world().server.Url()) {
    PQclear(PQprepare(client_.raw(), "bare", "INSERT INTO bare VALUES($1) ON CONFLICT DO NOTHING",
                      1, nullptr));
  }
  void Insert() {
    unsigned char key[32];
    FillKey(key);
    const char* const values[] = {reinterpret_cast<const char*>(key)};
    const int lengths[] = {sizeof(key)}, formats[] = {1};
    PGresult* const result = PQexecPrepared(client_.raw(), "bare", 1, values, lengths, formats, 1);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) std::abort();
    PQclear(result);
  }

 private:
  holdfast::testing::PgClient client_;
};

void OneClaim() {
  if (world().store->Execute(Claim(), {}).raw.status != HF_STORE_WON) std::abort();
}

void OneBatch() {
  std::vector<StoreRequest> claims;
  for (size_t i = 0; i < kBulk; ++i) claims.push_back(Claim());
  for (const StoreReply& reply : world().store->ExecuteMany(claims, {})) {
    if (reply.raw.status != HF_STORE_WON) std::abort();
  }
}

// A claim that is ready to be completed, in bulk, outside what is measured.
std::vector<StoreRequest> Prepared(size_t count) {
  std::vector<StoreRequest> claims, completions;
  for (size_t i = 0; i < count; ++i) claims.push_back(Claim());
  const std::vector<StoreReply> won = world().store->ExecuteMany(claims, {});
  for (size_t i = 0; i < count; ++i) completions.push_back(Completion(claims[i], won[i].raw.token));
  return completions;
}

uint64_t BytesPerKey() {
  world().admin->Sql("VACUUM");
  return world().Number(
      "SELECT pg_total_relation_size('holdfast.record') / "
      "greatest(1, (SELECT count(*) FROM holdfast.record))");
}

// With its indexes, after some ten thousand claims.
void Size(benchmark::State& state) {
  for (auto _ : state) {
    for (int i = 0; i < 160; ++i) OneBatch();
    state.counters["bytes"] = static_cast<double>(BytesPerKey());
  }
}
BENCHMARK(Size)->Name("postgres/bytes_per_key")->Iterations(1);

// --- rounds -----------------------------------------------------------------------------------------

using Work = std::function<uint64_t(std::chrono::steady_clock::time_point)>;

// Items per second of all clients together. `make` gives each its work: until when -> items done.
double Rate(int clients, const std::function<Work()>& make) {
  std::vector<Work> works;
  for (int i = 0; i < clients; ++i) works.push_back(make());
  std::atomic<uint64_t> items{0};
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + std::chrono::milliseconds(250);
  std::vector<std::thread> threads;
  for (Work& work : works) threads.emplace_back([&] { items += work(end); });
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return static_cast<double>(items) / took.count();
}

template <class Step>
Work Repeat(Step step, uint64_t items = 1) {
  return [step, items](std::chrono::steady_clock::time_point end) mutable {
    uint64_t done = 0;
    for (; std::chrono::steady_clock::now() < end; done += items) step();
    return done;
  };
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Print(const char* name, const std::vector<double>& rates, const std::vector<double>& base) {
  std::vector<double> ratios;
  for (size_t i = 0; i < rates.size(); ++i) ratios.push_back(rates[i] / base[i]);
  std::printf("%-28s %9.0f/s  [%.0f, %.0f]   x%.2f [%.2f, %.2f]\n", name, Median(rates),
              *std::min_element(rates.begin(), rates.end()),
              *std::max_element(rates.begin(), rates.end()), Median(ratios),
              *std::min_element(ratios.begin(), ratios.end()),
              *std::max_element(ratios.begin(), ratios.end()));
}

// Items per second, by rounds.
struct Rates {
  std::vector<double> bare_c1, claim_c1, bare, claim, complete, bulk;
};

Work Completing() {
  auto ready = std::make_shared<std::vector<StoreRequest>>(Prepared(4096));
  return [ready](std::chrono::steady_clock::time_point end) {
    uint64_t done = 0;
    for (const StoreRequest& request : *ready) {
      if (std::chrono::steady_clock::now() >= end) break;
      if (world().store->Execute(request, {}).raw.status != HF_STORE_OK) std::abort();
      ++done;
    }
    return done;
  };
}

Rates Measure(int rounds) {
  const auto inserting = [] {
    return Repeat([connection = std::make_shared<Bare>()] { connection->Insert(); });
  };
  const auto claiming = [] { return Repeat(&OneClaim); };
  Rates rates;
  for (int round = 0; round < rounds; ++round) {
    rates.bare_c1.push_back(Rate(1, inserting));
    rates.claim_c1.push_back(Rate(1, claiming));
    rates.bare.push_back(Rate(kClients, inserting));
    rates.claim.push_back(Rate(kClients, claiming));
    rates.bulk.push_back(Rate(kClients, [] { return Repeat(&OneBatch, kBulk); }));
    rates.complete.push_back(Rate(kClients, &Completing));
  }
  return rates;
}

// The figures of a repetition come from the same rounds: the first to be asked for measures all.
void Register(const char* name, std::vector<double> Rates::* which) {
  static std::vector<Rates> measured;
  auto repetition = std::make_shared<size_t>(0);
  benchmark::RegisterBenchmark(name,
                               [=](benchmark::State& state) {
                                 state.SetLabel("wall");
                                 for (auto _ : state) {
                                   if (measured.size() == *repetition) {
                                     measured.push_back(Measure(6));
                                   }
                                   state.SetIterationTime(1 / Median(measured[*repetition].*which));
                                 }
                                 ++*repetition;
                               })
      ->UseManualTime()
      ->Iterations(1);
}

void Rounds(int rounds) {
  const Rates rates = Measure(rounds);
  std::printf(
      "%d clients if not said otherwise, %d rounds, fsync on: median [min, max], ratio of the same "
      "round\n",
      kClients, rounds);
  Print("bare insert, 1 client", rates.bare_c1, rates.bare_c1);
  Print("claim / bare, 1 client", rates.claim_c1, rates.bare_c1);
  Print("bare insert", rates.bare, rates.bare);
  Print("claim / bare", rates.claim, rates.bare);
  Print("complete / bare", rates.complete, rates.bare);
  Print("bulk-64 claims / claim", rates.bulk, rates.claim);
  std::printf("bytes per key, with its indexes: %lu\n", static_cast<unsigned long>(BytesPerKey()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strncmp(argv[1], "--rounds=", 9) == 0) {
    Rounds(std::max(1, std::atoi(argv[1] + 9)));
    return 0;
  }
  Register("postgres/bare_insert_c1", &Rates::bare_c1);
  Register("postgres/claim_c1", &Rates::claim_c1);
  Register("postgres/bare_insert_c16", &Rates::bare);
  Register("postgres/claim_c16", &Rates::claim);
  Register("postgres/complete_c16", &Rates::complete);
  Register("postgres/claim_bulk64_c16", &Rates::bulk);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
