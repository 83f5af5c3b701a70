// SPDX-License-Identifier: Apache-2.0
// Bulkhead: take and give back a permit, with `now` passed in, as a driver that reads its clock once.
//
//   pair         nobody waits, only the limit is asked
//   sample       the same by a request and with a latency to learn nothing from
//   shares       partitions, users and latencies: by the lock
//   hand_over    queue behind a permit, give it back, poll it
//   refusal      full, and nothing to wait in
#include <benchmark/benchmark.h>
#include <holdfast/c/bulkhead.h>

#include <cstdlib>

namespace {

hf_bulkhead* NewBulkhead(const hf_bulkhead_options& options) {
  hf_bulkhead* bulkhead = nullptr;
  if (hf_bulkhead_new(&options, &bulkhead, nullptr) != HF_OK) std::abort();
  return bulkhead;
}

hf_bulkhead_options Limit(uint32_t limit) {
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.limit = limit;
  return options;
}

hf_bulkhead_options WithShares() {
  hf_bulkhead_options options = Limit(64);
  options.refuse_no_time = 1;
  options.partitions = 2;
  options.partition_share[0] = options.partition_share[1] = 0.5;
  options.user_share = 0.5;
  return options;
}

void Pair(benchmark::State& state) {
  static hf_bulkhead* const bulkhead = NewBulkhead(Limit(64));
  for (auto _ : state) {
    hf_permit permit;
    benchmark::DoNotOptimize(hf_bulkhead_try_acquire(bulkhead, HF_S, &permit, nullptr));
    benchmark::DoNotOptimize(hf_bulkhead_release(bulkhead, &permit, HF_S));
  }
}
BENCHMARK(Pair)->Name("bulkhead/pair")->Threads(1)->Threads(2)->UseRealTime();

void AcquireAndSettle(benchmark::State& state, hf_bulkhead* bulkhead) {
  hf_bulkhead_request request = HF_INIT(hf_bulkhead_request);
  request.user = 1 + static_cast<uint64_t>(state.thread_index());
  request.deadline = 10 * HF_S;
  for (auto _ : state) {
    hf_permit permit;
    benchmark::DoNotOptimize(
        hf_bulkhead_acquire(bulkhead, &request, nullptr, nullptr, HF_S, &permit, nullptr, nullptr));
    benchmark::DoNotOptimize(
        hf_bulkhead_settle(bulkhead, &permit, HF_S, HF_VERDICT_SUCCESS, HF_S + HF_MS));
  }
}

void Sample(benchmark::State& state) {
  static hf_bulkhead* const bulkhead = NewBulkhead(Limit(64));
  AcquireAndSettle(state, bulkhead);
}
BENCHMARK(Sample)->Name("bulkhead/sample")->Threads(1)->Threads(2)->UseRealTime();

void Shares(benchmark::State& state) {
  static hf_bulkhead* const bulkhead = NewBulkhead(WithShares());
  AcquireAndSettle(state, bulkhead);
}
BENCHMARK(Shares)->Name("bulkhead/shares")->Threads(1)->Threads(2)->UseRealTime();

void HandOver(benchmark::State& state) {
  hf_bulkhead_options options = Limit(1);
  options.queue = 1;
  hf_bulkhead* const bulkhead = NewBulkhead(options);
  hf_permit permit;
  hf_bulkhead_try_acquire(bulkhead, HF_S, &permit, nullptr);
  for (auto _ : state) {
    hf_bulkhead_wait wait;
    hf_permit next;
    hf_time until;
    hf_bulkhead_wait_start(bulkhead, &wait, nullptr, 0, HF_S, &next, &until, nullptr);
    hf_bulkhead_release(bulkhead, &permit, HF_S);
    benchmark::DoNotOptimize(hf_bulkhead_wait_poll(bulkhead, &wait, HF_S, &next, nullptr));
    permit = next;
  }
  hf_bulkhead_release(bulkhead, &permit, HF_S);
  hf_bulkhead_unref(bulkhead);
}
BENCHMARK(HandOver)->Name("bulkhead/hand_over");

void Refusal(benchmark::State& state) {
  hf_bulkhead* const bulkhead = NewBulkhead(Limit(1));
  hf_permit held;
  hf_bulkhead_try_acquire(bulkhead, HF_S, &held, nullptr);
  for (auto _ : state) {
    hf_permit permit;
    hf_rejection why;
    benchmark::DoNotOptimize(hf_bulkhead_try_acquire(bulkhead, HF_S, &permit, &why));
  }
  hf_bulkhead_release(bulkhead, &held, HF_S);
  hf_bulkhead_unref(bulkhead);
}
BENCHMARK(Refusal)->Name("bulkhead/refusal");

}  // namespace

BENCHMARK_MAIN();
