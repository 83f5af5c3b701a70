// SPDX-License-Identifier: Apache-2.0
// Eight threads on one bulkhead: limits hold, counts are exact, and nobody is left waiting.
#include <gtest/gtest.h>
#include <holdfast/c/bulkhead.h>

#include <array>
#include <atomic>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "unit/bell.h"

namespace {

using holdfast::Bell;

constexpr int kThreads = 8;

hf_bulkhead* Make(const hf_bulkhead_options& options) {
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

void RunThreads(int count, const std::function<void(unsigned)>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, static_cast<unsigned>(i));
  for (std::thread& thread : threads) thread.join();
}

// How many are inside, and the most there ever were.
class Room {
 public:
  void Enter() {
    const int now = inside_.fetch_add(1) + 1;
    int seen = most_.load();
    while (seen < now && !most_.compare_exchange_weak(seen, now)) {
    }
  }
  void Leave() { inside_.fetch_sub(1); }
  int most() const { return most_.load(); }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int> most_{0};
};

// Waits for as long as it takes. True with a permit, false if refused or dropped.
bool AcquireSomehow(hf_bulkhead* bulkhead, const hf_bulkhead_request& request, hf_time now,
                    hf_permit* permit) {
  Bell bell;
  const hf_waker waker{&Bell::Ring, &bell};
  hf_bulkhead_wait wait;
  hf_time until = 0;
  hf_code code =
      hf_bulkhead_acquire(bulkhead, &request, &wait, &waker, now, permit, &until, nullptr);
  while (code == HF_UNAVAILABLE) {
    bell.Await();
    code = hf_bulkhead_wait_poll(bulkhead, &wait, now, permit, nullptr);
  }
  return code == HF_OK;
}

TEST(BulkheadStorm, WhoOnlyTriesIsNeverOneTooManyAndIsCountedExactly) {
  constexpr int kRounds = 20'000;
  for (const uint32_t limit : {1u, 3u, 6u}) {
    hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
    options.limit = limit;
    hf_bulkhead* const bulkhead = Make(options);
    Room room;
    std::atomic<uint64_t> granted{0};
    RunThreads(kThreads, [&](unsigned) {
      uint64_t mine = 0;
      for (int round = 0; round < kRounds; ++round) {
        hf_permit permit;
        if (hf_bulkhead_try_acquire(bulkhead, 1, &permit, nullptr) != HF_OK) continue;
        ++mine;
        room.Enter();
        if (round % 16 == 0) std::this_thread::yield();
        room.Leave();
        ASSERT_EQ(hf_bulkhead_release(bulkhead, &permit, 1), HF_OK);
      }
      granted.fetch_add(mine);
    });
    const hf_bulkhead_snapshot after = Read(bulkhead);
    EXPECT_LE(room.most(), static_cast<int>(limit));
    EXPECT_EQ(after.in_flight, 0u);
    EXPECT_EQ(after.refused + granted.load(), uint64_t{kThreads} * kRounds);
    hf_bulkhead_unref(bulkhead);
  }
}

TEST(BulkheadStorm, WhoTriesHidesNoPermitFromWhoWaits) {
  constexpr int kRounds = 4'000;
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.limit = 2;
  options.queue = kThreads;
  options.max_wait = 24 * 3600 * HF_S;
  hf_bulkhead* const bulkhead = Make(options);
  const hf_bulkhead_request request = HF_INIT(hf_bulkhead_request);
  Room room;
  std::atomic<int> waiting_threads{kThreads / 2};
  RunThreads(kThreads, [&](unsigned index) {
    const bool waits = index % 2 == 0;
    for (int round = 0; waits ? round < kRounds : waiting_threads.load() > 0; ++round) {
      hf_permit permit;
      const bool in = waits ? AcquireSomehow(bulkhead, request, 1, &permit)
                            : hf_bulkhead_try_acquire(bulkhead, 1, &permit, nullptr) == HF_OK;
      if (!in) {
        ASSERT_FALSE(waits);
        continue;
      }
      room.Enter();
      room.Leave();
      ASSERT_EQ(hf_bulkhead_release(bulkhead, &permit, 1), HF_OK);
      // Lets newcomers add without looking again, so that there is something to hide behind.
      if (round % 32 == 0) {
        ASSERT_EQ(hf_bulkhead_update(bulkhead, &options, 1, nullptr), HF_OK);
      }
    }
    if (waits) waiting_threads.fetch_sub(1);
  });
  EXPECT_LE(room.most(), 2);
  EXPECT_EQ(Read(bulkhead).in_flight, 0u);
  EXPECT_EQ(Read(bulkhead).waiting, 0u);
  hf_bulkhead_unref(bulkhead);
}

TEST(BulkheadStorm, ALimitThatMovesStrandsNobodyAndLosesNothing) {
  constexpr int kRounds = 3'000;
  constexpr int kMost = 4;
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.limit = 1;
  options.queue = kThreads;
  options.max_wait = 24 * 3600 * HF_S;
  hf_bulkhead* const bulkhead = Make(options);
  const hf_bulkhead_request request = HF_INIT(hf_bulkhead_request);
  Room room;
  RunThreads(kThreads, [&](unsigned index) {
    std::mt19937 random(index + 1);
    for (int round = 0; round < kRounds; ++round) {
      if (index == 0) {
        ASSERT_EQ(hf_bulkhead_set_limit(bulkhead, 1 + random() % kMost, 1), HF_OK);
        continue;
      }
      hf_permit permit;
      ASSERT_TRUE(AcquireSomehow(bulkhead, request, 1, &permit));
      room.Enter();
      if (round % 8 == 0) std::this_thread::yield();
      room.Leave();
      ASSERT_EQ(hf_bulkhead_release(bulkhead, &permit, 1), HF_OK);
    }
  });
  EXPECT_LE(room.most(), kMost);
  EXPECT_EQ(Read(bulkhead).in_flight, 0u);
  EXPECT_EQ(Read(bulkhead).waiting, 0u);
  hf_bulkhead_unref(bulkhead);
}

TEST(BulkheadStorm, EveryShareHoldsAndEveryCountComesBack) {
  constexpr int kRounds = 3'000;
  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  options.limit = 4;
  options.queue = 4;
  options.max_wait = 24 * 3600 * HF_S;
  options.order = HF_BULKHEAD_CODEL_LIFO;
  options.target = 2 * HF_US;
  options.interval = 20 * HF_US;
  options.refuse_no_time = 1;
  options.partitions = 2;
  options.partition_share[0] = 0.25;
  options.partition_share[1] = 0.5;
  options.user_share = 0.5;
  options.criticality_share[3] = 0.5;
  hf_bulkhead* const bulkhead = Make(options);
  std::atomic<hf_time> clock{1};
  std::array<Room, 4> users;
  std::array<Room, 2> partitions;
  std::atomic<uint64_t> granted{0}, refused{0};
  RunThreads(kThreads, [&](unsigned index) {
    hf_bulkhead_request request = HF_INIT(hf_bulkhead_request);
    request.partition = index % 2;
    request.user = 1 + index / 2;
    for (int round = 0; round < kRounds; ++round) {
      request.criticality = 1 + round % 4;
      const hf_time started = clock.fetch_add(HF_US);
      hf_permit permit;
      if (!AcquireSomehow(bulkhead, request, started, &permit)) {
        refused.fetch_add(1);
        continue;
      }
      granted.fetch_add(1);
      users[index / 2].Enter();
      partitions[index % 2].Enter();
      std::this_thread::yield();
      users[index / 2].Leave();
      partitions[index % 2].Leave();
      ASSERT_EQ(hf_bulkhead_settle(bulkhead, &permit, started, HF_VERDICT_SUCCESS, clock.load()),
                HF_OK);
    }
  });
  for (const Room& user : users) EXPECT_LE(user.most(), 2) << "half of the limit";
  for (const Room& partition : partitions) EXPECT_LE(partition.most(), 4);
  const hf_bulkhead_snapshot after = Read(bulkhead);
  EXPECT_EQ(granted.load() + refused.load(), uint64_t{kThreads} * kRounds);
  EXPECT_EQ(after.refused + after.over_share + after.no_time + after.dropped + after.timed_out,
            refused.load());
  EXPECT_EQ(after.in_flight, 0u);
  EXPECT_EQ(after.waiting, 0u);
  EXPECT_EQ(after.partition_in_flight[0], 0u);
  EXPECT_EQ(after.partition_in_flight[1], 0u);
  EXPECT_GT(after.latency, 0);
  hf_bulkhead_unref(bulkhead);
}

}  // namespace
