// SPDX-License-Identifier: Apache-2.0
// The memory of a registry: none for a known key, nor for a new one in the place of another; and what
// happens when there is none for a new one.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <string>
#include <vector>

#include "abi/heap_meter.h"

namespace {

class RegistryHeap : public Heap {
 protected:
  void SetUp() override {
    Heap::SetUp();
    ASSERT_EQ(hf_group_new(nullptr, &group_, nullptr), HF_OK);
    ASSERT_EQ(hf_journal_new(nullptr, &journal_, nullptr), HF_OK);
    breaker_.window = HF_WINDOW_TIME;
    breaker_.consecutive_failures = 1;
    options_.breaker = &breaker_;
    options_.seed = 9;
    options_.capacity = 4;
    options_.group = group_;
    options_.journal = journal_;
    for (int i = 0; i < 100; ++i) names_.push_back("key" + std::to_string(i));
  }
  void TearDown() override {
    hf_registry_unref(registry_);
    hf_journal_unref(journal_);
    hf_group_unref(group_);
  }

  hf_code Get(const std::string& name, hf_breaker** out) {
    const hf_str key = {name.data(), name.size()};
    return hf_registry_breaker(registry_, nullptr, &key, HF_S, out, &why_);
  }

  hf_breaker_options breaker_ = HF_INIT(hf_breaker_options);
  hf_registry_options options_ = HF_INIT(hf_registry_options);
  hf_group* group_ = nullptr;
  hf_journal* journal_ = nullptr;
  hf_registry* registry_ = nullptr;
  hf_rejection why_{};
  std::vector<std::string> names_;
};

TEST_F(RegistryHeap, NoStepAllocatesOnceItIsAsLargeAsItGets) {
  ASSERT_EQ(hf_registry_new(&options_, &registry_, nullptr), HF_OK);
  hf_breaker* breaker = nullptr;
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(Get(names_[static_cast<size_t>(i)], &breaker), HF_OK);
    hf_breaker_unref(breaker);
  }
  ExpectNoHeap([&] {
    hf_permit permit{};
    hf_events events = 0;
    for (int round = 0; round < 3; ++round) {  // known ones
      WANT(Get(names_[0], &breaker) == HF_OK);
      WANT(hf_breaker_acquire(breaker, HF_S, &permit, nullptr, &events) == HF_OK);
      WANT(hf_breaker_record(breaker, &permit, HF_VERDICT_SUCCESS, HF_S, &events) == HF_OK);
      hf_breaker_ref(breaker);
      hf_breaker_unref(breaker);
      hf_breaker_unref(breaker);
    }
    for (const std::string& name : names_) {  // new ones, in the places of others
      WANT(Get(name, &breaker) == HF_OK);
      hf_breaker_unref(breaker);
    }
    for (size_t i = 90; i < 94; ++i) {  // all open, of which the group overrides some
      WANT(Get(names_[i], &breaker) == HF_OK);
      WANT(hf_breaker_acquire(breaker, HF_S, &permit, nullptr, &events) == HF_OK);
      WANT(hf_breaker_record(breaker, &permit, HF_VERDICT_FAILURE, HF_S, &events) == HF_OK);
      hf_breaker_acquire(breaker, HF_S, &permit, &why_, &events);
      hf_breaker_unref(breaker);
    }
    WANT(Get(names_[0], &breaker) == HF_RESOURCE_EXHAUSTED);
    WANT(why_.reason == HF_R_REGISTRY_FULL);
    hf_registry_snapshot seen{};
    seen.struct_size = sizeof seen;
    WANT(hf_registry_read(registry_, &seen) == HF_OK);
    hf_group_snapshot group{};
    group.struct_size = sizeof group;
    WANT(hf_group_read(group_, &group) == HF_OK);
    WANT(group.overridden != 0);
    hf_registry_key key;
    uint32_t cursor = 0, evicted = 0;
    size_t count = 0;
    WANT(hf_registry_list(registry_, &cursor, HF_S, &key, 1, &count) == HF_OK);
    WANT(hf_registry_sweep(registry_, 100, HF_S, &evicted) == HF_OK);
    hf_registry_ref(registry_);
    hf_registry_unref(registry_);
  });
}

TEST_F(RegistryHeap, ANewKeyThatFindsNoMemoryIsRefusedAndLeavesNothing) {
  const std::string long_name(100, 'n');
  for (const bool and_all_after : {false, true}) {
    for (int n = 1; n <= 3; ++n) {  // the text of a long key, a table, a chunk
      ASSERT_EQ(hf_registry_new(&options_, &registry_, nullptr), HF_OK);
      hf_breaker* breaker = nullptr;
      hf_code code = HF_OK;
      Measure([&] { code = Get(long_name, &breaker); }, n, and_all_after);
      EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED) << n;
      EXPECT_EQ(why_.reason, HF_R_NO_MEMORY);
      EXPECT_EQ(breaker, nullptr);
      EXPECT_EQ(Get(long_name, &breaker), HF_OK) << "and the next time it works";
      hf_registry_snapshot seen{};
      seen.struct_size = sizeof seen;
      ASSERT_EQ(hf_registry_read(registry_, &seen), HF_OK);
      EXPECT_EQ(seen.created, 1u);
      hf_breaker_unref(breaker);
      hf_registry_unref(registry_);
      registry_ = nullptr;
    }
  }
}

TEST_F(RegistryHeap, EverythingIsGivenBack) {
  int allocations = 0;
  for (const hf_registry_overflow overflow : {HF_OVERFLOW_REFUSE, HF_OVERFLOW_SHARE}) {
    options_.overflow = overflow;
    const Meter used = Measure([&] {
      WANT(hf_registry_new(&options_, &registry_, nullptr) == HF_OK);
      hf_breaker* held = nullptr;
      WANT(Get(names_[1], &held) == HF_OK);
      for (const std::string& name : names_) {
        hf_breaker* breaker = nullptr;
        WANT(Get(name, &breaker) == HF_OK);
        hf_breaker_unref(breaker);
      }
      hf_registry_unref(registry_);
      hf_breaker_unref(held);
    });
    registry_ = nullptr;
    EXPECT_EQ(used.live(), 0);
    allocations += used.allocations;
  }
  EXPECT_GT(allocations, 0);
}

TEST_F(RegistryHeap, AConstructorThatFindsNoMemoryLeavesNothing) {
  for (const hf_registry_overflow overflow : {HF_OVERFLOW_REFUSE, HF_OVERFLOW_SHARE}) {
    options_.overflow = overflow;
    const int needed = [&] {
      const Meter used = Measure([&] { hf_registry_new(&options_, &registry_, nullptr); });
      hf_registry_unref(registry_);
      return used.allocations;
    }();
    ASSERT_GE(needed, 3);
    for (int n = 1; n <= needed; ++n) {
      hf_error error{};
      hf_code code = HF_OK;
      const Meter used =
          Measure([&] { code = hf_registry_new(&options_, &registry_, &error); }, n, true);
      EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED) << n;
      EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
      EXPECT_EQ(registry_, nullptr);
      EXPECT_EQ(used.live(), 0) << n;
    }
  }
}

}  // namespace
