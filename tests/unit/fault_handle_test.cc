// SPDX-License-Identifier: Apache-2.0
// Fault injection through holdfast/fault.h: permits, statuses, and a run repeated from its seed.
#include <gtest/gtest.h>
#include <holdfast/c/journal.h>
#include <holdfast/fault.h>

#include <chrono>
#include <utility>
#include <vector>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

constexpr FaultRule kErrors[] = {{.match = {.operation = "charge"},
                                  .kind = FaultKind::kError,
                                  .rate = 0.5,
                                  .code = absl::StatusCode::kUnavailable,
                                  .retry_after = 2s}};
constexpr FaultRule kDelays[] = {{.kind = FaultKind::kDelay, .rate = 1, .delay_min = 10ms}};
constexpr FaultRule kResults[] = {{.kind = FaultKind::kResult, .rate = 1, .result = 4}};
constexpr Facts kCharge = {.operation = "charge"};

FaultInjector Running(std::span<const FaultRule> rules, uint64_t seed = 0) {
  FaultInjector faults =
      FaultInjector::Create({.rules = rules, .expiry = 1min, .seed = seed}).value();
  EXPECT_TRUE(faults.Start(0).ok());
  return faults;
}

TEST(FaultHandle, IsOffUntilStarted) {
  const FaultInjector faults = FaultInjector::Create({.rules = kDelays, .expiry = 1min}).value();
  EXPECT_FALSE(faults.Draw(1, 1, kCharge, 0));
  EXPECT_FALSE(faults.Snapshot(0).running);
  ASSERT_TRUE(faults.Start(0).ok());
  EXPECT_TRUE(faults.Draw(1, 1, kCharge, 0));
  EXPECT_TRUE(faults.Snapshot(0).running);
  EXPECT_EQ(faults.Snapshot(HF_S).left, 59s);
}

TEST(FaultHandle, AnInjectedErrorSaysThatItIsOne) {
  const FaultInjector faults = Running(kErrors);
  uint64_t seed = 1;
  while (!faults.Preview(seed, 1, kCharge, 0)) ++seed;
  const InjectedFault fault = faults.Draw(seed, 1, kCharge, 0);
  ASSERT_TRUE(fault);
  EXPECT_FALSE(fault.attempt_is_made());
  EXPECT_EQ(fault.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(RejectionOf(fault.status())->reason, HF_R_FAULT_INJECTED);
  EXPECT_EQ(RejectionOf(fault.status())->retry_after, 2s);
  EXPECT_EQ(fault.outcome().code, HF_UNAVAILABLE);
  EXPECT_FALSE(faults.Draw(seed, 1, {.operation = "refund"}, 0));
}

TEST(FaultHandle, ADelayIsActiveAsLongAsItIsHeld) {
  const FaultInjector faults = Running(kDelays);
  {
    InjectedFault fault = faults.Draw(1, 1, kCharge, HF_S);
    EXPECT_TRUE(fault.attempt_is_made());
    EXPECT_EQ(fault.delay_until(), HF_S + 10 * HF_MS);
    EXPECT_EQ(faults.Snapshot(HF_S).active, 1u);
    InjectedFault moved = std::move(fault);
    EXPECT_EQ(faults.Snapshot(HF_S).active, 1u);
    InjectedFault second = faults.Draw(2, 1, kCharge, HF_S);
    EXPECT_EQ(faults.Snapshot(HF_S).active, 2u);
    second = std::move(moved);
    EXPECT_EQ(faults.Snapshot(HF_S).active, 1u);
    second.Done();
    second.Done();
    EXPECT_EQ(faults.Snapshot(HF_S).active, 0u);
  }
  EXPECT_EQ(faults.Snapshot(HF_S).active, 0u);
  EXPECT_EQ(faults.Snapshot(HF_S).delays, 2u);
}

TEST(FaultHandle, AResultIsTheCallersNumber) {
  const FaultInjector faults = Running(kResults);
  const InjectedFault fault = faults.Draw(1, 1, kCharge, 0);
  EXPECT_EQ(fault.kind(), FaultKind::kResult);
  EXPECT_EQ(fault.result(), 4u);
  EXPECT_EQ(fault.rule(), 0u);
  EXPECT_TRUE(fault.status().ok()) << "a canned success";
}

TEST(FaultHandle, ARunIsRepeatedFromItsSeed) {
  const FaultInjector first = Running(kErrors);
  const uint64_t seed = first.Snapshot(0).seed;
  EXPECT_NE(seed, 0u);
  const FaultInjector again = Running(kErrors, seed);
  const FaultInjector other = Running(kErrors, seed + 1);
  int injected = 0, differ = 0;
  for (uint64_t call = 1; call <= 400; ++call) {
    const bool hit = static_cast<bool>(first.Draw(call, 1, kCharge, 0));
    EXPECT_EQ(static_cast<bool>(again.Draw(call, 1, kCharge, 0)), hit);
    injected += hit ? 1 : 0;
    differ += static_cast<bool>(other.Draw(call, 1, kCharge, 0)) != hit ? 1 : 0;
  }
  EXPECT_NEAR(injected, 200, 60);
  EXPECT_NEAR(differ, 200, 60);
}

TEST(FaultHandle, AStopEndsItAndSaysWhy) {
  const FaultInjector faults = Running(kDelays);
  faults.Stop(HF_R_BREAKER_OPEN, 5);
  EXPECT_FALSE(faults.Draw(1, 1, kCharge, 6));
  EXPECT_EQ(faults.Snapshot(6).stop_reason, HF_R_BREAKER_OPEN);
}

TEST(FaultHandle, AnUpdateKeepsTheSeedUnlessGivenOne) {
  const FaultInjector faults = Running(kErrors);
  const uint64_t seed = faults.Snapshot(0).seed;
  ASSERT_TRUE(faults.Update({.rules = kDelays, .expiry = 1min}, 0).ok());
  EXPECT_EQ(faults.Snapshot(0).seed, seed);
  EXPECT_EQ(faults.Draw(1, 1, kCharge, 0).kind(), FaultKind::kDelay);
  ASSERT_TRUE(faults.Update({.rules = kDelays, .expiry = 1min, .seed = 9}, 0).ok());
  EXPECT_EQ(faults.Snapshot(0).seed, 9u);
  EXPECT_EQ(faults.Update({.rules = kDelays}, 0).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(faults.Snapshot(0).updates, 2u);
}

TEST(FaultHandle, ErrorsNameTheField) {
  const std::vector<FaultRule> many(17, kDelays[0]);
  EXPECT_NE(
      FaultInjector::Create({.rules = many, .expiry = 1min}).status().message().find("rule_count"),
      absl::string_view::npos);
  EXPECT_FALSE(FaultInjector::Create({.rules = kDelays}).ok()) << "an expiry is required";
  EXPECT_FALSE(FaultInjector::Create({.expiry = 1min}).ok());
  EXPECT_FALSE(Running(kDelays).Start(-1).ok());
  FaultInjector empty;
  EXPECT_FALSE(empty);
}

}  // namespace
}  // namespace holdfast
