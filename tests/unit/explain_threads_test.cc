// SPDX-License-Identifier: Apache-2.0
// Explaining while everything is being updated: each guard's numbers are of one configuration.
#include <gtest/gtest.h>
#include <holdfast/holdfast.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

TEST(ExplainThreads, EachGuardIsReadAsAWhole) {
  constexpr int kRounds = 2000;
  const auto limits = [](int n) { return Bulkhead::Options{.limit = n * 10u, .queue = n * 20u}; };
  const auto rates = [](int n) {
    return RateLimiter::Options{.permits = n * 10u, .period = n * 1s};
  };
  const auto opens = [](int n) {
    return CircuitBreaker::Options{.probes = n * 3u, .open_for = n * 1s};
  };
  const auto bulkhead = Bulkhead::Create(limits(1));
  const auto limiter = RateLimiter::Create(rates(1));
  const auto breaker = CircuitBreaker::Create(opens(1));
  PipelineOptions options = {
      .breaker = *breaker, .bulkhead = *bulkhead, .timeout = 1s, .limiter = *limiter};
  const auto pipeline = Pipeline::Create(options);
  std::atomic<bool> over{false};
  std::thread updates([&] {
    for (int i = 0; i < kRounds; ++i) {
      const int n = 1 + i % 2;
      EXPECT_TRUE(bulkhead->Update(limits(n), 0).ok());
      EXPECT_TRUE(limiter->Update(rates(n), 0).ok());
      EXPECT_TRUE(breaker->Update(opens(n), 0).ok());
      options.timeout = n * 1s;
      EXPECT_TRUE(pipeline->Update(options).ok());
    }
    over = true;
  });
  while (!over) {
    const auto explanation = pipeline->Explain();
    EXPECT_EQ(explanation->stages().size(), 4u);
    for (const hf_stage& stage : explanation->stages()) {
      const int64_t* const numbers = stage.numbers;
      if (stage.kind == HF_STAGE_BULKHEAD) {
        EXPECT_EQ(numbers[1], 2 * numbers[0]);
      }
      if (stage.kind == HF_STAGE_LIMITER) {
        EXPECT_EQ(numbers[1], numbers[0] * HF_S / 10);
      }
      if (stage.kind == HF_STAGE_BREAKER) {
        EXPECT_EQ(numbers[2] * HF_S, numbers[1] * 3);
      }
    }
  }
  updates.join();
}

}  // namespace
}  // namespace holdfast
