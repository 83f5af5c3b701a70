// SPDX-License-Identifier: Apache-2.0
// The adaptive limit through the C ABI and the C++ layer: defaults by algorithm, and many threads at once.
#include <gtest/gtest.h>
#include <holdfast/adaptive.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using holdfast::AdaptiveAlgorithm;
using holdfast::AdaptiveLimit;
using holdfast::Drop;

hf_adaptive_snapshot Read(const hf_adaptive* adaptive) {
  hf_adaptive_snapshot snapshot{};
  snapshot.struct_size = sizeof(snapshot);
  EXPECT_EQ(hf_adaptive_read(adaptive, &snapshot), HF_OK);
  return snapshot;
}

uint32_t InitialLimit(const hf_adaptive_options& options) {
  hf_adaptive* adaptive = nullptr;
  hf_error error{};
  EXPECT_EQ(hf_adaptive_new(&options, &adaptive, &error), HF_OK) << error.text;
  if (adaptive == nullptr) return 0;
  const uint32_t limit = Read(adaptive).limit;
  hf_adaptive_unref(adaptive);
  return limit;
}

TEST(AdaptiveAbi, BoundsThatWereNotGivenMakeRoom) {
  hf_adaptive_options options = HF_INIT(hf_adaptive_options);
  EXPECT_EQ(InitialLimit(options), 20u);
  options.max_limit = 10;
  EXPECT_EQ(InitialLimit(options), 10u);
  options.algorithm = HF_ADAPTIVE_AIMD;  // whose least limit is 20 by default
  EXPECT_EQ(InitialLimit(options), 10u);
  options.max_limit = 0;
  options.min_limit = 500;
  EXPECT_EQ(InitialLimit(options), 500u);
  options.max_limit = 600;
  options.initial_limit = 550;
  EXPECT_EQ(InitialLimit(options), 550u);
}

// Drives the limit down with drops and up with answers to see how far it goes.
TEST(AdaptiveAbi, TheDefaultBoundsAreThoseOfTheAlgorithm) {
  const struct {
    hf_adaptive_algorithm algorithm;
    uint32_t min, max;
  } rows[] = {{HF_ADAPTIVE_TREND, 1, 200},
              {HF_ADAPTIVE_GRADIENT2, 20, 200},
              {HF_ADAPTIVE_VEGAS, 1, 1000},
              {HF_ADAPTIVE_AIMD, 20, 200}};
  for (const auto& row : rows) {
    hf_adaptive_options options = HF_INIT(hf_adaptive_options);
    options.algorithm = row.algorithm;
    options.flags = HF_ADAPTIVE_NO_GUARD;
    options.min_samples = 1;
    hf_adaptive* adaptive = nullptr;
    ASSERT_EQ(hf_adaptive_new(&options, &adaptive, nullptr), HF_OK);
    uint32_t limit = 0;
    hf_time now = HF_S;
    for (int i = 0; i < 300; ++i, now += HF_S) {
      ASSERT_EQ(hf_adaptive_on_sample(adaptive, 0, 1000, 1, now, &limit), HF_OK);
    }
    EXPECT_EQ(limit, row.min) << row.algorithm;
    for (int i = 0; i < 2000; ++i, now += HF_S) {
      ASSERT_EQ(hf_adaptive_on_sample(adaptive, HF_MS, 1000, 0, now, &limit), HF_OK);
    }
    EXPECT_EQ(limit, row.max) << row.algorithm;
    hf_adaptive_unref(adaptive);
  }
}

TEST(AdaptiveAbi, AnUpdateThatIsRefusedChangesNothing) {
  hf_adaptive* adaptive = nullptr;
  ASSERT_EQ(hf_adaptive_new(nullptr, &adaptive, nullptr), HF_OK);
  hf_adaptive_options options = HF_INIT(hf_adaptive_options);
  options.max_limit = 5;
  options.window = -1;
  hf_error error{};
  EXPECT_EQ(hf_adaptive_update(adaptive, &options, HF_S, &error), HF_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error.text).find("window"), std::string::npos);
  EXPECT_EQ(Read(adaptive).limit, 20u);
  options.window = 0;
  EXPECT_EQ(hf_adaptive_update(adaptive, &options, HF_S, &error), HF_OK);
  EXPECT_EQ(error.code, HF_OK);
  EXPECT_EQ(Read(adaptive).limit, 5u);
  hf_adaptive_unref(adaptive);
}

TEST(AdaptiveAbi, TheJournalHearsOfEachChange) {
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  hf_adaptive_options options = HF_INIT(hf_adaptive_options);
  options.journal = journal;
  options.object = 77;
  hf_adaptive* adaptive = nullptr;
  ASSERT_EQ(hf_adaptive_new(&options, &adaptive, nullptr), HF_OK);
  options.max_limit = 10;
  ASSERT_EQ(hf_adaptive_update(adaptive, &options, HF_S, nullptr), HF_OK);
  hf_adaptive_unref(adaptive);
  hf_event events[4];
  size_t count = 0;
  ASSERT_EQ(hf_journal_drain(journal, events, 4, &count), HF_OK);
  ASSERT_EQ(count, 2u);
  EXPECT_EQ(events[0].kind, HF_EVENT_KIND_UPDATED);
  EXPECT_EQ(events[1].kind, HF_EVENT_KIND_LIMIT);
  EXPECT_EQ(events[1].object, 77u);
  EXPECT_EQ(events[1].before, 20);
  EXPECT_EQ(events[1].after, 10);
  hf_journal_unref(journal);
}

// Bounded iterations, and exact sums: no sample is lost and none is counted twice.
TEST(AdaptiveThreads, EverySampleIsInOneWindow) {
  constexpr int kThreads = 8, kEach = 20000;
  hf_adaptive_options options = HF_INIT(hf_adaptive_options);
  options.window = HF_MS;
  options.algorithm = HF_ADAPTIVE_VEGAS;
  hf_adaptive* adaptive = nullptr;
  ASSERT_EQ(hf_adaptive_new(&options, &adaptive, nullptr), HF_OK);
  std::atomic<hf_time> clock{HF_S};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        uint32_t limit = 0;
        const hf_time now = clock.fetch_add(HF_US);
        hf_adaptive_on_sample(adaptive, HF_MS + i, 20, i % 10 == 0 ? 1 : 0, now, &limit);
        if (limit < 1 || limit > 1000) std::abort();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Closes the last window.
  for (int i = 0; i < 10; ++i) {
    hf_adaptive_on_sample(adaptive, HF_MS, 20, 0, clock.load() + HF_S, nullptr);
  }
  const hf_adaptive_snapshot snapshot = Read(adaptive);
  EXPECT_GE(snapshot.samples, uint64_t{kThreads} * kEach + 1);
  EXPECT_LE(snapshot.samples, uint64_t{kThreads} * kEach + 10);
  EXPECT_EQ(snapshot.drops, uint64_t{kThreads} * kEach / 10);
  EXPECT_GT(snapshot.windows, 50u);
  hf_adaptive_unref(adaptive);
}

TEST(AdaptiveThreads, UpdatesAndReadsMayCome) {
  hf_adaptive* adaptive = nullptr;
  ASSERT_EQ(hf_adaptive_new(nullptr, &adaptive, nullptr), HF_OK);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const hf_time now = HF_S + i * HF_MS;
        hf_adaptive_options options = HF_INIT(hf_adaptive_options);
        options.algorithm = 1 + i % 4;
        options.window = HF_MS * (1 + i % 3);
        if (t == 0) hf_adaptive_update(adaptive, &options, now, nullptr);
        if (t == 1) Read(adaptive);
        hf_adaptive_on_sample(adaptive, HF_MS, 20, 0, now, nullptr);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(Read(adaptive).windows, 0u);
  hf_adaptive_unref(adaptive);
}

// --- The C++ layer ----------------------------------------------------------------------------------------

TEST(AdaptiveLayer, FollowsItsSamples) {
  const auto adaptive = AdaptiveLimit::Create(
      {.algorithm = AdaptiveAlgorithm::kAimd, .guarded = false, .min_limit = 5, .window = 1ms});
  ASSERT_TRUE(adaptive.ok());
  hf_time now = HF_S;
  EXPECT_EQ(adaptive->OnSample(1ms, 20, Drop::kNo, now), 20u);
  now += HF_MS;
  for (int i = 0; i < 8; ++i) adaptive->OnSample(1ms, 20, Drop::kNo, now);
  EXPECT_EQ(adaptive->OnSample(1ms, 20, Drop::kNo, now), 21u);
  EXPECT_EQ(adaptive->OnSample(-1ms, 20, Drop::kNo, now), 21u);
  now += 2 * HF_MS;
  for (int i = 0; i < 10; ++i) adaptive->OnSample(0ms, 20, Drop::kYes, now);
  EXPECT_EQ(adaptive->Snapshot().limit, 18u);
  EXPECT_EQ(adaptive->Snapshot().drops, 10u);
  EXPECT_EQ(adaptive->Snapshot().rtt, 1ms);
  EXPECT_TRUE(adaptive->Update({.max_limit = 7}, now).ok());
  EXPECT_EQ(adaptive->Snapshot().limit, 7u);
}

TEST(AdaptiveLayer, ErrorsNameTheField) {
  const auto refused = AdaptiveLimit::Create({.backoff = 1.5});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(refused.status().message()).find("backoff"), std::string::npos);
  const auto adaptive = AdaptiveLimit::Create();
  ASSERT_TRUE(adaptive.ok());
  EXPECT_EQ(adaptive->Update({.tolerance = 0.5}, HF_S).code(), absl::StatusCode::kInvalidArgument);
}

TEST(AdaptiveLayer, AnEmptyHandleIsFalse) {
  EXPECT_FALSE(AdaptiveLimit());
  EXPECT_TRUE(*AdaptiveLimit::Create());
}

}  // namespace
