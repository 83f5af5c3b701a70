// SPDX-License-Identifier: Apache-2.0
// A bulkhead whose limit an adaptive limit gives: it has that limit, however it came about.
#include <gtest/gtest.h>
#include <holdfast/adaptive.h>
#include <holdfast/bulkhead.h>
#include <holdfast/testing/virtual_clock.h>

#include <chrono>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

class BulkheadAdaptive : public ::testing::Test {
 protected:
  // Settles one call as `verdict`.
  void Call(hf_verdict verdict, Duration takes = 1ms) {
    absl::StatusOr<BulkheadPermit> permit = bulkhead_.TryAcquire(clock_);
    ASSERT_TRUE(permit.ok()) << permit.status();
    clock_.Advance(takes);
    permit->Settle(verdict);
  }

  testing::VirtualClock clock_;
  const AdaptiveLimit adaptive_ = *AdaptiveLimit::Create(
      {.algorithm = AdaptiveAlgorithm::kAimd, .min_limit = 1, .max_limit = 10});
  const Bulkhead bulkhead_ = *Bulkhead::Create({.adaptive = adaptive_});
};

TEST_F(BulkheadAdaptive, BeginsWithItsLimit) { EXPECT_EQ(bulkhead_.Snapshot().limit, 10u); }

TEST_F(BulkheadAdaptive, FollowsWhatTheCallsShow) {
  for (int i = 0; i < 30; ++i) Call(HF_VERDICT_FAILURE, 200ms);
  EXPECT_LT(adaptive_.Snapshot().limit, 10u);
  EXPECT_EQ(bulkhead_.Snapshot().limit, adaptive_.Snapshot().limit);
}

// An update of the adaptive limit moves the limit into the new bounds, and no window may move it again.
TEST_F(BulkheadAdaptive, FollowsAnUpdateOfTheAdaptiveLimit) {
  ASSERT_TRUE(adaptive_
                  .Update({.algorithm = AdaptiveAlgorithm::kAimd, .min_limit = 1, .max_limit = 4},
                          clock_.Now())
                  .ok());
  ASSERT_EQ(adaptive_.Snapshot().limit, 4u);
  Call(HF_VERDICT_SUCCESS);
  EXPECT_EQ(bulkhead_.Snapshot().limit, 4u) << "the next call that settles brings it";
}

// What changes the limit and what puts it into the bulkhead are two steps, and others may come in between.
TEST_F(BulkheadAdaptive, HasItsLimitWhenManyThreadsHaveChangedIt) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (uint32_t i = 0; i < 500; ++i) {
        absl::StatusOr<BulkheadPermit> permit = bulkhead_.TryAcquire(clock_);
        clock_.Advance(20ms);
        if (t == 0) {
          EXPECT_TRUE(adaptive_
                          .Update({.algorithm = AdaptiveAlgorithm::kAimd,
                                   .min_limit = 1,
                                   .max_limit = 4 + i % 7},
                                  clock_.Now())
                          .ok());
        }
        if (permit.ok()) permit->Settle(i % 9 == 0 ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Call(HF_VERDICT_SUCCESS);
  EXPECT_EQ(bulkhead_.Snapshot().limit, adaptive_.Snapshot().limit);
}

}  // namespace
}  // namespace holdfast
