// SPDX-License-Identifier: Apache-2.0
// How samples become windows: when one is judged, left open, or set aside.
#include "engine/adaptive_sampler.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "engine/cells.h"

namespace holdfast::engine {
namespace {

// AIMD shows a judged window at once: the limit rises by one.
AdaptivePolicy Countable() {
  AdaptivePolicy policy;
  policy.algorithm = HF_ADAPTIVE_AIMD;
  policy.guarded = false;
  policy.min_limit = 1;
  return policy;
}

class Machine {
 public:
  explicit Machine(const AdaptivePolicy& policy) : sampler(policy) {}

  void Samples(int count, hf_duration rtt = HF_MS, uint32_t in_flight = 20) {
    uint32_t limit;
    for (int i = 0; i < count; ++i) sampler.Add(0, rtt, in_flight, false, now, &limit);
  }
  void Drops(int count) {
    uint32_t limit;
    for (int i = 0; i < count; ++i) sampler.Add(0, 0, 20, true, now, &limit);
  }
  hf_adaptive_snapshot Read() const { return sampler.Read(); }

  AdaptiveSampler<PlainCells> sampler;
  hf_time now = 1000 * HF_S;
};

TEST(AdaptiveSampler, TheFirstSampleBeginsTheWindow) {
  Machine machine(Countable());
  machine.Samples(100);
  EXPECT_EQ(machine.Read().windows, 0u);
  machine.now += HF_S - 1;
  machine.Samples(1);
  EXPECT_EQ(machine.Read().windows, 0u);
  machine.now += 1;
  machine.Samples(1);
  EXPECT_EQ(machine.Read().windows, 1u);
  EXPECT_EQ(machine.Read().samples, 102u);
  EXPECT_EQ(machine.sampler.Limit(), 21u);
}

TEST(AdaptiveSampler, AWindowStaysOpenUntilItHasEnoughSamples) {
  Machine machine(Countable());
  machine.Samples(1);
  machine.now += 5 * HF_S;
  machine.Samples(8);
  EXPECT_EQ(machine.Read().windows, 0u);
  machine.Samples(1);
  EXPECT_EQ(machine.Read().windows, 1u);
  EXPECT_EQ(machine.Read().samples, 10u);
}

TEST(AdaptiveSampler, DropsCountTowardsEnough) {
  Machine machine(Countable());
  machine.Drops(9);
  machine.now += HF_S;
  machine.Drops(1);
  EXPECT_EQ(machine.Read().windows, 1u);
  EXPECT_EQ(machine.Read().drops, 10u);
  EXPECT_EQ(machine.sampler.Limit(), 18u);
}

TEST(AdaptiveSampler, AWindowFromBeforeALongPauseIsSetAside) {
  Machine machine(Countable());
  machine.Samples(1000);
  machine.now += 30 * HF_S;
  machine.Samples(1);
  EXPECT_EQ(machine.Read().windows, 0u);
  EXPECT_EQ(machine.Read().set_aside, 1u);
  EXPECT_EQ(machine.Read().samples, 1001u);
  EXPECT_EQ(machine.sampler.Limit(), 20u);
  machine.now += HF_S;
  machine.Samples(10);
  EXPECT_EQ(machine.Read().windows, 1u) << "the next begins at once";
}

TEST(AdaptiveSampler, JustBeforeThatItIsJudged) {
  Machine machine(Countable());
  machine.Samples(1000);
  machine.now += 30 * HF_S - 1;
  machine.Samples(1);
  EXPECT_EQ(machine.Read().windows, 1u);
}

TEST(AdaptiveSampler, FastSamplesSayNothing) {
  Machine machine(Countable());
  machine.Samples(100, 100 * HF_US - 1);
  machine.now += HF_S;
  machine.Samples(100, 100 * HF_US - 1);
  EXPECT_EQ(machine.Read().windows, 0u);
  machine.Samples(1, 100 * HF_US);  // begins the window
  machine.now += HF_S;
  machine.Samples(100, 100 * HF_US);
  EXPECT_EQ(machine.Read().windows, 1u);
  EXPECT_EQ(machine.Read().samples, 10u) << "closed as soon as there were enough";
}

TEST(AdaptiveSampler, AFastDropIsADrop) {
  Machine machine(Countable());
  machine.Samples(1);
  machine.now += HF_S;
  machine.Samples(8);
  machine.Drops(1);
  EXPECT_EQ(machine.sampler.Limit(), 18u);
}

TEST(AdaptiveSampler, TheMeanAndTheHighestAreOfTheWindowAlone) {
  Machine machine(Countable());
  machine.Samples(5, 10 * HF_MS, 50);
  machine.Samples(4, 40 * HF_MS, 30);
  machine.now += HF_S;
  machine.Samples(1, 40 * HF_MS, 20);
  EXPECT_EQ(machine.Read().rtt, 25 * HF_MS);
  EXPECT_EQ(machine.Read().in_flight, 50u);
  machine.Samples(9, 7 * HF_MS, 3);
  machine.now += HF_S;
  machine.Samples(1, 7 * HF_MS, 2);
  EXPECT_EQ(machine.Read().rtt, 7 * HF_MS);
  EXPECT_EQ(machine.Read().in_flight, 3u);
}

TEST(AdaptiveSampler, SlowCallsGetALongerWindow) {
  Machine machine(Countable());
  machine.Samples(1, 4 * HF_S);
  machine.now += HF_S;
  machine.Samples(9, 4 * HF_S);
  ASSERT_EQ(machine.Read().windows, 1u);
  machine.now += 8 * HF_S - 1;
  machine.Samples(100, 4 * HF_S);
  EXPECT_EQ(machine.Read().windows, 1u);
  machine.now += 1;
  machine.Samples(1, 4 * HF_S);
  EXPECT_EQ(machine.Read().windows, 2u);
}

TEST(AdaptiveSampler, TenWindowsAreTheLongestPlan) {
  Machine machine(Countable());
  machine.Samples(1, 600 * HF_S);
  machine.now += HF_S;
  machine.Samples(9, 600 * HF_S);
  machine.now += 10 * HF_S;
  machine.Samples(10, 600 * HF_S);
  EXPECT_EQ(machine.Read().windows, 2u);
}

TEST(AdaptiveSampler, AnEndlessCallCountsAsAnHour) {
  Machine machine(Countable());
  machine.Samples(9, HF_INFINITE);
  machine.now += HF_S;
  machine.Samples(1, HF_INFINITE);
  EXPECT_EQ(machine.Read().rtt, 3600 * HF_S);
}

TEST(AdaptiveSampler, AStepBackOfTheClockIsNoTimePassed) {
  Machine machine(Countable());
  machine.Samples(1);
  machine.now -= 100 * HF_S;
  machine.Samples(100);
  machine.now = -1;
  machine.Samples(100);
  EXPECT_EQ(machine.Read().windows, 0u);
  machine.now = 1001 * HF_S;
  machine.Samples(1);
  EXPECT_EQ(machine.Read().windows, 1u);
  EXPECT_EQ(machine.Read().samples, 202u);
}

TEST(AdaptiveSampler, TheBeginningAndTheEndOfTimeAreNoSpecialTimes) {
  Machine machine(Countable());
  machine.now = 0;
  machine.Samples(1);
  machine.now = HF_S;
  machine.Samples(10);
  EXPECT_EQ(machine.Read().windows, 1u);
  machine.now = HF_INFINITE;
  machine.Samples(10);
  EXPECT_EQ(machine.Read().set_aside, 1u);
  machine.Samples(10);
  EXPECT_GE(machine.sampler.Limit(), 21u);
}

// Only a window of about the planned length tells a throughput; the guard learns from no other.
TEST(AdaptiveSampler, AStretchedWindowTellsNoPace) {
  for (const hf_duration length : {2 * HF_S, 2 * HF_S + 1}) {
    AdaptivePolicy policy = Countable();
    policy.guarded = true;
    policy.initial_limit = 100;
    Machine machine(policy);
    machine.Samples(1, HF_MS, 100);
    // Ever more in flight, ever slower, never more done: saturated after ten windows, if these told the pace.
    for (uint32_t i = 0; i < 12; ++i) {
      machine.now += length;
      machine.Samples(10, (20 + i) * HF_MS, 200 + 10 * i);
    }
    EXPECT_EQ(machine.Read().saturated, length == 2 * HF_S ? 1u : 0u);
    EXPECT_EQ(machine.Read().guarded > 0, length == 2 * HF_S);
  }
}

TEST(AdaptiveSampler, OnlyTheSampleThatChangesTheLimitSaysSo) {
  AdaptiveSampler<PlainCells> sampler(Countable());
  uint32_t limit = 7;
  hf_time now = HF_S;
  EXPECT_FALSE(sampler.Add(0, HF_MS, 20, false, now, &limit));
  now += HF_S;
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(sampler.Add(0, HF_MS, 20, false, now, &limit));
  EXPECT_EQ(limit, 7u);
  EXPECT_TRUE(sampler.Add(0, HF_MS, 20, false, now, &limit));
  EXPECT_EQ(limit, 21u);
  EXPECT_FALSE(sampler.Add(0, HF_MS, 20, false, now, &limit));
}

TEST(AdaptiveSampler, AnUpdateKeepsTheOpenWindow) {
  Machine machine(Countable());
  machine.Samples(50);
  AdaptivePolicy policy = Countable();
  policy.window = 100 * HF_MS;
  policy.min_rtt = 10 * HF_MS;
  uint32_t limit = 0;
  EXPECT_FALSE(machine.sampler.Update(policy, machine.now, &limit));
  machine.now += 100 * HF_MS;
  machine.Samples(1, HF_MS);  // ignored from now on
  EXPECT_EQ(machine.Read().windows, 0u);
  machine.Samples(1, 10 * HF_MS);
  EXPECT_EQ(machine.Read().windows, 1u);
  EXPECT_EQ(machine.Read().samples, 51u);
}

TEST(AdaptiveSampler, AnUpdateBeforeTheFirstSampleStartsNoWindow) {
  Machine machine(Countable());
  uint32_t limit = 0;
  machine.sampler.Update(Countable(), machine.now, &limit);
  machine.Samples(100);
  EXPECT_EQ(machine.Read().windows, 0u);
  machine.now += HF_S;
  machine.Samples(1);
  EXPECT_EQ(machine.Read().windows, 1u);
}

TEST(AdaptiveSampler, AnUpdateThatMovesTheLimitSaysSo) {
  Machine machine(Countable());
  AdaptivePolicy policy = Countable();
  policy.max_limit = 5;
  uint32_t limit = 0;
  EXPECT_TRUE(machine.sampler.Update(policy, machine.now, &limit));
  EXPECT_EQ(limit, 5u);
  EXPECT_EQ(machine.sampler.Limit(), 5u);
}

TEST(AdaptiveSampler, TheJournalTellsEachChange) {
  Machine machine(Countable());
  auto& journal = machine.sampler.journal();
  machine.Samples(1);
  machine.now += HF_S;
  machine.Samples(100);
  ASSERT_EQ(journal.written(), 1u);
  EXPECT_EQ(journal.Newest().kind, HF_EVENT_KIND_LIMIT);
  EXPECT_EQ(journal.Newest().before, 20);
  EXPECT_EQ(journal.Newest().after, 21);
  EXPECT_EQ(journal.Newest().time, machine.now);
  AdaptivePolicy policy = Countable();
  policy.max_limit = 10;
  uint32_t limit = 0;
  machine.sampler.Update(policy, machine.now, &limit);
  ASSERT_EQ(journal.written(), 3u);
  EXPECT_EQ(journal.Newest(1).kind, HF_EVENT_KIND_UPDATED);
  EXPECT_EQ(journal.Newest(1).after, 1);
  EXPECT_EQ(journal.Newest().after, 10);
}

// --- RttGatherer ------------------------------------------------------------------------------------------

TEST(RttGatherer, AddsUpItsShards) {
  RttGatherer<PlainCells> gatherer;
  for (uint32_t shard = 0; shard < 40; ++shard) {
    gatherer.Add(shard, 1000 + shard, shard, false);
    gatherer.Add(shard, 0, shard, true);
  }
  EXPECT_EQ(gatherer.Waiting(), 80u);
  const RttWindow window = gatherer.Take();
  EXPECT_EQ(window.samples, 40u);
  EXPECT_EQ(window.drops, 40u);
  EXPECT_EQ(window.rtt_sum, 40u * 1000 + 780);
  EXPECT_EQ(window.rtt_min, 1000);
  EXPECT_EQ(window.in_flight, 39u);
  EXPECT_EQ(gatherer.Waiting(), 0u);
  const RttWindow empty = gatherer.Take();
  EXPECT_EQ(empty.Total(), 0u);
  EXPECT_EQ(empty.rtt_min, HF_INFINITE);
  EXPECT_EQ(empty.in_flight, 0u);
}

TEST(RttGatherer, ADropHasNoRtt) {
  RttGatherer<PlainCells> gatherer;
  gatherer.Add(0, 5, 1, true);
  const RttWindow window = gatherer.Take();
  EXPECT_EQ(window.rtt_sum, 0u);
  EXPECT_EQ(window.rtt_min, HF_INFINITE);
}

}  // namespace
}  // namespace holdfast::engine
