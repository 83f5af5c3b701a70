// SPDX-License-Identifier: Apache-2.0
// Fault injection against a naive one: strings, a list of what is active, the rate as a fraction. On both
// storages.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/cells.h"
#include "engine/fault.h"
#include "engine/rng.h"
#include "model/dice.h"

namespace holdfast::engine {
namespace {

using model::Dice;

constexpr uint64_t kTicket = 9;
constexpr size_t kPlaces = 3;
constexpr const char* kOperations[] = {"pay", "pay/a", "refund"};
constexpr const char* kPatterns[] = {"pay", "pay*", "refund", ""};
constexpr double kRates[] = {1.0, 0.5, 0.1, 1e-9};

struct NaiveRule {
  std::string operation;
  hf_fault_kind kind;
  double rate;
  uint64_t seed;
  hf_duration delay_min, delay_max;
  hf_outcome outcome;
  uint64_t result;

  bool Means(const std::string& call) const {
    if (operation.empty() || call == operation) return true;
    return operation.back() == '*' && call.starts_with(operation.substr(0, operation.size() - 1));
  }
};

struct NaiveFault {
  std::vector<NaiveRule> rules;
  uint64_t seed, max_total;
  uint32_t max_active;
  hf_duration expiry;
  hf_time until = -1, newest = 0;  // until -1: stopped
  uint64_t injected[4] = {}, skipped_active = 0, skipped_total = 0, starts = 0, updates = 0;
  uint64_t changes = 0;  // of state
  uint32_t active = 0;
  hf_reason stop_reason = HF_R_NONE;

  void Stop(hf_reason reason) {
    if (until < 0) return;
    until = -1;
    stop_reason = reason;
    ++changes;
  }
  void Start(hf_time now) {
    newest = std::max(newest, now);
    if (until < 0) ++changes;
    until = newest + expiry;
    ++starts;
  }
  void Pass(hf_time now) {
    newest = std::max(newest, now);
    if (until >= 0 && newest >= until) Stop(HF_R_DEADLINE);
  }

  hf_fault_decision Preview(uint64_t call, uint32_t attempt, const std::string& operation,
                            hf_time now) const {
    hf_fault_decision decision{};
    for (size_t place = 0; place < rules.size(); ++place) {
      const NaiveRule& rule = rules[place];
      if (!rule.Means(operation)) continue;
      const uint64_t own =
          rule.seed != 0 ? rule.seed : Rng(seed, static_cast<uint64_t>(place)).Next();
      Rng random(Rng(own, call).Next(), attempt);
      if (!(random.NextDouble() < rule.rate)) continue;
      const auto spread = static_cast<uint64_t>(rule.delay_max - rule.delay_min);
      const hf_duration delay = rule.delay_min + static_cast<hf_duration>(random.UpTo(spread));
      decision.kind = rule.kind;
      decision.reason = HF_R_FAULT_INJECTED;
      decision.rule = static_cast<uint32_t>(place);
      decision.attempt = attempt;
      decision.delay_until = delay > 0 ? now + delay : 0;
      decision.outcome = rule.outcome;
      decision.result = rule.result;
      break;
    }
    return decision;
  }

  hf_fault_decision Draw(uint64_t call, uint32_t attempt, const std::string& operation,
                         hf_time now) {
    if (until >= 0 && now >= until) {
      Pass(now);
      return {};
    }
    if (until < 0) return {};
    hf_fault_decision decision = Preview(call, attempt, operation, now);
    if (decision.kind == HF_FAULT_NONE) return decision;
    if (active >= max_active) {
      ++skipped_active;
      return {};
    }
    if (max_total != 0 && injected[1] + injected[2] + injected[3] >= max_total) {
      ++skipped_total;
      return {};
    }
    ++injected[decision.kind];
    if (decision.delay_until != 0) {
      ++active;
      decision.ticket = kTicket;
    }
    return decision;
  }
};

NaiveRule RandomRule(Dice& dice) {
  NaiveRule rule{};
  rule.operation = dice.OneOf(kPatterns);
  rule.kind = static_cast<hf_fault_kind>(dice.Between(HF_FAULT_ERROR, HF_FAULT_RESULT));
  rule.rate = dice.OneOf(kRates);
  if (dice.Chance(30)) rule.seed = 1 + dice.Below(5);
  if (rule.kind == HF_FAULT_DELAY || dice.Chance(30)) rule.delay_min = dice.Between(1, 5);
  rule.delay_max = rule.delay_min + (dice.Chance(50) ? dice.Between(0, 7) : 0);
  if (rule.kind != HF_FAULT_DELAY) {
    rule.outcome = {static_cast<hf_code>(dice.Between(1, 16)), HF_VERDICT_FAILURE,
                    HF_EFFECT_RETRYABLE, 0, dice.Between(0, 3)};
  }
  if (rule.kind == HF_FAULT_RESULT) rule.result = dice.Below(100);
  return rule;
}

void Configure(Dice& dice, NaiveFault& naive) {
  naive.rules.clear();
  const uint64_t count = 1 + dice.Below(kPlaces);
  for (uint64_t i = 0; i < count; ++i) naive.rules.push_back(RandomRule(dice));
  naive.seed = 1 + dice.Below(1000);
  naive.max_total = dice.Chance(50) ? 0 : 1 + dice.Below(6);
  naive.max_active = static_cast<uint32_t>(dice.Between(1, 3));
  naive.expiry = dice.Between(1, 30);
}

// Written into one place over and over: a policy is large.
const FaultPolicy& Compiled(const NaiveFault& naive) {
  static FaultPolicy policy;
  policy.count = static_cast<uint32_t>(naive.rules.size());
  policy.seed = naive.seed;
  policy.expiry = naive.expiry;
  policy.limits = {naive.max_total, naive.max_active};
  for (uint32_t place = 0; place < policy.count; ++place) {
    const NaiveRule& from = naive.rules[place];
    FaultRule& to = policy.rules[place];
    hf_match match{};
    match.operation = {from.operation.data(), from.operation.size()};
    CompileMatch(match, &to.match);
    to.kind = from.kind;
    to.threshold = FaultThreshold(from.rate);
    to.seed = from.seed != 0 ? from.seed : FaultRuleSeed(naive.seed, place);
    to.delay_min = from.delay_min;
    to.delay_spread = from.delay_max - from.delay_min;
    to.outcome = from.outcome;
    to.result = from.result;
  }
  return policy;
}

void ExpectSame(const hf_fault_decision& got, const hf_fault_decision& wanted) {
  ASSERT_EQ(got.kind, wanted.kind);
  ASSERT_EQ(got.reason, wanted.reason);
  ASSERT_EQ(got.rule, wanted.rule);
  ASSERT_EQ(got.attempt, wanted.attempt);
  ASSERT_EQ(got.delay_until, wanted.delay_until);
  ASSERT_EQ(got.outcome.code, wanted.outcome.code);
  ASSERT_EQ(got.outcome.verdict, wanted.outcome.verdict);
  ASSERT_EQ(got.outcome.effect, wanted.outcome.effect);
  ASSERT_EQ(got.outcome.retry_after, wanted.outcome.retry_after);
  ASSERT_EQ(got.result, wanted.result);
  ASSERT_EQ(got.ticket, wanted.ticket);
}

template <typename Storage>
class FaultModel : public testing::Test {
 protected:
  using Engine = Fault<Storage, kPlaces>;

  void Step(Dice& dice, Engine& engine, NaiveFault& naive, hf_time now) {
    switch (dice.Below(12)) {
      case 0:
        engine.Start(now);
        naive.Start(now);
        break;
      case 1:
        if (dice.Chance(60)) break;
        engine.Stop(HF_R_ABORTED, now);
        if (naive.until >= 0) naive.newest = std::max(naive.newest, now);
        naive.Stop(HF_R_ABORTED);
        break;
      case 2:
        Configure(dice, naive);
        naive.newest = std::max(naive.newest, now);
        ++naive.updates;
        engine.Update(Compiled(naive), now);
        break;
      case 3:
      case 4:
        if (held_.empty()) break;
        ASSERT_TRUE(engine.Done(&held_.back()));
        ASSERT_TRUE(engine.Done(&held_.back()));
        held_.pop_back();
        --naive.active;
        break;
      case 5:
        Compare(engine, naive, now);
        break;
      default:
        Draw(dice, engine, naive, now);
    }
  }

  void Draw(Dice& dice, Engine& engine, NaiveFault& naive, hf_time now) {
    const std::string operation = dice.OneOf(kOperations);
    const hf_facts facts = {{operation.data(), operation.size()}, {}, {}, {}};
    const uint64_t call = 1 + dice.Below(1000);
    const auto attempt = static_cast<uint32_t>(dice.Between(1, 4));
    hf_fault_decision preview{}, got{};
    engine.Preview(call, attempt, facts, now, &preview);
    ExpectSame(preview, naive.Preview(call, attempt, operation, now));
    engine.Draw(call, attempt, facts, now, &got);
    ExpectSame(got, naive.Draw(call, attempt, operation, now));
    if (got.ticket != 0) held_.push_back(got);
  }

  void Compare(Engine& engine, NaiveFault& naive, hf_time now) {
    const hf_fault_snapshot snapshot = engine.Read(now);
    naive.Pass(now);
    ASSERT_EQ(snapshot.state, naive.until < 0 ? HF_FAULT_STOPPED : HF_FAULT_RUNNING);
    ASSERT_EQ(snapshot.left, naive.until < 0 ? 0 : naive.until - naive.newest);
    ASSERT_EQ(snapshot.seed, naive.seed);
    ASSERT_EQ(snapshot.errors, naive.injected[HF_FAULT_ERROR]);
    ASSERT_EQ(snapshot.delays, naive.injected[HF_FAULT_DELAY]);
    ASSERT_EQ(snapshot.results, naive.injected[HF_FAULT_RESULT]);
    ASSERT_EQ(snapshot.skipped_active, naive.skipped_active);
    ASSERT_EQ(snapshot.skipped_total, naive.skipped_total);
    ASSERT_EQ(snapshot.starts, naive.starts);
    ASSERT_EQ(snapshot.updates, naive.updates);
    ASSERT_EQ(snapshot.active, naive.active);
    ASSERT_EQ(snapshot.stop_reason, naive.stop_reason);
    if constexpr (std::is_same_v<Storage, PlainCells>) {
      ASSERT_EQ(engine.journal().written(), naive.changes + naive.updates + snapshot.errors +
                                                snapshot.delays + snapshot.results);
    }
  }

  std::vector<hf_fault_decision> held_;
};
using Storages = testing::Types<PlainCells, abi::AtomicCells>;
TYPED_TEST_SUITE(FaultModel, Storages);

TYPED_TEST(FaultModel, AgreesWithTheNaiveOne) {
  const uint64_t schedules =
      model::Schedules(std::is_same_v<TypeParam, PlainCells> ? 1'000'000 : 100'000);
  uint64_t injected = 0, skipped = 0;
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    NaiveFault naive{};
    Configure(dice, naive);
    typename TestFixture::Engine engine(Compiled(naive), kTicket);
    this->held_.clear();
    hf_time now = 0;
    engine.Start(now);
    naive.Start(now);
    for (int step = 0; step < 20; ++step) {
      now += dice.Between(0, 2);
      this->Step(dice, engine, naive, dice.Chance(15) ? std::max<hf_time>(0, now - 3) : now);
      if (testing::Test::HasFatalFailure()) return;
    }
    this->Compare(engine, naive, now);
    if (testing::Test::HasFatalFailure()) return;
    injected += naive.injected[1] + naive.injected[2] + naive.injected[3];
    skipped += naive.skipped_active + naive.skipped_total;
  }
  EXPECT_GT(injected, schedules / 2) << "too few to mean anything";
  EXPECT_GT(skipped, schedules / 10);
}

}  // namespace
}  // namespace holdfast::engine
