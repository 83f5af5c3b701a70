// SPDX-License-Identifier: Apache-2.0
// The bulkhead through the C ABI: bad input, and many threads at once with exact counts at the end.
#include <gtest/gtest.h>
#include <holdfast/c/bulkhead.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "unit/bell.h"

namespace {

using holdfast::Bell;

hf_bulkhead* NewBulkhead(uint32_t limit, uint32_t queue, hf_duration max_wait = 0) {
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.limit = limit;
  options.queue = queue;
  options.max_wait = max_wait;
  hf_bulkhead* bulkhead = nullptr;
  EXPECT_EQ(hf_bulkhead_new(&options, &bulkhead, nullptr), HF_OK);
  return bulkhead;
}

hf_bulkhead_snapshot Read(const hf_bulkhead* bulkhead) {
  hf_bulkhead_snapshot snapshot{};
  snapshot.struct_size = sizeof(snapshot);
  EXPECT_EQ(hf_bulkhead_read(bulkhead, &snapshot), HF_OK);
  return snapshot;
}

void ExpectRefused(hf_bulkhead_options options, hf_reason reason, const std::string& field) {
  hf_bulkhead* bulkhead = nullptr;
  hf_error error{};
  EXPECT_EQ(hf_bulkhead_new(&options, &bulkhead, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, reason) << error.text;
  EXPECT_NE(std::string(error.text).find(field), std::string::npos) << error.text;
  EXPECT_EQ(bulkhead, nullptr);
}

TEST(BulkheadAbi, OptionsOutOfRangeAreRefusedByName) {
  const hf_bulkhead_options fine = HF_INIT(hf_bulkhead_options);
  hf_bulkhead_options options = fine;
  options.limit = 1'000'001;
  ExpectRefused(options, HF_R_OUT_OF_RANGE, "limit");
  options = fine;
  options.queue = 1'000'001;
  ExpectRefused(options, HF_R_OUT_OF_RANGE, "queue");
  options = fine;
  options.max_wait = -1;
  ExpectRefused(options, HF_R_OUT_OF_RANGE, "max_wait");
  options.max_wait = 999;
  ExpectRefused(options, HF_R_OUT_OF_RANGE, "max_wait");
  options.max_wait = HF_INFINITE;
  ExpectRefused(options, HF_R_OUT_OF_RANGE, "max_wait");
  options = fine;
  options.struct_size = 4;
  ExpectRefused(options, HF_R_STRUCT_SIZE, "struct_size");
  options = fine;
  options.abi_level = 0;
  ExpectRefused(options, HF_R_ABI_LEVEL, "abi_level");
}

TEST(BulkheadAbi, NullOptionsAreAllDefaults) {
  hf_bulkhead* bulkhead = nullptr;
  ASSERT_EQ(hf_bulkhead_new(nullptr, &bulkhead, nullptr), HF_OK);
  EXPECT_EQ(Read(bulkhead).limit, 64u);
  hf_bulkhead_unref(bulkhead);
}

TEST(BulkheadAbi, NullPointersAreRefused) {
  hf_bulkhead* const bulkhead = NewBulkhead(1, 1);
  hf_permit permit{};
  hf_bulkhead_wait wait{};
  hf_time until = 0;
  hf_rejection why{};
  EXPECT_EQ(hf_bulkhead_new(nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_try_acquire(nullptr, 0, &permit, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_try_acquire(bulkhead, 0, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_wait_start(bulkhead, nullptr, nullptr, 0, 0, &permit, &until, &why),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_wait_start(bulkhead, &wait, nullptr, 0, 0, nullptr, &until, &why),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_wait_start(bulkhead, &wait, nullptr, 0, 0, &permit, nullptr, &why),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_wait_poll(bulkhead, nullptr, 0, &permit, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_wait_cancel(bulkhead, nullptr, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_wait_cancel(nullptr, &wait, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_release(bulkhead, nullptr, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_read(bulkhead, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(Read(bulkhead).in_flight, 0u);
  hf_bulkhead_unref(bulkhead);
  hf_bulkhead_unref(nullptr);
}

TEST(BulkheadAbi, NegativeTimesAreRefusedWhereSomethingIsTaken) {
  hf_bulkhead* const bulkhead = NewBulkhead(1, 1);
  hf_permit permit{};
  hf_bulkhead_wait wait{};
  hf_time until = 0;
  hf_rejection why{};
  EXPECT_EQ(hf_bulkhead_try_acquire(bulkhead, -1, &permit, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_OUT_OF_RANGE);
  EXPECT_EQ(hf_bulkhead_wait_start(bulkhead, &wait, nullptr, -1, 0, &permit, &until, &why),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_wait_start(bulkhead, &wait, nullptr, 0, -1, &permit, &until, &why),
            HF_INVALID_ARGUMENT);
  hf_bulkhead_unref(bulkhead);
}

TEST(BulkheadAbi, AStrangeClockLosesNoPermit) {
  hf_bulkhead* const bulkhead = NewBulkhead(1, 0);
  hf_permit permit{};
  ASSERT_EQ(hf_bulkhead_try_acquire(bulkhead, 5, &permit, nullptr), HF_OK);
  EXPECT_EQ(hf_bulkhead_release(bulkhead, &permit, -7), HF_OK);
  EXPECT_EQ(Read(bulkhead).in_flight, 0u);
  hf_bulkhead_unref(bulkhead);
}

TEST(BulkheadAbi, APermitIsGivenBackOnceAndOnlyToItsGiver) {
  hf_bulkhead* const mine = NewBulkhead(1, 0);
  hf_bulkhead* const other = NewBulkhead(1, 0);
  hf_permit permit{};
  hf_permit others{};
  ASSERT_EQ(hf_bulkhead_try_acquire(mine, 0, &permit, nullptr), HF_OK);
  ASSERT_EQ(hf_bulkhead_try_acquire(other, 0, &others, nullptr), HF_OK);
  EXPECT_EQ(hf_bulkhead_release(other, &permit, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(Read(other).in_flight, 1u);
  hf_permit copy = permit;
  EXPECT_EQ(hf_bulkhead_release(mine, &permit, 0), HF_OK);
  EXPECT_EQ(permit.kind, HF_PERMIT_NONE);
  EXPECT_EQ(hf_bulkhead_release(mine, &permit, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_release(mine, &copy, 0), HF_INVALID_ARGUMENT) << "nothing is in flight";
  EXPECT_EQ(Read(mine).in_flight, 0u);
  hf_bulkhead_unref(mine);
  hf_bulkhead_unref(other);
}

TEST(BulkheadAbi, AWaitThatIsNotQueuedIsRecognised) {
  hf_bulkhead* const bulkhead = NewBulkhead(1, 1);
  hf_bulkhead* const other = NewBulkhead(1, 1);
  hf_permit held{};
  hf_permit permit{};
  hf_rejection why{};
  hf_time until = 0;
  hf_bulkhead_wait wait{};
  EXPECT_EQ(hf_bulkhead_wait_poll(bulkhead, &wait, 0, &permit, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_BAD_STATE);
  EXPECT_EQ(hf_bulkhead_wait_cancel(bulkhead, &wait, 0), HF_OK);

  ASSERT_EQ(hf_bulkhead_try_acquire(bulkhead, 0, &held, nullptr), HF_OK);
  ASSERT_EQ(hf_bulkhead_wait_start(bulkhead, &wait, nullptr, 0, 0, &permit, &until, &why),
            HF_UNAVAILABLE);
  EXPECT_EQ(why.reason, HF_R_NONE);
  EXPECT_EQ(until, HF_S);
  EXPECT_EQ(hf_bulkhead_wait_poll(other, &wait, 0, &permit, &why), HF_INVALID_ARGUMENT);
  hf_bulkhead_wait copy = wait;
  EXPECT_EQ(hf_bulkhead_wait_poll(bulkhead, &copy, 0, &permit, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_wait_cancel(bulkhead, &copy, 0), HF_OK);
  EXPECT_EQ(Read(bulkhead).waiting, 1u);
  EXPECT_EQ(hf_bulkhead_wait_poll(bulkhead, &wait, 0, &permit, &why), HF_UNAVAILABLE);
  EXPECT_EQ(hf_bulkhead_wait_cancel(bulkhead, &wait, 0), HF_OK);
  EXPECT_EQ(hf_bulkhead_wait_poll(bulkhead, &wait, 0, &permit, &why), HF_INVALID_ARGUMENT);
  hf_bulkhead_release(bulkhead, &held, 0);
  hf_bulkhead_unref(bulkhead);
  hf_bulkhead_unref(other);
}

TEST(BulkheadThreads, TheLimitHoldsAndEveryPermitComesBack) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 4000;
  constexpr int kLimit = 3;
  hf_bulkhead* const bulkhead = NewBulkhead(kLimit, kThreads, 24 * 3600 * HF_S);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<int> granted{0};
  std::atomic<int> left{0};

  const auto work = [&](unsigned seed) {
    std::mt19937 random(seed);
    for (int round = 0; round < kRounds; ++round) {
      Bell bell;  // a wake-up that came too late would find it destroyed
      const hf_waker waker{&Bell::Ring, &bell};
      hf_bulkhead_wait wait;
      hf_permit permit{};
      hf_time until = 0;
      hf_code code =
          hf_bulkhead_wait_start(bulkhead, &wait, &waker, 0, round, &permit, &until, nullptr);
      if (code == HF_UNAVAILABLE && random() % 4 == 0) {
        // Leaves, perhaps at the very moment it is served.
        ASSERT_EQ(hf_bulkhead_wait_cancel(bulkhead, &wait, round), HF_OK);
        left.fetch_add(1);
        continue;
      }
      while (code == HF_UNAVAILABLE) {
        bell.Await();
        code = hf_bulkhead_wait_poll(bulkhead, &wait, round, &permit, nullptr);
      }
      ASSERT_EQ(code, HF_OK);
      granted.fetch_add(1);
      const int now_inside = inside.fetch_add(1) + 1;
      int seen = most.load();
      while (seen < now_inside && !most.compare_exchange_weak(seen, now_inside)) {
      }
      std::this_thread::yield();  // so that others queue
      inside.fetch_sub(1);
      ASSERT_EQ(hf_bulkhead_release(bulkhead, &permit, round), HF_OK);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back(work, i + 1);
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(most.load(), kLimit) << "more broke the limit, less tested nothing";
  EXPECT_EQ(granted.load() + left.load(), kThreads * kRounds);
  const hf_bulkhead_snapshot after = Read(bulkhead);
  EXPECT_EQ(after.in_flight, 0u);
  EXPECT_EQ(after.waiting, 0u);
  EXPECT_EQ(after.refused, 0u);
  hf_bulkhead_unref(bulkhead);
}

TEST(BulkheadThreads, NoWaiterIsStrandedBehindOneThatTimedOut) {
  // Deadlines pass while permits change hands: whoever is passed over must be told, and whoever is
  // behind must be served.
  constexpr int kThreads = 6;
  constexpr int kRounds = 3000;
  hf_bulkhead* const bulkhead = NewBulkhead(1, kThreads, 24 * 3600 * HF_S);
  std::atomic<hf_time> clock{1};
  std::atomic<uint64_t> granted{0};
  std::atomic<uint64_t> late{0};
  const auto work = [&](bool patient) {
    for (int round = 0; round < kRounds; ++round) {
      Bell bell;
      const hf_waker waker{&Bell::Ring, &bell};
      hf_bulkhead_wait wait;
      hf_permit permit{};
      hf_time until = 0;
      const hf_time now = clock.fetch_add(1);
      const hf_time deadline = patient ? 0 : now + 1;
      hf_code code =
          hf_bulkhead_wait_start(bulkhead, &wait, &waker, deadline, now, &permit, &until, nullptr);
      while (code == HF_UNAVAILABLE) {
        bell.Await();  // the impatient are passed over with a wake-up too
        code = hf_bulkhead_wait_poll(bulkhead, &wait, clock.load(), &permit, nullptr);
      }
      if (code == HF_DEADLINE_EXCEEDED) {
        late.fetch_add(1);
        continue;
      }
      ASSERT_EQ(code, HF_OK);
      granted.fetch_add(1);
      std::this_thread::yield();
      ASSERT_EQ(hf_bulkhead_release(bulkhead, &permit, clock.fetch_add(1)), HF_OK);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i % 2 == 0);
  for (std::thread& thread : threads) thread.join();

  const hf_bulkhead_snapshot after = Read(bulkhead);
  EXPECT_EQ(granted.load() + late.load(), uint64_t{kThreads} * kRounds);
  EXPECT_EQ(after.timed_out, late.load());
  EXPECT_EQ(after.in_flight, 0u);
  EXPECT_EQ(after.waiting, 0u);
  hf_bulkhead_unref(bulkhead);
}

}  // namespace
