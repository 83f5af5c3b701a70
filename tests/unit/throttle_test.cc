// SPDX-License-Identifier: Apache-2.0
// The throttle's engine: the published vectors of failsafe-go and Envoy, the window, and what counts.
#include "engine/throttle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "engine/cells.h"

namespace holdfast::engine {
namespace {

constexpr hf_verdict kOk = HF_VERDICT_SUCCESS;
constexpr hf_verdict kError = HF_VERDICT_FAILURE;

// Without a floor, so that few calls are enough.
ThrottlePolicy Unfloored() {
  ThrottlePolicy policy;
  policy.window = 10 * HF_S;
  policy.buckets = 10;
  policy.success_rate = 0.9;
  policy.min_rate = 0.001;
  return policy;
}

double Probability(const ThrottlePolicy& policy, uint64_t requests, uint64_t accepts) {
  return RejectionProbability(policy, {requests, accepts});
}

// A throttle with a clock in hand.
class Machine {
 public:
  explicit Machine(const ThrottlePolicy& policy) : throttle(policy) {}

  void Record(int count, hf_verdict verdict) {
    for (int i = 0; i < count; ++i) throttle.Record(0, verdict, now);
  }
  // How many of `count` calls, each with a seed of its own, are refused.
  int Refused(int count) {
    int refused = 0;
    for (int i = 0; i < count; ++i) refused += Admit().code != HF_OK ? 1 : 0;
    return refused;
  }
  hf_rejection Admit() { return throttle.Admit(0, ++seed, now); }
  hf_throttle_snapshot Read() { return throttle.Read(now); }

  Throttle<PlainCells> throttle;
  hf_time now = 1000 * HF_S;
  uint64_t seed = 0;
};

// --- The probability ----------------------------------------------------------------------------------

// failsafe-go adaptivethrottler computeRejectionRate.
TEST(ThrottlePolicy, FollowsTheFailsafeVector) {
  const ThrottlePolicy policy = Unfloored();
  EXPECT_DOUBLE_EQ(Probability(policy, 120, 90), 20.0 / 121);
  EXPECT_EQ(Probability(policy, 100, 95), 0);
  EXPECT_EQ(Probability(policy, 1000, 0), 0.9);
}

// Envoy admission_control: 1000 calls, 500 good, threshold 1, aggression 1; its draws are of 10000.
TEST(ThrottlePolicy, FollowsTheEnvoyVector) {
  ThrottlePolicy policy = Unfloored();
  policy.success_rate = 1;
  const uint64_t below = DrawsBelow(Probability(policy, 1000, 500));
  const auto draw = [](double of_10000) {
    return static_cast<uint64_t>(std::ldexp(of_10000 / 10000, 64));
  };
  EXPECT_GE(draw(5500), below);
  EXPECT_LT(draw(4500), below);
}

TEST(ThrottlePolicy, ExactlyTheSuccessRateIsEnough) {
  const ThrottlePolicy policy = Unfloored();
  EXPECT_EQ(Probability(policy, 100, 90), 0);
  EXPECT_GT(Probability(policy, 100, 89), 0);
}

TEST(ThrottlePolicy, AggressionIsARoot) {
  ThrottlePolicy policy = Unfloored();
  policy.aggression = 2;
  EXPECT_DOUBLE_EQ(Probability(policy, 120, 90), std::sqrt(20.0 / 121));
  policy.aggression = 0.5;
  EXPECT_DOUBLE_EQ(Probability(policy, 120, 90), 20.0 / 121 * 20 / 121);
}

TEST(ThrottlePolicy, BelowTheFloorNothingIsRefused) {
  ThrottlePolicy policy = Unfloored();
  policy.min_rate = 5;  // fifty in ten seconds
  EXPECT_EQ(Probability(policy, 49, 0), 0);
  EXPECT_EQ(Probability(policy, 50, 0), 0.9);
}

TEST(ThrottlePolicy, NothingSeenIsNothingRefused) { EXPECT_EQ(Probability(Unfloored(), 0, 0), 0); }

TEST(ThrottlePolicy, DrawsAreSpreadOverTheWholeRange) {
  EXPECT_EQ(DrawsBelow(0), 0u);
  EXPECT_EQ(DrawsBelow(0.5), uint64_t{1} << 63);
  EXPECT_LT(DrawsBelow(0.99), UINT64_MAX);
}

// --- What counts --------------------------------------------------------------------------------------------

TEST(Throttle, ARefusedCallCountsAsWantedAndNotAsAccepted) {
  Machine machine(Unfloored());
  machine.Record(100, kError);
  machine.now += HF_S;
  const int refused = machine.Refused(1000);
  EXPECT_GT(refused, 850);
  EXPECT_LT(refused, 950);
  const hf_throttle_snapshot snapshot = machine.Read();
  EXPECT_EQ(snapshot.requests, 100u + static_cast<uint64_t>(refused));
  EXPECT_EQ(snapshot.accepts, 0u);
  EXPECT_EQ(snapshot.refused, static_cast<uint64_t>(refused));
}

TEST(Throttle, AnAdmittedCallCountsOnceItsResultIsKnown) {
  Machine machine(Unfloored());
  // In SRE's own words these hundred would be requests without an accept, and the next ones refused.
  EXPECT_EQ(machine.Refused(100), 0);
  EXPECT_EQ(machine.Read().requests, 0u);
  machine.Record(100, kOk);
  EXPECT_EQ(machine.Read().requests, 100u);
  EXPECT_EQ(machine.Read().accepts, 100u);
}

TEST(Throttle, VerdictsCountByTheTable) {
  const struct {
    hf_verdict verdict;
    uint64_t requests, accepts;
  } rows[] = {{HF_VERDICT_SUCCESS, 1, 1},
              {HF_VERDICT_FAILURE, 1, 0},
              {HF_VERDICT_SLOW, 1, 1},
              {HF_VERDICT_IGNORED, 0, 0}};
  for (const auto& row : rows) {
    Machine machine(Unfloored());
    machine.Record(1, row.verdict);
    EXPECT_EQ(machine.Read().requests, row.requests) << row.verdict;
    EXPECT_EQ(machine.Read().accepts, row.accepts) << row.verdict;
  }
}

TEST(Throttle, TheSameSeedGivesTheSameAnswer) {
  Machine one(Unfloored()), other(Unfloored());
  for (Machine* machine : {&one, &other}) {
    machine->Record(100, kError);
    machine->Record(50, kOk);
    machine->now += HF_S;
  }
  for (uint64_t seed = 1; seed < 1000; ++seed) {
    EXPECT_EQ(one.throttle.Admit(0, seed, one.now).code,
              other.throttle.Admit(3, seed, other.now).code);
  }
}

TEST(Throttle, ARefusalSaysWhyAndWhenTheWindowMoves) {
  Machine machine(Unfloored());
  machine.Record(1000, kError);
  machine.now += HF_S + 300 * HF_MS;
  hf_rejection why = machine.Admit();
  while (why.code == HF_OK) why = machine.Admit();
  EXPECT_EQ(why.code, HF_UNAVAILABLE);
  EXPECT_EQ(why.reason, HF_R_THROTTLED);
  EXPECT_EQ(why.retry_after, 700 * HF_MS);
}

// --- The window -------------------------------------------------------------------------------------------

TEST(Throttle, EachStepLeavesAfterTheWholeWindow) {
  Machine machine(Unfloored());
  machine.Record(10, kError);
  machine.now += HF_S;
  machine.Record(20, kOk);
  machine.now += 8 * HF_S + HF_S - 1;
  EXPECT_EQ(machine.Read().requests, 30u);
  machine.now += 1;
  EXPECT_EQ(machine.Read().requests, 20u);
  EXPECT_EQ(machine.Read().accepts, 20u);
  machine.now += HF_S;
  EXPECT_EQ(machine.Read().requests, 0u);
}

TEST(Throttle, ALongPauseEmptiesTheWindow) {
  Machine machine(Unfloored());
  machine.Record(1000, kError);
  machine.now += 365 * 24 * 3600 * HF_S;
  EXPECT_EQ(machine.Refused(100), 0);
  machine.Record(7, kOk);
  EXPECT_EQ(machine.Read().requests, 7u);
}

TEST(Throttle, ReadingAheadChangesNothing) {
  Machine machine(Unfloored());
  machine.Record(10, kError);
  EXPECT_EQ(machine.throttle.Read(machine.now + 100 * HF_S).requests, 0u);
  EXPECT_EQ(machine.Read().requests, 10u);
}

TEST(Throttle, AStepBackOfTheClockIsNoTimePassed) {
  Machine machine(Unfloored());
  machine.Record(10, kError);
  machine.now -= 500 * HF_S;
  machine.Record(10, kError);
  machine.throttle.Record(0, kOk, -1);
  EXPECT_EQ(machine.Read().requests, 21u);
  machine.throttle.Update(Unfloored(), machine.now);
  EXPECT_EQ(machine.throttle.Read(1000 * HF_S + 1).requests, 21u);
  ThrottlePolicy other = Unfloored();
  other.buckets = 7;
  machine.throttle.Update(other, machine.now);
  machine.now = 1001 * HF_S;
  machine.Record(1, kOk);
  EXPECT_EQ(machine.Read().requests, 22u);
}

TEST(Throttle, NegativeTimeIsTheBeginning) {
  Machine machine(Unfloored());
  machine.now = -5;
  machine.Record(3, kOk);
  EXPECT_EQ(machine.Admit().code, HF_OK);
  EXPECT_EQ(machine.Read().requests, 3u);
}

TEST(Throttle, TheEndOfTimeIsNoSpecialTime) {
  Machine machine(Unfloored());
  machine.now = HF_INFINITE;
  machine.Record(3, kOk);
  EXPECT_EQ(machine.Admit().code, HF_OK);
  EXPECT_EQ(machine.Read().requests, 3u);
}

TEST(Throttle, ActsWithinAThirtySecondOfAStep) {
  Machine machine(Unfloored());
  machine.Record(1, kOk);  // refreshed here
  machine.Record(1000, kError);
  EXPECT_EQ(machine.Refused(50), 0);
  machine.now += HF_S / 32;
  EXPECT_GT(machine.Refused(50), 30);
}

// --- The course of an outage --------------------------------------------------------------------------------

// What gets through grows by a factor of 1 / success_rate per window: ten windows for K = 2 are plenty.
TEST(Throttle, FindsRecoveryThroughItsTrickle) {
  ThrottlePolicy policy = Unfloored();
  policy.success_rate = 0.5;
  Machine machine(policy);
  int sent_in_outage = 0, sent_after = 0;
  for (int second = 0; second < 100; ++second) {
    for (int i = 0; i < 100; ++i, machine.now += 10 * HF_MS) {
      if (machine.Admit().code != HF_OK) continue;
      machine.Record(1, second < 30 ? kError : kOk);
      sent_in_outage += second >= 10 && second < 30 ? 1 : 0;
      sent_after += second >= 80 ? 1 : 0;
    }
  }
  EXPECT_GT(sent_in_outage, 150);  // of 2000
  EXPECT_LT(sent_in_outage, 250);
  EXPECT_EQ(sent_after, 2000);
}

// Accepts 20 of 100 per second: what is sent settles at 20 / success_rate, not at sqrt(100 * 20 / 0.9) = 47.
TEST(Throttle, SendsAsMuchAsIsAcceptedAndALittleMore) {
  ThrottlePolicy policy = Unfloored();
  policy.max_rejection = 0.99;
  Machine machine(policy);
  int sent = 0;
  for (int second = 0; second < 200; ++second) {
    int accepted_now = 0;
    for (int i = 0; i < 100; ++i, machine.now += 10 * HF_MS) {
      if (machine.Admit().code != HF_OK) continue;
      sent += second >= 100 ? 1 : 0;
      machine.Record(1, ++accepted_now <= 20 ? kOk : kError);
    }
  }
  EXPECT_GT(sent, 1900);
  EXPECT_LT(sent, 2800);
}

// --- Update and journal -----------------------------------------------------------------------------------

TEST(Throttle, AnUpdateKeepsTheCounts) {
  Machine machine(Unfloored());
  machine.Record(100, kError);
  machine.now += 2 * HF_S;
  machine.Record(50, kOk);
  ThrottlePolicy policy = Unfloored();
  policy.success_rate = 0.5;
  policy.max_rejection = 0.25;
  machine.throttle.Update(policy, machine.now);
  EXPECT_EQ(machine.Read().requests, 150u);
  EXPECT_EQ(machine.Read().accepts, 50u);
  EXPECT_EQ(machine.Read().rejection, 0.25);
  machine.now += 8 * HF_S;
  EXPECT_EQ(machine.Read().requests, 50u) << "each in its own step";
}

TEST(Throttle, AnotherWindowKeepsThemAsOfNow) {
  for (const int64_t buckets : {1, 3, 64}) {
    Machine machine(Unfloored());
    machine.Record(100, kError);
    machine.now += 2 * HF_S;
    machine.Record(50, kOk);
    ThrottlePolicy policy = Unfloored();
    policy.window = 3 * HF_S;
    policy.buckets = buckets;
    machine.throttle.Update(policy, machine.now);
    EXPECT_EQ(machine.Read().requests, 150u) << buckets;
    machine.Record(1, kOk);
    EXPECT_EQ(machine.Read().requests, 151u) << buckets;
    machine.now += 6 * HF_S;
    EXPECT_EQ(machine.Read().requests, 0u) << buckets;
  }
}

TEST(Throttle, AnUpdateActsAtOnce) {
  ThrottlePolicy policy = Unfloored();
  policy.min_rate = 1e6;
  Machine machine(policy);
  machine.Record(100, kError);
  EXPECT_EQ(machine.Refused(100), 0);
  machine.throttle.Update(Unfloored(), machine.now);
  EXPECT_GT(machine.Refused(100), 70);
}

TEST(Throttle, TheJournalTellsWhenItBeginsRefusesAndEnds) {
  Machine machine(Unfloored());
  auto& journal = machine.throttle.journal();
  machine.Record(100, kError);
  EXPECT_EQ(journal.written(), 0u);
  machine.now += HF_S;
  while (machine.Admit().code == HF_OK) {
  }
  ASSERT_EQ(journal.written(), 2u);
  EXPECT_EQ(journal.Newest(1).kind, HF_EVENT_KIND_LIMIT);
  EXPECT_EQ(journal.Newest(1).before, 1000);
  EXPECT_EQ(journal.Newest(1).after, 100);
  EXPECT_EQ(journal.Newest().kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(journal.Newest().reason, HF_R_THROTTLED);
  EXPECT_EQ(journal.Newest().time, machine.now);
  machine.now += 60 * HF_S;
  EXPECT_EQ(machine.Admit().code, HF_OK);
  EXPECT_EQ(journal.Newest().kind, HF_EVENT_KIND_LIMIT);
  EXPECT_EQ(journal.Newest().before, 100);
  EXPECT_EQ(journal.Newest().after, 1000);
  machine.throttle.Update(Unfloored(), machine.now);
  machine.throttle.Update(Unfloored(), machine.now);
  EXPECT_EQ(journal.Newest().kind, HF_EVENT_KIND_UPDATED);
  EXPECT_EQ(journal.Newest().after, 2);
}

}  // namespace
}  // namespace holdfast::engine
