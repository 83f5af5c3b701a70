// SPDX-License-Identifier: Apache-2.0
// LocalTier: a hit, beside the least that any cache in a process pays for one: a mutex, a lookup, a shared pointer.
#include <absl/container/flat_hash_map.h>
#include <benchmark/benchmark.h>
#include <holdfast/memory/local_tier.h>
#include <holdfast/memory/store.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace {

constexpr uint64_t kKeys = 1024;

hf_store_request Request(hf_store_verb verb, uint64_t number) {
  hf_store_request request{};
  request.verb = verb;
  request.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
  std::memcpy(request.key_id, &number, sizeof(number));
  request.key_id[31] = 1;
  request.fingerprint[0] = 1;
  request.nonce[0] = 1;
  request.lease = HF_S;
  request.ttl = 86400 * HF_S;
  request.max_attempts = 10;
  return request;
}

void Hit(benchmark::State& state) {
  std::shared_ptr<holdfast::Store> store = holdfast::memory::Store::Create().value();
  const std::string body(1024, 'x');
  for (uint64_t i = 0; i < kKeys; ++i) {
    hf_store_request complete = Request(HF_STORE_COMPLETE, i);
    complete.token = store->Execute(Request(HF_STORE_CLAIM, i), holdfast::Duration{0}).raw.token;
    complete.body = {body.data(), body.size()};
    store->Execute(complete, holdfast::Duration{0});
  }
  auto tier =
      holdfast::memory::LocalTier::Create(store, {.max_age = std::chrono::hours(24)}).value();
  std::vector<hf_store_request> claims;
  for (uint64_t i = 0; i < kKeys; ++i) {
    claims.push_back(Request(HF_STORE_CLAIM, i));
    tier->Execute(claims.back(), holdfast::Duration{0});
  }
  uint64_t i = 0;
  for (auto _ : state) {
    const holdfast::StoreReply reply = tier->Execute(claims[i++ % kKeys], holdfast::Duration{0});
    if (reply.body == nullptr) std::abort();
  }
  if (tier->stats().misses != kKeys) std::abort();
}
BENCHMARK(Hit)->Name("local_tier/hit");

void Floor(benchmark::State& state) {
  using Key = std::array<uint8_t, 32>;
  std::mutex mutex;
  absl::flat_hash_map<Key, std::shared_ptr<const std::string>> map;
  std::vector<Key> keys(kKeys);
  for (uint64_t i = 0; i < kKeys; ++i) {
    std::memcpy(keys[i].data(), &i, sizeof(i));
    map[keys[i]] = std::make_shared<const std::string>(1024, 'x');
  }
  uint64_t i = 0;
  for (auto _ : state) {
    const std::lock_guard lock(mutex);
    std::shared_ptr<const std::string> body = map.find(keys[i++ % kKeys])->second;
    benchmark::DoNotOptimize(body);
  }
}
BENCHMARK(Floor)->Name("local_tier/floor_mutex_flat_hash_map");

}  // namespace

BENCHMARK_MAIN();
