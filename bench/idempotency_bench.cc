// SPDX-License-Identifier: Apache-2.0
// Idempotency: the identity of a key, the table, and a whole run against the memory store.
#include <absl/container/flat_hash_map.h>
#include <benchmark/benchmark.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/memory/store.h>
#include <malloc.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace {

void KeyId(benchmark::State& state) {
  const hf_str space{"shop", 4}, tenant{"acme", 4}, operation{"payment.Charge", 14};
  const std::string text = "0193f0c2-7a11-7c3e-9d55-2f6b8c1e4a77";
  const hf_str key{text.data(), text.size()};
  uint8_t id[32];
  for (auto _ : state) {
    benchmark::DoNotOptimize(hf_idem_key_id(&space, &tenant, &operation, &key, id));
  }
}
BENCHMARK(KeyId)->Name("idem/key_id");

hf_idem_options Options(uint64_t number) {
  hf_idem_options options = HF_INIT(hf_idem_options);
  std::memcpy(options.key_id, &number, sizeof(number));
  options.key_id[31] = 1;
  options.fingerprint[0] = 1;
  std::memcpy(options.nonce, &number, sizeof(number));
  options.nonce[15] = 1;
  options.seed = number + 1;
  return options;
}

// The session alone: claim won, work done, completed; the store's answers are at hand.
void Session(benchmark::State& state) {
  hf_store_reply won{}, stored{};
  won.status = HF_STORE_WON;
  won.state = HF_RECORD_IN_PROGRESS;
  won.token = won.attempt = 1;
  stored = won;
  stored.status = HF_STORE_OK;
  stored.state = HF_RECORD_COMPLETED;
  const hf_idem_options options = Options(7);
  const hf_outcome done{};
  for (auto _ : state) {
    hf_idem idem;
    hf_action action;
    hf_store_request request;
    hf_idem_start(&idem, &options, HF_S, &action);
    hf_idem_request(&idem, &request);
    hf_idem_on_reply(&idem, &won, HF_S, &action);
    hf_idem_on_result(&idem, &done, "ok", 2, HF_S, &action);
    hf_idem_request(&idem, &request);
    hf_idem_on_reply(&idem, &stored, HF_S, &action);
    if (action.kind != HF_DO_FINISH || action.code != HF_OK) std::abort();
  }
}
BENCHMARK(Session)->Name("idem/session");

// Returns whether the result was replayed.
bool RunOnce(holdfast::Store& store, uint64_t number) {
  const hf_idem_options options = Options(number);
  const hf_outcome done{};
  hf_idem idem;
  hf_action action;
  hf_store_request request;
  hf_idem_start(&idem, &options, HF_S, &action);
  holdfast::StoreReply reply;
  while (action.kind != HF_DO_FINISH) {
    if (action.kind == HF_DO_RUN) {
      hf_idem_on_result(&idem, &done, "confirmed", 9, HF_S, &action);
      continue;
    }
    hf_idem_request(&idem, &request);
    reply = store.Execute(request, holdfast::Duration{0});
    hf_idem_on_reply(&idem, &reply.raw, HF_S, &action);
  }
  if (action.code != HF_OK) std::abort();
  return reply.body != nullptr;
}

void MemoryFresh(benchmark::State& state) {
  auto store = holdfast::memory::Store::Create({.max_bytes = size_t{4} << 30}).value();
  uint64_t number = 0;
  for (auto _ : state) benchmark::DoNotOptimize(RunOnce(*store, number++));
}
BENCHMARK(MemoryFresh)->Name("idem/memory_fresh")->Iterations(200000);

void MemoryReplay(benchmark::State& state) {
  auto store = holdfast::memory::Store::Create().value();
  RunOnce(*store, 1);
  for (auto _ : state) {
    if (!RunOnce(*store, 1)) std::abort();
  }
}
BENCHMARK(MemoryReplay)->Name("idem/memory_replay");

// What memory_claim_complete is measured against: the least that a table which forgets can cost. Lock, insert a
// fresh key; lock, erase the one from kSteady keys ago. It is a low floor on purpose: its value is 64 bytes of
// nothing, no result is stored between the two, nobody's claim is checked and no clock is read. Whoever writes
// by hand what a store is for pays for a third look-up and a result on the heap, as the store does.
constexpr uint64_t kSteady = 4096;
using FloorKey = std::array<uint8_t, 32>;

FloorKey FloorKeyOf(uint64_t number) {
  FloorKey key{};
  std::memcpy(key.data(), &number, sizeof(number));
  return key;
}

void MutexAndMap(benchmark::State& state) {
  std::mutex mutex;
  absl::flat_hash_map<FloorKey, std::array<uint8_t, 64>> map;
  uint64_t number = 0;
  for (; number < kSteady; ++number) map.try_emplace(FloorKeyOf(number));
  for (auto _ : state) {
    {
      const std::lock_guard lock(mutex);
      map.try_emplace(FloorKeyOf(number));
    }
    const std::lock_guard lock(mutex);
    map.erase(FloorKeyOf(number - kSteady));
    ++number;
  }
}
BENCHMARK(MutexAndMap)->Name("idem/floor_mutex_and_map");

// Claim and complete of a fresh key, whose result is forgotten kSteady keys later.
void ClaimComplete(benchmark::State& state) {
  int64_t now = HF_S;
  auto store =
      holdfast::memory::Store::Create({.shards = 1, .clock = [&now] { return now; }}).value();
  holdfast::StoreRequest claim{}, complete{};
  claim.verb = HF_STORE_CLAIM;
  claim.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
  claim.fingerprint[0] = claim.nonce[0] = 1;
  claim.lease = HF_S;
  claim.max_attempts = 10;
  complete.verb = HF_STORE_COMPLETE;
  complete.ttl = kSteady;
  complete.body = {"confirmed", 9};
  uint64_t number = 0;
  for (auto _ : state) {
    ++now;
    std::memcpy(claim.key_id, &number, sizeof(number));
    std::memcpy(complete.key_id, &number, sizeof(number));
    ++number;
    complete.token = store->Execute(claim, holdfast::Duration{0}).raw.token;
    if (store->Execute(complete, holdfast::Duration{0}).raw.status != HF_STORE_OK) std::abort();
  }
}
BENCHMARK(ClaimComplete)->Name("idem/memory_claim_complete");

// What one key costs: the process's heap grows by this much for each completed key with a short result.
void BytesPerKey(benchmark::State& state) {
  constexpr uint64_t kKeys = 100000;
  for (auto _ : state) {
    const size_t before = mallinfo2().uordblks;
    auto store = holdfast::memory::Store::Create({.max_bytes = size_t{4} << 30}).value();
    for (uint64_t number = 0; number < kKeys; ++number) RunOnce(*store, number);
    state.counters["heap_bytes"] = static_cast<double>(mallinfo2().uordblks - before) / kKeys;
    state.counters["counted_bytes"] = static_cast<double>(store->stats().bytes) / kKeys;
  }
}
BENCHMARK(BytesPerKey)->Name("idem/memory_bytes_per_key")->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
