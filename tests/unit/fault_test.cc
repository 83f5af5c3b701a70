// SPDX-License-Identifier: Apache-2.0
// Fault injection's engine: the run, the limits, what a rule says, and that it says it again.
#include "engine/fault.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "engine/cells.h"

namespace holdfast::engine {
namespace {

using PlainFault = Fault<PlainCells>;

constexpr uint64_t kTicket = 77;

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }
hf_facts Operation(std::string_view operation) { return {Str(operation), {}, {}, {}}; }

FaultRule Rule(hf_fault_kind kind, double rate = 1, std::string_view operation = "") {
  FaultRule rule;
  hf_match match{};
  match.operation = Str(operation);
  CompileMatch(match, &rule.match);
  rule.kind = kind;
  rule.threshold = FaultThreshold(rate);
  rule.seed = 11;
  if (kind == HF_FAULT_DELAY) rule.delay_min = 100;
  if (kind == HF_FAULT_ERROR) rule.outcome = {HF_UNAVAILABLE, 0, HF_EFFECT_NOT_STARTED, 0, 9};
  if (kind == HF_FAULT_RESULT) rule.result = 42;
  return rule;
}

FaultPolicy Policy(const std::vector<FaultRule>& rules) {
  FaultPolicy policy;
  for (const FaultRule& rule : rules) policy.rules[policy.count++] = rule;
  policy.seed = 5;
  policy.expiry = 60 * HF_S;
  return policy;
}

// One that runs from 0 on.
PlainFault Running(const FaultPolicy& policy) {
  PlainFault fault(policy, kTicket);
  fault.Start(0);
  return fault;
}

hf_fault_decision DrawFor(PlainFault& fault, uint64_t seed, uint32_t attempt, const hf_facts& facts,
                          hf_time now) {
  hf_fault_decision decision{};
  const bool any = fault.Draw(seed, attempt, facts, now, &decision);
  EXPECT_EQ(any, decision.kind != HF_FAULT_NONE);
  return decision;
}

hf_fault_decision PreviewFor(PlainFault& fault, uint64_t seed, uint32_t attempt,
                             const hf_facts& facts, hf_time now) {
  hf_fault_decision decision{};
  fault.Preview(seed, attempt, facts, now, &decision);
  return decision;
}

hf_fault_decision Draw(PlainFault& fault, uint64_t seed = 1, hf_time now = 1) {
  return DrawFor(fault, seed, 1, Operation("charge"), now);
}

TEST(Fault, InjectsNothingUnlessStarted) {
  PlainFault fault(Policy({Rule(HF_FAULT_ERROR)}), kTicket);
  EXPECT_EQ(Draw(fault).kind, HF_FAULT_NONE);
  EXPECT_EQ(fault.Read(1).state, HF_FAULT_STOPPED);
  EXPECT_EQ(fault.Read(1).stop_reason, HF_R_NONE);
  fault.Start(1);
  EXPECT_EQ(Draw(fault).kind, HF_FAULT_ERROR);
  EXPECT_EQ(fault.Read(1).state, HF_FAULT_RUNNING);
  EXPECT_EQ(fault.Read(1).starts, 1u);
}

TEST(Fault, AnErrorCarriesTheRulesOutcomeAndSaysThatItIsInjected) {
  PlainFault fault = Running(Policy({Rule(HF_FAULT_ERROR)}));
  const hf_fault_decision decision = DrawFor(fault, 1, 3, {}, 1);
  EXPECT_EQ(decision.kind, HF_FAULT_ERROR);
  EXPECT_EQ(decision.reason, HF_R_FAULT_INJECTED);
  EXPECT_EQ(decision.attempt, 3u);
  EXPECT_EQ(decision.outcome.code, HF_UNAVAILABLE);
  EXPECT_EQ(decision.outcome.effect, HF_EFFECT_NOT_STARTED);
  EXPECT_EQ(decision.outcome.retry_after, 9);
  EXPECT_EQ(decision.delay_until, 0);
  EXPECT_EQ(decision.ticket, 0u) << "over at once";
  EXPECT_EQ(fault.Read(1).errors, 1u);
  EXPECT_EQ(fault.Read(1).active, 0u);
}

TEST(Fault, AResultNamesWhatTheCallerKeeps) {
  PlainFault fault = Running(Policy({Rule(HF_FAULT_RESULT)}));
  EXPECT_EQ(Draw(fault).kind, HF_FAULT_RESULT);
  EXPECT_EQ(Draw(fault).result, 42u);
  EXPECT_EQ(fault.Read(1).results, 2u);
}

TEST(Fault, ADelayIsActiveUntilItIsDone) {
  PlainFault fault = Running(Policy({Rule(HF_FAULT_DELAY)}));
  hf_fault_decision decision = Draw(fault, 1, 5);
  EXPECT_EQ(decision.delay_until, 105);
  EXPECT_EQ(decision.ticket, kTicket);
  EXPECT_EQ(fault.Read(5).active, 1u);
  EXPECT_TRUE(fault.Done(&decision));
  EXPECT_EQ(decision.ticket, 0u);
  EXPECT_EQ(fault.Read(5).active, 0u);
  EXPECT_TRUE(fault.Done(&decision)) << "idempotent";
  EXPECT_EQ(fault.Read(5).active, 0u);
  EXPECT_EQ(fault.Read(5).delays, 1u);
}

TEST(Fault, ATicketOfAnotherInjectorIsRefused) {
  PlainFault fault = Running(Policy({Rule(HF_FAULT_DELAY)}));
  hf_fault_decision mine = Draw(fault);
  hf_fault_decision other = mine;
  other.ticket = kTicket + 1;
  EXPECT_FALSE(fault.Done(&other));
  EXPECT_EQ(fault.Read(1).active, 1u);
  hf_fault_decision copy = mine;
  EXPECT_TRUE(fault.Done(&mine));
  EXPECT_TRUE(fault.Done(&copy));
  EXPECT_EQ(fault.Read(1).active, 0u) << "never below nothing";
}

TEST(Fault, AnErrorMayComeLate) {
  FaultRule slow = Rule(HF_FAULT_ERROR);
  slow.delay_min = 50;
  PlainFault fault = Running(Policy({slow}));
  const hf_fault_decision decision = Draw(fault, 1, 10);
  EXPECT_EQ(decision.kind, HF_FAULT_ERROR);
  EXPECT_EQ(decision.delay_until, 60);
  EXPECT_EQ(fault.Read(10).active, 1u);
}

TEST(Fault, ADelayIsUniformBetweenItsEnds) {
  FaultRule rule = Rule(HF_FAULT_DELAY);
  rule.delay_min = 10;
  rule.delay_spread = 3;
  FaultPolicy policy = Policy({rule});
  policy.limits.max_active = 100000;
  PlainFault fault = Running(policy);
  int seen[4] = {};
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    const hf_time until = Draw(fault, seed, 0).delay_until;
    ASSERT_GE(until, 10);
    ASSERT_LE(until, 13);
    ++seen[until - 10];
  }
  for (const int count : seen) EXPECT_NEAR(count, 1000, 120);
}

TEST(Fault, AtTheLimitOfActiveOnesNothingIsInjectedAndThatIsCounted) {
  FaultPolicy policy = Policy({Rule(HF_FAULT_DELAY, 1, "charge"), Rule(HF_FAULT_ERROR)});
  policy.limits.max_active = 2;
  PlainFault fault = Running(policy);
  hf_fault_decision first = Draw(fault), second = Draw(fault);
  EXPECT_EQ(Draw(fault).kind, HF_FAULT_NONE);
  EXPECT_EQ(DrawFor(fault, 1, 1, Operation("refund"), 1).kind, HF_FAULT_NONE) << "no error either";
  EXPECT_EQ(fault.Read(1).skipped_active, 2u);
  EXPECT_EQ(fault.Read(1).active, 2u);
  fault.Done(&first);
  EXPECT_EQ(Draw(fault).kind, HF_FAULT_DELAY);
  fault.Done(&second);
  EXPECT_EQ(DrawFor(fault, 1, 1, Operation("refund"), 1).kind, HF_FAULT_ERROR);
}

TEST(Fault, NoMoreThanMaxTotalAreInjected) {
  FaultPolicy policy = Policy({Rule(HF_FAULT_DELAY)});
  policy.limits.max_total = 3;
  PlainFault fault = Running(policy);
  int injected = 0;
  for (int i = 0; i < 10; ++i) injected += Draw(fault).kind == HF_FAULT_DELAY ? 1 : 0;
  EXPECT_EQ(injected, 3);
  EXPECT_EQ(fault.Read(1).skipped_total, 7u);
  EXPECT_EQ(fault.Read(1).active, 3u) << "what was skipped gave its place back";
}

TEST(Fault, TheFirstRuleWhoseDrawHitsDecides) {
  PlainFault fault = Running(Policy(
      {Rule(HF_FAULT_DELAY, 1, "refund"), Rule(HF_FAULT_RESULT, 1, "ch*"), Rule(HF_FAULT_ERROR)}));
  EXPECT_EQ(Draw(fault).rule, 1u);
  EXPECT_EQ(Draw(fault).kind, HF_FAULT_RESULT);
  EXPECT_EQ(DrawFor(fault, 1, 1, Operation("notify"), 1).rule, 2u);
  EXPECT_EQ(DrawFor(fault, 1, 1, Operation("refund"), 1).rule, 0u);
}

TEST(Fault, TheRateIsWhatItSays) {
  PlainFault fault = Running(Policy({Rule(HF_FAULT_ERROR, 0.1)}));
  int injected = 0;
  for (uint64_t seed = 1; seed <= 100000; ++seed) {
    injected += Draw(fault, seed).kind == HF_FAULT_ERROR ? 1 : 0;
  }
  EXPECT_NEAR(injected, 10000, 300);
}

TEST(Fault, TheEndsOfTheRateAreExact) {
  EXPECT_EQ(FaultThreshold(1), uint64_t{1} << 53);
  EXPECT_EQ(FaultThreshold(0.5), uint64_t{1} << 52);
  EXPECT_EQ(FaultThreshold(1e-300), 1u) << "not never";
  EXPECT_LT(FaultThreshold(0.9999999), uint64_t{1} << 53);
}

TEST(Fault, ADrawEqualToTheRateMisses) {
  FaultRule rule = Rule(HF_FAULT_ERROR);
  rule.threshold = Rng(Rng(rule.seed, 1).Next(), 1).Next() >> 11;
  PlainFault edge = Running(Policy({rule}));
  EXPECT_EQ(Draw(edge, 1).kind, HF_FAULT_NONE);
  ++rule.threshold;
  PlainFault above = Running(Policy({rule}));
  EXPECT_EQ(Draw(above, 1).kind, HF_FAULT_ERROR);
}

TEST(Fault, TheSameSeedsSayTheSameWhateverElseHappens) {
  const FaultPolicy policy = Policy({Rule(HF_FAULT_ERROR, 0.3), Rule(HF_FAULT_DELAY, 0.3)});
  PlainFault forwards = Running(policy), backwards = Running(policy);
  std::vector<hf_fault_kind> there, back;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    hf_fault_decision decision = DrawFor(forwards, seed, 2, {}, 1);
    there.push_back(decision.kind);
    forwards.Done(&decision);
  }
  for (uint64_t seed = 500; seed >= 1; --seed) {
    hf_fault_decision decision = DrawFor(backwards, seed, 2, {}, static_cast<hf_time>(seed));
    back.insert(back.begin(), decision.kind);
    backwards.Done(&decision);
  }
  EXPECT_EQ(there, back);
}

TEST(Fault, EachAttemptAndEachRuleDrawsForItself) {
  FaultRule same = Rule(HF_FAULT_ERROR, 0.5), other = same;
  other.seed = 12;
  PlainFault one = Running(Policy({same})), two = Running(Policy({other}));
  int attempts_differ = 0, rules_differ = 0;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    const bool first = DrawFor(one, seed, 1, {}, 1).kind == HF_FAULT_ERROR;
    attempts_differ += first != (DrawFor(one, seed, 2, {}, 1).kind == HF_FAULT_ERROR) ? 1 : 0;
    rules_differ += first != (DrawFor(two, seed, 1, {}, 1).kind == HF_FAULT_ERROR) ? 1 : 0;
  }
  EXPECT_NEAR(attempts_differ, 500, 80);
  EXPECT_NEAR(rules_differ, 500, 80);
}

TEST(Fault, APreviewSaysWhatADrawWouldAndDoesNothing) {
  FaultPolicy policy = Policy({Rule(HF_FAULT_DELAY, 0.5)});
  policy.limits.max_active = 1000;
  PlainFault fault(policy, kTicket);
  std::vector<hf_time> before, drawn;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const hf_fault_decision preview = PreviewFor(fault, seed, 1, {}, 7);
    EXPECT_EQ(preview.ticket, 0u);
    before.push_back(preview.delay_until);
  }
  fault.Start(0);
  EXPECT_EQ(fault.Read(0).delays, 0u);
  for (uint64_t seed = 1; seed <= 100; ++seed)
    drawn.push_back(DrawFor(fault, seed, 1, {}, 7).delay_until);
  EXPECT_EQ(before, drawn);
}

TEST(Fault, ARunEndsByItself) {
  PlainFault fault = Running(Policy({Rule(HF_FAULT_ERROR)}));
  EXPECT_EQ(fault.Read(1).left, 60 * HF_S - 1);
  EXPECT_EQ(Draw(fault, 1, 60 * HF_S - 1).kind, HF_FAULT_ERROR);
  EXPECT_EQ(Draw(fault, 1, 60 * HF_S).kind, HF_FAULT_NONE);
  EXPECT_EQ(Draw(fault, 1, 1).kind, HF_FAULT_NONE) << "an older clock does not bring it back";
  EXPECT_EQ(fault.journal().Newest().kind, HF_EVENT_KIND_STATE);
  EXPECT_EQ(fault.journal().Newest().reason, HF_R_DEADLINE);
  const hf_fault_snapshot snapshot = fault.Read(60 * HF_S);
  EXPECT_EQ(snapshot.state, HF_FAULT_STOPPED);
  EXPECT_EQ(snapshot.stop_reason, HF_R_DEADLINE);
  EXPECT_EQ(snapshot.left, 0);
}

TEST(Fault, AReaderNoticesTheEndToo) {
  PlainFault fault = Running(Policy({Rule(HF_FAULT_ERROR)}));
  EXPECT_EQ(fault.Read(60 * HF_S).state, HF_FAULT_STOPPED);
  EXPECT_EQ(fault.journal().written(), 2u);
}

TEST(Fault, AStopIsHeardAtOnceAndItsFirstReasonIsKept) {
  PlainFault fault = Running(Policy({Rule(HF_FAULT_ERROR)}));
  fault.Stop(HF_R_BREAKER_OPEN, 5);
  fault.Stop(HF_R_ABORTED, 6);
  EXPECT_EQ(Draw(fault).kind, HF_FAULT_NONE);
  EXPECT_EQ(fault.Read(6).stop_reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(fault.journal().written(), 2u);
  EXPECT_EQ(fault.journal().Newest().before, HF_FAULT_RUNNING);
  EXPECT_EQ(fault.journal().Newest().after, HF_FAULT_STOPPED);
  fault.Start(7);
  EXPECT_EQ(Draw(fault, 1, 8).kind, HF_FAULT_ERROR);
  EXPECT_EQ(fault.Read(8).stop_reason, HF_R_BREAKER_OPEN) << "of the last stop";
}

TEST(Fault, StartingAgainMovesTheEnd) {
  PlainFault fault = Running(Policy({Rule(HF_FAULT_ERROR)}));
  fault.Start(30 * HF_S);
  EXPECT_EQ(Draw(fault, 1, 80 * HF_S).kind, HF_FAULT_ERROR);
  EXPECT_EQ(fault.Read(80 * HF_S).starts, 2u);
  EXPECT_EQ(Draw(fault, 1, 90 * HF_S).kind, HF_FAULT_NONE);
}

TEST(Fault, AnUpdateKeepsTheRunItsCountsAndWhatIsActive) {
  PlainFault fault = Running(Policy({Rule(HF_FAULT_DELAY)}));
  hf_fault_decision decision = Draw(fault);
  FaultPolicy next = Policy({Rule(HF_FAULT_ERROR, 1, "charge")});
  next.seed = 6;
  next.expiry = HF_S;
  fault.Update(next, 2);
  EXPECT_EQ(Draw(fault).kind, HF_FAULT_ERROR);
  EXPECT_EQ(DrawFor(fault, 1, 1, Operation("refund"), 1).kind, HF_FAULT_NONE);
  const hf_fault_snapshot snapshot = fault.Read(2);
  EXPECT_EQ(snapshot.left, 60 * HF_S - 2) << "a run under way keeps its end";
  EXPECT_EQ(snapshot.seed, 6u);
  EXPECT_EQ(snapshot.delays, 1u);
  EXPECT_EQ(snapshot.active, 1u);
  EXPECT_EQ(snapshot.updates, 1u);
  EXPECT_TRUE(fault.Done(&decision));
  fault.Update(Policy({Rule(HF_FAULT_RESULT)}), 3);
  EXPECT_EQ(Draw(fault).kind, HF_FAULT_RESULT);
  fault.Start(3);
  EXPECT_EQ(fault.Read(3).left, 60 * HF_S);
}

TEST(Fault, EachFaultIsWrittenDown) {
  PlainFault fault =
      Running(Policy({Rule(HF_FAULT_DELAY, 1, "refund"), Rule(HF_FAULT_ERROR, 1, "charge")}));
  Draw(fault);
  hf_event event = fault.journal().Newest();
  EXPECT_EQ(event.kind, HF_EVENT_KIND_FAULT);
  EXPECT_EQ(event.reason, HF_R_FAULT_INJECTED);
  EXPECT_EQ(event.before, 1);
  EXPECT_EQ(event.after, HF_UNAVAILABLE);
  DrawFor(fault, 1, 1, Operation("refund"), 50);
  event = fault.journal().Newest();
  EXPECT_EQ(event.before, 0);
  EXPECT_EQ(event.after, 100);
  EXPECT_EQ(event.time, 50);
}

}  // namespace
}  // namespace holdfast::engine
