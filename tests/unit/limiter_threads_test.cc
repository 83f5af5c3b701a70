// SPDX-License-Identifier: Apache-2.0
// Many threads on one limiter, through the C ABI and with exact counts at the end.
#include <gtest/gtest.h>
#include <holdfast/c/limiter.h>

#include <atomic>
#include <functional>
#include <random>
#include <thread>
#include <vector>

namespace {

constexpr int kThreads = 8;
constexpr hf_time kStart = 1000 * HF_S;

hf_limiter* NewLimiter(uint32_t permits, uint32_t burst, hf_duration max_wait = 24 * 3600 * HF_S) {
  hf_limiter_options options = HF_INIT(hf_limiter_options);
  options.permits = permits;
  options.burst = burst;
  options.max_wait = max_wait;
  hf_limiter* limiter = nullptr;
  EXPECT_EQ(hf_limiter_new(&options, &limiter, nullptr), HF_OK);
  return limiter;
}

hf_limiter_snapshot Read(const hf_limiter* limiter, hf_time now) {
  hf_limiter_snapshot snapshot{};
  snapshot.struct_size = sizeof snapshot;
  EXPECT_EQ(hf_limiter_read(limiter, now, &snapshot), HF_OK);
  return snapshot;
}

void InThreads(const std::function<void(int)>& work) {
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&, number] {
      ready.fetch_add(1);
      while (ready.load() < kThreads) std::this_thread::yield();
      work(number);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(LimiterThreads, AtOneInstantExactlyTheBurstIsGranted) {
  for (int round = 0; round < 50; ++round) {
    hf_limiter* const limiter = NewLimiter(1000, 1000);
    std::atomic<uint64_t> granted{0};
    InThreads([&](int number) {
      std::mt19937 random(static_cast<unsigned>(round * kThreads + number));
      for (int i = 0; i < 200; ++i) {
        const uint32_t cost = 1 + random() % 20;
        if (hf_limiter_try_acquire(limiter, cost, kStart, nullptr) == HF_OK) granted += cost;
      }
      while (hf_limiter_try_acquire(limiter, 1, kStart, nullptr) == HF_OK) granted += 1;
    });
    // The last refusal may have met another's cost on its way back.
    while (hf_limiter_try_acquire(limiter, 1, kStart, nullptr) == HF_OK) granted += 1;
    EXPECT_EQ(granted.load(), 1000u);
    EXPECT_EQ(Read(limiter, kStart).granted, 1000u);
    EXPECT_EQ(Read(limiter, kStart).tokens, 0);
    hf_limiter_unref(limiter);
  }
}

// Each thread has its own idea of now, as real ones have: all that counts is the newest.
TEST(LimiterThreads, OverTimeNoMoreThanBurstAndRateIsGranted) {
  constexpr hf_duration kSpan = 20 * HF_MS;
  for (const uint32_t burst : {1u, 100u, 100'000u}) {
    hf_limiter* const limiter = NewLimiter(10'000'000, burst);
    std::atomic<uint64_t> granted{0};
    std::atomic<hf_time> clock{kStart};
    InThreads([&](int number) {
      std::mt19937 random(static_cast<unsigned>(number));
      uint64_t mine = 0;
      for (hf_time now = kStart; now < kStart + kSpan;) {
        now = clock.fetch_add(random() % 3000);
        if (now > kStart + kSpan) break;
        const uint32_t cost = 1 + random() % (burst < 50 ? burst : 50);
        if (hf_limiter_try_acquire(limiter, cost, now, nullptr) == HF_OK) mine += cost;
      }
      granted += mine;
    });
    const uint64_t most = burst + 10'000'000 * static_cast<uint64_t>(kSpan) / HF_S;
    EXPECT_LE(granted.load(), most) << burst;
    EXPECT_GT(granted.load(), 0u);
    EXPECT_EQ(Read(limiter, kStart + kSpan).granted, granted.load());
    hf_limiter_unref(limiter);
  }
}

TEST(LimiterThreads, EveryWaitThatIsGivenUpLeavesNothingBehind) {
  hf_limiter* const limiter = NewLimiter(100'000, 100'000);
  ASSERT_EQ(hf_limiter_try_acquire(limiter, 100'000, kStart, nullptr), HF_OK);
  InThreads([&](int) {
    for (int i = 0; i < 2000; ++i) {
      hf_reservation reservation;
      ASSERT_EQ(hf_limiter_reserve(limiter, 1, 0, kStart, &reservation, nullptr, nullptr), HF_OK);
      ASSERT_EQ(hf_limiter_cancel(limiter, &reservation, kStart), HF_OK);
    }
  });
  const hf_limiter_snapshot snapshot = Read(limiter, kStart);
  // All that is ever taken is within one burst, so in whatever order they are given up, all come back.
  EXPECT_EQ(snapshot.refunded, 8u * 2000);
  EXPECT_EQ(snapshot.tokens, 0);
  EXPECT_EQ(snapshot.granted, 100'000u);
  hf_limiter_unref(limiter);
}

TEST(LimiterThreads, ReservationsAndCancelsOfAllKindsMintNothing) {
  hf_limiter* const limiter = NewLimiter(1000, 50);
  std::atomic<uint64_t> kept{0};
  InThreads([&](int number) {
    std::mt19937 random(static_cast<unsigned>(number));
    for (int i = 0; i < 1000; ++i) {
      hf_reservation reservation;
      const uint32_t cost = 1 + random() % 50;
      if (hf_limiter_reserve(limiter, cost, 0, kStart, &reservation, nullptr, nullptr) != HF_OK) {
        continue;
      }
      if (random() % 2 == 0) {
        ASSERT_EQ(hf_limiter_cancel(limiter, &reservation, kStart), HF_OK);
      } else {
        kept += cost;
      }
    }
  });
  const hf_limiter_snapshot snapshot = Read(limiter, kStart);
  EXPECT_GE(snapshot.granted, kept.load()) << "what could not come back is counted as granted";
  EXPECT_LE(snapshot.tokens, 50 - static_cast<double>(snapshot.granted));
  hf_limiter_unref(limiter);
}

TEST(LimiterThreads, UpdatesAndOutcomesRunBesideTakes) {
  hf_limiter_options options = HF_INIT(hf_limiter_options);
  options.permits = 1'000'000;
  options.flags = HF_LIMITER_ADAPTIVE;
  hf_limiter* limiter = nullptr;
  ASSERT_EQ(hf_limiter_new(&options, &limiter, nullptr), HF_OK);
  InThreads([&](int number) {
    hf_limiter_options mine = options;
    for (int i = 0; i < 2000; ++i) {
      const hf_time now = kStart + i * HF_MS;
      hf_limiter_try_acquire(limiter, 1 + i % 7, now, nullptr);
      if (number == 0) {
        ASSERT_EQ(hf_limiter_on_outcome(limiter, i % 100 == 0, now), HF_OK);
      }
      mine.burst = 10 + i % 500;
      if (number == 1) {
        ASSERT_EQ(hf_limiter_update(limiter, &mine, now, nullptr), HF_OK);
      }
      if (number == 2) {
        ASSERT_LE(Read(limiter, now).tokens, 1'000'000);
      }
    }
  });
  hf_limiter_unref(limiter);
}

}  // namespace
