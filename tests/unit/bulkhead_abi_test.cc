// SPDX-License-Identifier: Apache-2.0
// c/bulkhead.h since 0.2: requests, samples, limits that move, updates and events.
#include <gtest/gtest.h>
#include <holdfast/c/bulkhead.h>

#include <vector>

namespace {

class BulkheadSteps : public ::testing::Test {
 protected:
  void SetUp() override {
    options.limit = 2;
    options.queue = 2;
    ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
    options.journal = journal;
    options.object = 42;
  }
  void TearDown() override {
    EXPECT_EQ(Read().in_flight, 0u) << "a permit was lost";
    hf_bulkhead_unref(bulkhead);
    hf_journal_unref(journal);
  }

  void Make() { ASSERT_EQ(hf_bulkhead_new(&options, &bulkhead, nullptr), HF_OK); }

  hf_code Acquire(hf_permit* permit, hf_time now = 1, hf_bulkhead_wait* wait = nullptr) {
    return hf_bulkhead_acquire(bulkhead, &request, wait, nullptr, now, permit, &until, &why);
  }
  void Settle(hf_permit* permit, hf_duration took) {
    EXPECT_EQ(hf_bulkhead_settle(bulkhead, permit, 1000, HF_VERDICT_SUCCESS, 1000 + took), HF_OK);
  }
  hf_bulkhead_snapshot Read() {
    hf_bulkhead_snapshot snapshot{};
    snapshot.struct_size = sizeof(snapshot);
    EXPECT_EQ(hf_bulkhead_read(bulkhead, &snapshot), HF_OK);
    return snapshot;
  }
  std::vector<hf_event> Events() {
    std::vector<hf_event> events(64);
    size_t count = 0;
    EXPECT_EQ(hf_journal_drain(journal, events.data(), events.size(), &count), HF_OK);
    events.resize(count);
    return events;
  }

  hf_bulkhead_options options = HF_INIT(hf_bulkhead_options);
  hf_bulkhead_request request = HF_INIT(hf_bulkhead_request);
  hf_journal* journal = nullptr;
  hf_bulkhead* bulkhead = nullptr;
  hf_permit a{}, b{}, c{};
  hf_rejection why{};
  hf_time until = 0;
  hf_bulkhead_wait wait{};
};

TEST_F(BulkheadSteps, ARequestWithoutAPlaceIsRefusedWhereItWouldQueue) {
  Make();
  ASSERT_EQ(Acquire(&a), HF_OK);
  ASSERT_EQ(hf_bulkhead_acquire(bulkhead, nullptr, nullptr, nullptr, 1, &b, nullptr, nullptr),
            HF_OK);
  EXPECT_EQ(Acquire(&c), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(why.reason, HF_R_BULKHEAD_FULL);
  EXPECT_EQ(Acquire(&c, 1, &wait), HF_UNAVAILABLE);
  EXPECT_EQ(why.reason, HF_R_NONE);
  EXPECT_EQ(until, 1 + HF_S);
  hf_bulkhead_release(bulkhead, &a, 2);
  EXPECT_EQ(hf_bulkhead_wait_poll(bulkhead, &wait, 2, &c, &why), HF_OK);
  hf_bulkhead_release(bulkhead, &b, 2);
  hf_bulkhead_release(bulkhead, &c, 2);
}

TEST_F(BulkheadSteps, ARequestPastItsDeadlineTakesNothing) {
  Make();
  request.deadline = 5;
  EXPECT_EQ(Acquire(&a, 5), HF_DEADLINE_EXCEEDED);
  EXPECT_EQ(why.reason, HF_R_BULKHEAD_TIMEOUT);
}

TEST_F(BulkheadSteps, SettledCallsTellWhoHasNoTime) {
  options.refuse_no_time = 1;
  Make();
  for (int i = 0; i < 8; ++i) {
    ASSERT_EQ(Acquire(&a), HF_OK);
    Settle(&a, 100);
  }
  EXPECT_EQ(Read().latency, 100);
  ASSERT_EQ(Acquire(&a), HF_OK);
  request.deadline = 90;
  EXPECT_EQ(Acquire(&b), HF_DEADLINE_EXCEEDED);
  EXPECT_EQ(why.reason, HF_R_BULKHEAD_NO_TIME);
  EXPECT_GT(why.retry_after, 0);
  EXPECT_EQ(hf_bulkhead_wait_start(bulkhead, &wait, nullptr, 90, 1, &b, &until, &why),
            HF_DEADLINE_EXCEEDED)
      << "with or without a request";
  EXPECT_EQ(Read().no_time, 2u);
  Settle(&a, 100);
}

TEST_F(BulkheadSteps, AReleaseTeachesNothing) {
  options.refuse_no_time = 1;
  Make();
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(Acquire(&a), HF_OK);
    ASSERT_EQ(hf_bulkhead_release(bulkhead, &a, 100), HF_OK);
  }
  EXPECT_EQ(Read().latency, 0);
}

TEST_F(BulkheadSteps, PartitionsHaveTheirShares) {
  options.limit = 10;
  options.partitions = 2;
  options.partition_share[0] = 0.3;
  options.partition_share[1] = 0.7;
  Make();
  std::vector<hf_permit> held;
  const auto take_all = [&] {
    size_t before = held.size();
    while (Acquire(&a) == HF_OK) held.push_back(a);
    return held.size() - before;
  };
  EXPECT_EQ(take_all(), 10u);
  request.partition = 1;
  EXPECT_EQ(take_all(), 7u);
  EXPECT_EQ(why.reason, HF_R_BULKHEAD_SHARE);
  EXPECT_EQ(Read().partition_guarantee[1], 7u);
  EXPECT_EQ(Read().partition_in_flight[0], 10u);
  for (hf_permit& permit : held) EXPECT_EQ(hf_bulkhead_release(bulkhead, &permit, 1), HF_OK);
  EXPECT_EQ(Read().partition_in_flight[0], 0u);
  EXPECT_EQ(Read().partition_in_flight[1], 0u);
}

TEST_F(BulkheadSteps, AUserIsHeldToTheirShare) {
  options.user_share = 0.5;
  Make();
  request.user = 0xfeed;
  ASSERT_EQ(Acquire(&a), HF_OK);
  EXPECT_EQ(Acquire(&b), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(why.reason, HF_R_BULKHEAD_SHARE);
  request.user = 0xbeef;
  EXPECT_EQ(Acquire(&b), HF_OK);
  hf_bulkhead_release(bulkhead, &a, 1);
  hf_bulkhead_release(bulkhead, &b, 1);
}

TEST_F(BulkheadSteps, AnUpdateKeepsPermitsAndPlaces) {
  Make();
  ASSERT_EQ(Acquire(&a), HF_OK);
  ASSERT_EQ(Acquire(&b), HF_OK);
  ASSERT_EQ(Acquire(&c, 1, &wait), HF_UNAVAILABLE);
  options.limit = 1;
  options.queue = 0;
  options.partitions = 1;
  ASSERT_EQ(hf_bulkhead_update(bulkhead, &options, 2, nullptr), HF_OK);
  EXPECT_EQ(Read().in_flight, 2u);
  EXPECT_EQ(Read().waiting, 1u);
  hf_bulkhead_release(bulkhead, &a, 3);
  EXPECT_EQ(hf_bulkhead_wait_poll(bulkhead, &wait, 3, &c, &why), HF_UNAVAILABLE);
  hf_bulkhead_release(bulkhead, &b, 3);
  EXPECT_EQ(hf_bulkhead_wait_poll(bulkhead, &wait, 3, &c, &why), HF_OK);
  hf_bulkhead_release(bulkhead, &c, 3);
}

TEST_F(BulkheadSteps, AGrowthOfTheLimitWakesWhoWaits) {
  Make();
  int woken = 0;
  const hf_waker waker{[](void* count) { ++*static_cast<int*>(count); }, &woken};
  hf_bulkhead_wait waits[2];
  ASSERT_EQ(Acquire(&a), HF_OK);
  ASSERT_EQ(Acquire(&b), HF_OK);
  for (hf_bulkhead_wait& place : waits) {
    ASSERT_EQ(hf_bulkhead_wait_start(bulkhead, &place, &waker, 0, 1, &c, &until, &why),
              HF_UNAVAILABLE);
  }
  ASSERT_EQ(hf_bulkhead_set_limit(bulkhead, 4, 2), HF_OK);
  EXPECT_EQ(woken, 2);
  for (hf_bulkhead_wait& place : waits) {
    ASSERT_EQ(hf_bulkhead_wait_poll(bulkhead, &place, 2, &c, &why), HF_OK);
    hf_bulkhead_release(bulkhead, &c, 2);
  }
  hf_bulkhead_release(bulkhead, &a, 2);
  hf_bulkhead_release(bulkhead, &b, 2);
}

TEST_F(BulkheadSteps, WhatHappensIsInTheJournal) {
  Make();
  ASSERT_EQ(Acquire(&a, 10), HF_OK);
  ASSERT_EQ(hf_bulkhead_set_limit(bulkhead, 1, 11), HF_OK);
  EXPECT_EQ(Acquire(&b, 12), HF_RESOURCE_EXHAUSTED);
  options.journal = nullptr;  // not looked at
  options.object = 7;
  ASSERT_EQ(hf_bulkhead_update(bulkhead, &options, 13, nullptr), HF_OK);
  ASSERT_EQ(hf_bulkhead_release(bulkhead, &a, 14), HF_OK);
  const std::vector<hf_event> events = Events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].kind, HF_EVENT_KIND_LIMIT);
  EXPECT_EQ(events[0].before, 2);
  EXPECT_EQ(events[0].after, 1);
  EXPECT_EQ(events[1].kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(events[1].reason, HF_R_BULKHEAD_FULL);
  EXPECT_EQ(events[1].before, 1) << "in flight";
  EXPECT_EQ(events[1].time, 12);
  EXPECT_EQ(events[2].kind, HF_EVENT_KIND_UPDATED);
  for (const hf_event& event : events) EXPECT_EQ(event.object, 42u);
}

// Equal shares that add up to one, each as exact as a double can be.
TEST_F(BulkheadSteps, SixPartitionsOfASixthAreNotTooMuch) {
  options.limit = 12;
  options.partitions = 6;
  for (uint32_t i = 0; i < 6; ++i) options.partition_share[i] = 1.0 / 6;
  Make();
  ASSERT_NE(bulkhead, nullptr);
  EXPECT_EQ(Read().partition_guarantee[5], 2u);
  options.partition_share[0] = 0.17;
  EXPECT_EQ(hf_bulkhead_update(bulkhead, &options, 1, nullptr), HF_INVALID_ARGUMENT);
}

// An update may leave an adaptive limit where no sample will ever move it again.
TEST_F(BulkheadSteps, ItFollowsItsAdaptiveLimitThroughAnUpdateOfThat) {
  hf_adaptive_options bounds = HF_INIT(hf_adaptive_options);
  bounds.min_limit = bounds.max_limit = 50;
  ASSERT_EQ(hf_adaptive_new(&bounds, &options.adaptive, nullptr), HF_OK);
  Make();
  EXPECT_EQ(Read().limit, 50u);
  bounds.min_limit = bounds.max_limit = 10;
  ASSERT_EQ(hf_adaptive_update(options.adaptive, &bounds, 1, nullptr), HF_OK);
  ASSERT_EQ(Acquire(&a), HF_OK);
  Settle(&a, HF_MS);
  EXPECT_EQ(Read().limit, 10u);
  hf_adaptive_unref(options.adaptive);
}

}  // namespace
