// SPDX-License-Identifier: Apache-2.0
// What a decorated service refuses, for all kinds of calls and both APIs: code, trailers and details, and
// that the inner method did not run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/status.h>
#include <holdfast/testing/virtual_clock.h>

#include <chrono>
#include <latch>
#include <thread>

#include "driver/ledger.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using std::chrono::milliseconds;

class GrpcDecorateRefusal : public ::testing::TestWithParam<Api> {
 protected:
  // Every kind is refused alike, and none runs.
  void ExpectRefused(const Guard& guard, StatusCode code, hf_reason reason, bool not_started,
                     const std::string& pushback, const Headers& headers = {}) {
    LedgerScript script;
    GuardedLedger ledger(GetParam(), script, guard);
    for (const Kind kind : kKinds) {
      SCOPED_TRACE(FullName(kind));
      const LedgerAnswer answer = CallLedger(ledger.Open(), kind, headers);
      EXPECT_EQ(answer.status.error_code(), code) << answer.status.error_message();
      const auto rejection = RejectionOf(answer.status);
      ASSERT_TRUE(rejection.has_value());
      EXPECT_EQ(rejection->reason, reason);
      EXPECT_EQ(answer.Get("holdfast-not-started"),
                not_started ? std::string(rejection->reason_name()) : "");
      EXPECT_EQ(answer.Get("grpc-retry-pushback-ms"), pushback);
      EXPECT_EQ(answer.Get("holdfast-retry-after-ms"), pushback);
      if (!pushback.empty()) {
        EXPECT_EQ(std::chrono::ceil<milliseconds>(rejection->retry_after).count(),
                  std::stoll(pushback));
      }
      EXPECT_TRUE(answer.sums.empty());
    }
    EXPECT_EQ(script.total(), 0);
    EXPECT_EQ(guard.in_flight(), 0u);
  }
};

TEST_P(GrpcDecorateRefusal, NothingIsRefusedWhereNobodyRefuses) {
  LedgerScript script;
  const Guard guard = *Guard::Create({});
  GuardedLedger ledger(GetParam(), script, guard);
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(FullName(kind));
    const LedgerAnswer answer = CallLedger(ledger.Open(), kind);
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    ASSERT_FALSE(answer.sums.empty());
    const bool adds = kind != Kind::kUnary && kind != Kind::kRead;
    EXPECT_EQ(answer.sums.back().total(), adds ? 21 : 7);
  }
  EXPECT_EQ(script.total(), 5);
}

TEST_P(GrpcDecorateRefusal, ADrainingServer) {
  const Guard guard = *Guard::Create({});
  guard.Drain(milliseconds(700));
  ExpectRefused(guard, StatusCode::UNAVAILABLE, HF_R_DRAINING, true, "700");
}

TEST_P(GrpcDecorateRefusal, AFullBulkhead) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 1});
  const auto taken = bulkhead.TryAcquire();
  ExpectRefused(*Guard::Create({.bulkhead = bulkhead, .retry_after = milliseconds(30)}),
                StatusCode::RESOURCE_EXHAUSTED, HF_R_BULKHEAD_FULL, true, "30");
}

TEST_P(GrpcDecorateRefusal, AnEmptyRateLimit) {
  testing::VirtualClock clock;
  const RateLimiter limiter =
      *RateLimiter::Create({.permits = 1, .period = std::chrono::seconds(10), .burst = 1});
  ASSERT_TRUE(limiter.TryAcquire(1, clock).ok());
  ExpectRefused(*Guard::Create({.clock = &clock, .limiter = limiter}),
                StatusCode::RESOURCE_EXHAUSTED, HF_R_RATE_LIMITED, true, "10000");
}

TEST_P(GrpcDecorateRefusal, AKillSwitchThatIsOnAndNoneThatIsLifted) {
  testing::VirtualClock clock;
  const KillSwitch kill_switch = *KillSwitch::Create();
  const auto token = kill_switch.Arm({.match = {.operation = "/holdfast.test.Ledger/*"},
                                      .owner = "ann",
                                      .reason = "wrong sums",
                                      .expiry = std::chrono::seconds(5)},
                                     clock.Now());
  ASSERT_TRUE(token.ok());
  ASSERT_TRUE(kill_switch.Fire(*token, clock.Now()).ok());
  const Guard guard = *Guard::Create({.clock = &clock, .kill_switch = kill_switch});
  ExpectRefused(guard, StatusCode::UNAVAILABLE, HF_R_KILLED, true, "5000");
  ASSERT_TRUE(kill_switch.Lift(*token, "bob", clock.Now()).ok());
  LedgerScript script;
  GuardedLedger ledger(GetParam(), script, guard);
  for (const Kind kind : kKinds) EXPECT_TRUE(CallLedger(ledger.Open(), kind).status.ok());
}

TEST_P(GrpcDecorateRefusal, AKillSwitchWhoseCodeIsForGoodIsNotCalledRetryable) {
  testing::VirtualClock clock;
  const KillSwitch kill_switch = *KillSwitch::Create();
  const auto token = kill_switch.Arm({.match = {.tenant = "acme"},
                                      .owner = "ann",
                                      .reason = "abuse",
                                      .expiry = std::chrono::seconds(5),
                                      .code = absl::StatusCode::kPermissionDenied},
                                     clock.Now());
  ASSERT_TRUE(kill_switch.Fire(*token, clock.Now()).ok());
  ExpectRefused(*Guard::Create({.tenant = [](const auto&) { return std::string("acme"); },
                                .clock = &clock,
                                .kill_switch = kill_switch}),
                StatusCode::PERMISSION_DENIED, HF_R_KILLED, false, "5000");
}

TEST_P(GrpcDecorateRefusal, ADeadlineThatIsWithinTheMargin) {
  ExpectRefused(*Guard::Create({.deadline_margin = std::chrono::hours(1)}),
                StatusCode::DEADLINE_EXCEEDED, HF_R_DEADLINE, true, "");
}

TEST_P(GrpcDecorateRefusal, AFunctionOfTheOptionsThatThrowsEndsTheCallAndNotTheProcess) {
  LedgerScript script;
  const Guard guard = *Guard::Create({.tenant = [](const auto&) -> std::string { throw 1; }});
  GuardedLedger ledger(GetParam(), script, guard);
  for (const Kind kind : kKinds) {
    EXPECT_EQ(CallLedger(ledger.Open(), kind).status.error_code(), StatusCode::UNKNOWN);
  }
  EXPECT_EQ(script.total(), 0);
  EXPECT_EQ(guard.in_flight(), 0u);
}

TEST_P(GrpcDecorateRefusal, WhoMattersLessIsShedFirst) {
  const Bulkhead bulkhead =
      *Bulkhead::Create({.limit = 4, .criticality_share = {1, 1, 0.75, 0.25}});
  const auto first = bulkhead.TryAcquire();
  const Guard guard = *Guard::Create({.bulkhead = bulkhead});
  LedgerScript script;
  GuardedLedger ledger(GetParam(), script, guard);
  const auto code = [&](Kind kind, const Headers& headers) {
    return CallLedger(ledger.Open(), kind, headers).status.error_code();
  };
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(FullName(kind));
    const LedgerAnswer shed =
        CallLedger(ledger.Open(), kind, {{"holdfast-criticality", "sheddable"}});
    EXPECT_EQ(shed.status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(shed.Get("holdfast-not-started"), "bulkhead_share");
    EXPECT_EQ(code(kind, {{"holdfast-criticality", "sheddable-plus"}}), StatusCode::OK);
    EXPECT_EQ(code(kind, {{"holdfast-criticality", "critical-plus"}}), StatusCode::OK);
    EXPECT_EQ(code(kind, {}), StatusCode::OK);
  }
}

TEST_P(GrpcDecorateRefusal, AStrangersCriticalityCountsForNothing) {
  const Bulkhead bulkhead = *Bulkhead::Create({.limit = 4, .criticality_share = {1, 0.25, 1, 1}});
  const auto first = bulkhead.TryAcquire({.criticality = Criticality::kCriticalPlus});
  LedgerScript script;
  const Headers claim = {{"holdfast-criticality", "critical-plus"}};
  const Guard inside = *Guard::Create({.bulkhead = bulkhead});
  const Guard edge =
      *Guard::Create({.bulkhead = bulkhead,
                      .propagator = *Propagator::Create(
                          {.boundary = Boundary::kIngress, .transport = Transport::kGrpc})});
  GuardedLedger ours(GetParam(), script, inside), theirs(GetParam(), script, edge);
  for (const Kind kind : kKinds) {
    EXPECT_TRUE(CallLedger(ours.Open(), kind, claim).status.ok());
    EXPECT_EQ(CallLedger(theirs.Open(), kind, claim).status.error_code(),
              StatusCode::RESOURCE_EXHAUSTED);
  }
}

TEST_P(GrpcDecorateRefusal, AKillSwitchKnowsTheProvedTenantAndElseTheOneTheContextSays) {
  testing::VirtualClock clock;
  const KillSwitch kill_switch = *KillSwitch::Create();
  const auto token = kill_switch.Arm({.match = {.tenant = "acme"},
                                      .owner = "ann",
                                      .reason = "abuse",
                                      .expiry = std::chrono::seconds(5)},
                                     clock.Now());
  ASSERT_TRUE(kill_switch.Fire(*token, clock.Now()).ok());
  const Headers says = {{"holdfast-tenant", "acme"}};
  ExpectRefused(*Guard::Create({.clock = &clock, .kill_switch = kill_switch}),
                StatusCode::UNAVAILABLE, HF_R_KILLED, true, "5000", says);
  LedgerScript script;
  GuardedLedger ledger(GetParam(), script,
                       *Guard::Create({.tenant = [](const auto&) { return std::string("other"); },
                                       .clock = &clock,
                                       .kill_switch = kill_switch}));
  EXPECT_TRUE(CallLedger(ledger.Open(), Kind::kUnary, says).status.ok());
}

TEST_P(GrpcDecorateRefusal, AMethodsOwnPolicyHoldsForItAlone) {
  const Bulkhead none = *Bulkhead::Create({.limit = 1});
  const auto taken = none.TryAcquire();
  const Guard guard =
      *Guard::Create({.methods = {{FullName(Kind::kServerStream),
                                   {.bulkhead = none, .retry_after = milliseconds(90)}}}});
  LedgerScript script;
  GuardedLedger ledger(GetParam(), script, guard);
  EXPECT_TRUE(guard.CheckMethods().ok());
  for (const Kind kind : kKinds) {
    const LedgerAnswer answer = CallLedger(ledger.Open(), kind);
    const bool refused = kind == Kind::kServerStream;
    EXPECT_EQ(answer.status.ok(), !refused) << FullName(kind);
    EXPECT_EQ(answer.Get("grpc-retry-pushback-ms"), refused ? "90" : "");
  }
}

INSTANTIATE_TEST_SUITE_P(Apis, GrpcDecorateRefusal, ::testing::ValuesIn(Apis()), ApiName);

TEST(GrpcDecorate, APolicyForAMethodThatNobodyHasIsNamed) {
  const Guard guard = *Guard::Create({.methods = {{"/holdfast.test.Ledger/Pots", {}}}});
  LedgerScript script;
  BlockingLedger inner(script);
  const test::LedgerDecorated decorated(inner, guard);
  EXPECT_THAT(std::string(guard.CheckMethods().message()),
              ::testing::HasSubstr("/holdfast.test.Ledger/Pots"));
}

TEST(GrpcDecorate, AServiceOfTheOtherApiIsRefusedAndNotAborted) {
  const Guard guard = *Guard::Create({});
  LedgerScript script;
  CallbackLedger inner(script);
  test::Ledger::Service& hidden = inner;
  test::LedgerDecorated decorated(hidden, guard);  // a blocking service again
  Loopback loopback(decorated);
  for (const Kind kind : kKinds) {
    EXPECT_EQ(CallLedger(loopback.Open(), kind).status.error_code(), StatusCode::UNIMPLEMENTED);
  }
  static_assert(!std::is_constructible_v<test::LedgerDecorated, CallbackLedger&, const Guard&>);
}

}  // namespace
}  // namespace holdfast::grpc
