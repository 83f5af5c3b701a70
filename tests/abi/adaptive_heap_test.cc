// SPDX-License-Identifier: Apache-2.0
// The memory of an adaptive limit and a throttle: taken by the constructor at once, none by any step.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include "abi/heap_meter.h"

namespace {

class AdaptiveHeap : public Heap {
 protected:
  void SetUp() override {
    Heap::SetUp();
    ASSERT_EQ(hf_journal_new(nullptr, &journal_, nullptr), HF_OK);
  }
  void TearDown() override { hf_journal_unref(journal_); }

  hf_journal* journal_ = nullptr;
};

TEST_F(AdaptiveHeap, NoStepOfAnAdaptiveLimitAllocates) {
  for (hf_adaptive_algorithm algorithm = HF_ADAPTIVE_TREND; algorithm <= HF_ADAPTIVE_AIMD;
       ++algorithm) {
    hf_adaptive_options options = HF_INIT(hf_adaptive_options);
    options.algorithm = algorithm;
    options.min_samples = 1;
    options.journal = journal_;
    hf_adaptive* adaptive = nullptr;
    ASSERT_EQ(hf_adaptive_new(&options, &adaptive, nullptr), HF_OK);
    ExpectNoHeap([&] {
      hf_time now = HF_S;
      uint32_t limit = 0, highest = 0, lowest = 1000;
      for (uint32_t i = 0; i < 200; ++i, now += HF_S) {
        const uint32_t dropped = i > 150 ? 1 : 0;
        WANT(hf_adaptive_on_sample(adaptive, HF_MS, 1000, dropped, now, &limit) == HF_OK);
        highest = limit > highest ? limit : highest;
        lowest = limit < lowest ? limit : lowest;
      }
      WANT(highest > 20);
      WANT(lowest <= 20);
      hf_adaptive_snapshot snapshot{};
      snapshot.struct_size = sizeof snapshot;
      WANT(hf_adaptive_read(adaptive, &snapshot) == HF_OK);
      options.max_limit = 50;
      WANT(hf_adaptive_update(adaptive, &options, now, nullptr) == HF_OK);
      hf_adaptive_ref(adaptive);
      hf_adaptive_unref(adaptive);
    });
    hf_adaptive_unref(adaptive);
  }
}

TEST_F(AdaptiveHeap, NoStepOfAThrottleAllocates) {
  hf_throttle_options options = HF_INIT(hf_throttle_options);
  options.min_rate = 1;
  options.journal = journal_;
  hf_throttle* throttle = nullptr;
  ASSERT_EQ(hf_throttle_new(&options, &throttle, nullptr), HF_OK);
  ExpectNoHeap([&] {
    hf_time now = HF_S;
    int refused = 0;
    for (uint64_t seed = 1; seed < 1000; ++seed, now += 10 * HF_MS) {
      hf_rejection why{};
      if (hf_throttle_admit(throttle, seed, now, &why) == HF_OK) {
        WANT(hf_throttle_record(throttle, HF_VERDICT_FAILURE, now) == HF_OK);
      } else {
        ++refused;
      }
    }
    WANT(refused > 100);
    hf_throttle_snapshot snapshot{};
    snapshot.struct_size = sizeof snapshot;
    WANT(hf_throttle_read(throttle, now, &snapshot) == HF_OK);
    options.buckets = 7;
    WANT(hf_throttle_update(throttle, &options, now, nullptr) == HF_OK);
    hf_throttle_ref(throttle);
    hf_throttle_unref(throttle);
  });
  hf_throttle_unref(throttle);
}

// Fails the one allocation of each constructor.
TEST_F(AdaptiveHeap, OutOfMemoryLeavesNothingBehind) {
  hf_error error{};
  hf_code code = HF_OK;
  hf_adaptive_options adaptive_options = HF_INIT(hf_adaptive_options);
  adaptive_options.journal = journal_;
  hf_adaptive* adaptive = nullptr;
  Meter used =
      Measure([&] { code = hf_adaptive_new(&adaptive_options, &adaptive, &error); }, 1, true);
  EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
  EXPECT_EQ(adaptive, nullptr);
  EXPECT_EQ(used.live(), 0);
  hf_throttle_options throttle_options = HF_INIT(hf_throttle_options);
  throttle_options.journal = journal_;
  hf_throttle* throttle = nullptr;
  used = Measure([&] { code = hf_throttle_new(&throttle_options, &throttle, &error); }, 1, true);
  EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
  EXPECT_EQ(throttle, nullptr);
  EXPECT_EQ(used.live(), 0);
  // If a failed constructor had kept a reference, this would not be the last one.
  const Meter dropped = Measure([&] { hf_journal_unref(journal_); });
  EXPECT_GE(dropped.frees, 1);
  journal_ = nullptr;
}

}  // namespace
