// SPDX-License-Identifier: Apache-2.0
// Defects that other libraries of this kind have had, where no other test here would notice them.
#include <gtest/gtest.h>
#include <holdfast/breaker.h>
#include <holdfast/bulkhead.h>
#include <holdfast/call.h>
#include <holdfast/hedge.h>
#include <holdfast/limiter.h>
#include <holdfast/pipeline.h>
#include <holdfast/retry.h>
#include <holdfast/testing/virtual_clock.h>
#include <holdfast/throttle.h>

#include <chrono>
#include <set>

#include "unit/breaker_machine.h"
#include "unit/call_fixture.h"
#include "unit/hedge_guards.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;

constexpr hf_time kNow = HF_S;
constexpr hf_outcome kDown{HF_UNAVAILABLE, 0, 0, 0, 0};

hf_action Begin(hf_call* call, const Pipeline& pipeline, hf_time now) {
  hf_call_options options = HF_INIT(hf_call_options);
  options.seed = 1;
  hf_action next;
  EXPECT_EQ(hf_call_start(call, pipeline.raw(), &options, now, &next), HF_OK);
  return next;
}

// Resilience4j gives a probe's place back for any permit that is released while half-open, so a call of
// before the trip that is cancelled late lets one probe too many through.
TEST(BreakerOfPeers, ALateResultOfBeforeTheTripMakesNoRoomForAProbe) {
  for (const hf_verdict verdict :
       {HF_VERDICT_SUCCESS, HF_VERDICT_FAILURE, HF_VERDICT_SLOW, HF_VERDICT_IGNORED}) {
    engine::BreakerPolicy policy = engine::Touchy();
    policy.probes = 1;
    engine::Machine machine(policy);
    const hf_permit early = machine.Permit();
    const hf_permit first = machine.TripAndProbe();
    machine.Record(early, verdict);
    EXPECT_EQ(machine.state(), HF_BREAKER_HALF_OPEN) << verdict;
    EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_PROBING) << verdict;
    machine.Pass(policy.probe_lease);
    machine.Permit();  // of a new round: the first probe is lost
    machine.Record(first, verdict);
    EXPECT_EQ(machine.state(), HF_BREAKER_HALF_OPEN) << verdict;
    EXPECT_EQ(machine.Refusal(), HF_R_BREAKER_PROBING) << verdict;
    EXPECT_EQ(machine.Read().probes_out, 1u) << verdict;
  }
}

// Replicas that tripped together must not probe together, although nobody gave them different seeds.
TEST(BreakerOfPeers, ThoseThatTripTogetherDoNotProbeTogether) {
  std::set<hf_time> ends;
  for (int i = 0; i < 20; ++i) {
    const auto breaker = *CircuitBreaker::Create({.consecutive_failures = 1, .open_jitter = 0.5});
    const Pipeline pipeline = *Pipeline::Create({.breaker = breaker});
    hf_call call;
    hf_action next = Begin(&call, pipeline, kNow);
    ASSERT_EQ(hf_call_resume(&call, &kDown, kNow, &next), HF_OK);
    ends.insert(breaker.Snapshot(kNow).open_until.value_or(0));
  }
  EXPECT_GT(ends.size(), 15u);
}

// A breaker that has just become ready to probe, with room for one probe.
class HalfOpenOfPeers : public ::testing::Test {
 protected:
  HalfOpenOfPeers() {
    EXPECT_EQ(Start({.breaker = breaker}).kind, HF_DO_ATTEMPT);
    EXPECT_EQ(hf_call_resume(&call, &kDown, now, &next), HF_OK);
    EXPECT_EQ(breaker.Snapshot(now).state, BreakerState::kOpen);
    now += HF_S;
    clock.Advance(1s);
  }

  hf_action Start(const PipelineOptions& guards) {
    return next = Begin(&call, *Pipeline::Create(guards), now);
  }
  void ExpectRoomForTheProbe() {
    EXPECT_EQ(breaker.Snapshot(now).state, BreakerState::kHalfOpen);
    EXPECT_EQ(breaker.Snapshot(now).probes_out, 0u);
    EXPECT_EQ(Start({.breaker = breaker}).kind, HF_DO_ATTEMPT);
    hf_call_abort(&call, now);
    EXPECT_EQ(breaker.Snapshot(now).probes_out, 0u) << "an abort gives it back, too";
  }

  hf_time now = kNow;
  testing::VirtualClock clock{kNow};  // the same time, for what asks a clock
  hf_call call;
  hf_action next;
  CircuitBreaker breaker =
      *CircuitBreaker::Create({.consecutive_failures = 1, .probes = 1, .open_for = 1s});
};

// Sentinel #1638: a probe that a rule behind the breaker blocks leaves it half-open for ever. Any order
// of guards has some behind the breaker, so each of them has to give the probe back.
TEST_F(HalfOpenOfPeers, AThrottleBehindTheBreakerKeepsNoProbe) {
  const Throttle throttle = *Throttle::Create({.max_rejection = 0.99});
  for (int i = 0; i < 1000; ++i) throttle.Record(HF_VERDICT_FAILURE, now);
  now += HF_S;  // the throttle acts a moment after what it has seen
  EXPECT_EQ(Start({.breaker = breaker, .throttle = throttle}).reason, HF_R_THROTTLED);
  ExpectRoomForTheProbe();
}

TEST_F(HalfOpenOfPeers, ARateLimitBehindTheBreakerKeepsNoProbe) {
  const RateLimiter limiter =
      *RateLimiter::Create({.permits = 1, .period = 10s, .burst = 1, .max_wait = 1s});
  ASSERT_TRUE(limiter.TryAcquire(1, clock).ok());
  EXPECT_EQ(Start({.breaker = breaker, .limiter = limiter}).reason, HF_R_RATE_LIMITED);
  ExpectRoomForTheProbe();
}

TEST_F(HalfOpenOfPeers, ACallThatWaitsForItsRateKeepsNoProbe) {
  const RateLimiter limiter =
      *RateLimiter::Create({.permits = 1, .period = 1s, .burst = 1, .max_wait = 10s});
  ASSERT_TRUE(limiter.TryAcquire(1, clock).ok());
  EXPECT_EQ(Start({.breaker = breaker, .limiter = limiter}).kind, HF_DO_SLEEP);
  EXPECT_EQ(breaker.Snapshot(now).probes_out, 0u);
  hf_call_abort(&call, now);
  ExpectRoomForTheProbe();
}

TEST_F(HalfOpenOfPeers, AFullBulkheadBehindTheBreakerKeepsNoProbe) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  const auto place = bulkhead.TryAcquire(clock);
  EXPECT_EQ(Start({.breaker = breaker, .bulkhead = bulkhead}).reason, HF_R_BULKHEAD_FULL);
  ExpectRoomForTheProbe();
}

TEST_F(HalfOpenOfPeers, ACallInAQueueKeepsNoProbe) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1, .queue = 1, .max_wait = 10s});
  const auto place = bulkhead.TryAcquire(clock);
  EXPECT_EQ(Start({.breaker = breaker, .bulkhead = bulkhead}).kind, HF_DO_WAIT);
  EXPECT_EQ(breaker.Snapshot(now).probes_out, 0u);
  hf_call_abort(&call, now);
  ExpectRoomForTheProbe();
}

// Polly stops reloading for good once it has been given a bad configuration.
TEST(UpdateOfPeers, ARefusedOneIsNotTheLast) {
  const auto breaker = *CircuitBreaker::Create({.consecutive_failures = 1});
  EXPECT_FALSE(breaker.Update({.failure_rate = 2}, kNow).ok());
  EXPECT_TRUE(breaker.Update({.consecutive_failures = 1, .open_for = 9s}, kNow).ok());
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  EXPECT_FALSE(bulkhead.Update({.limit = 2'000'000}, kNow).ok());
  EXPECT_TRUE(bulkhead.Update({.limit = 2}, kNow).ok());
  EXPECT_EQ(bulkhead.Snapshot().limit, 2u);
  const RetryBudget budget = *RetryBudget::Create({.max_tokens = 10});
  EXPECT_FALSE(budget.Update({.max_tokens = -1}, kNow).ok());
  EXPECT_TRUE(budget.Update({.max_tokens = 20}, kNow).ok());
  EXPECT_EQ(budget.Tokens(), 20);
  const RateLimiter limiter = *RateLimiter::Create({.permits = 1});
  EXPECT_FALSE(limiter.Update({.max_wait = -1s}, kNow).ok());
  EXPECT_TRUE(limiter.Update({.permits = 5}, kNow).ok());
  testing::VirtualClock clock{kNow};
  EXPECT_EQ(limiter.Snapshot(clock).rate, 5);

  const Pipeline pipeline = *Pipeline::Create({.breaker = breaker});
  EXPECT_FALSE(pipeline.Update({.breaker = breaker, .timeout = -1s}).ok());
  EXPECT_TRUE(pipeline.Update({.breaker = breaker, .timeout = 50ms}).ok());
  hf_call call;
  hf_action next = Begin(&call, pipeline, kNow);
  EXPECT_EQ(next.until, kNow + 50 * HF_MS);
  ASSERT_EQ(hf_call_resume(&call, &kDown, kNow, &next), HF_OK);
  EXPECT_EQ(breaker.Snapshot(kNow).open_until, kNow + 9 * HF_S);
}

// Resilience4j has one sleep function for all retries of the process: what one test replaces, all get.
TEST(CallOfPeers, EachSleepsOnItsOwnClock) {
  const Pipeline pipeline =
      *Pipeline::Create({.retry = *RetryPolicy::Create({.jitter = Jitter::kNone})});
  testing::VirtualClock one;
  testing::VirtualClock other;
  const auto fail = [] { return absl::UnavailableError(""); };
  EXPECT_FALSE(Call(pipeline, {.idempotent = true, .clock = &one}, fail).ok());
  EXPECT_EQ(one.elapsed(), 300ms);
  EXPECT_EQ(other.elapsed(), 0ms);
  EXPECT_FALSE(Call(pipeline, {.idempotent = true, .clock = &other}, fail).ok());
  EXPECT_EQ(one.elapsed(), 300ms);
  EXPECT_EQ(other.elapsed(), 300ms);
}

using ScriptedCallOfPeers = engine::CallOverScriptedGuards;

// google-cloud-cpp retries what must not be repeated if the server has said when to come back.
TEST_F(ScriptedCallOfPeers, ATimeToComeBackAtDoesNotMakeACallIdempotent) {
  Start(0, 0);
  const hf_action finish = End(1010, hf_outcome{HF_UNAVAILABLE, 0, 0, 0, 5});
  ExpectFinish(finish, HF_UNAVAILABLE, HF_R_NOT_IDEMPOTENT, 1);
  EXPECT_EQ(finish.retry_after, 5) << "the caller may know better";
}

using HedgeOfPeers = engine::HedgedCall;

// Failsafe-go #141: a budget that was used up took the attempts along that were still in flight.
TEST_F(HedgeOfPeers, AnExhaustedBudgetLeavesWhatIsInFlightAlone) {
  Start(900000);
  ExpectAttempt(OnTime(1100), 2, 900000);
  guards.budget_allows = false;
  const hf_hedge_action wait = End(1, 1150, HF_UNAVAILABLE);
  ExpectWait(wait, 900000);
  EXPECT_EQ(wait.cancel, 0u);
  ExpectFinish(End(2, 1160, HF_OK), HF_OK, HF_R_NONE, 2);
}

// Loki #4826: in a partial outage hedging is more load on what has too much already. A dependency that
// hangs shows no failure, so what the hedges themselves cost has to stop them.
TEST(HedgingOfPeers, FadesOutWhenTheDependencyFailsOrHangs) {
  for (const bool hangs : {false, true}) {
    const Pipeline pipeline = *Pipeline::Create(
        {.retry = *RetryPolicy::Create(), .budget = *RetryBudget::Create({.max_tokens = 10})});
    const HedgePolicy policy = *HedgePolicy::Create(
        {.mode = HedgeMode::kFixed, .max_attempts = 3, .delay = 10ms, .burst = 1000});
    uint64_t sent = 0;
    for (int i = 0; i < 1000; ++i) {
      const hf_time start = kNow + i * HF_S;
      HedgeCall call(policy, pipeline, {.idempotent = true}, start);
      ++sent;
      for (int step = 1; step <= 5 && !call.IsOver(); ++step) {
        const hf_time now = start + step * 10 * HF_MS;
        ASSERT_TRUE(
            (hangs ? call.OnTime(now) : call.OnOutcome(call.next().attempt, kDown, now)).ok());
        sent += call.next().kind == HF_DO_ATTEMPT ? 1 : 0;
      }
    }
    EXPECT_GT(sent, 1000u) << hangs;
    EXPECT_LE(sent, 1005u) << hangs << ": half of the tokens, and then no more";
  }
}

}  // namespace
}  // namespace holdfast
