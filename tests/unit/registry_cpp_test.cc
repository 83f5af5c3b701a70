// SPDX-License-Identifier: Apache-2.0
// registry.h and group.h, the C++ layer.
#include <gtest/gtest.h>
#include <holdfast/group.h>
#include <holdfast/registry.h>
#include <holdfast/testing/virtual_clock.h>

#include <set>
#include <string>

namespace holdfast {
namespace {

using namespace std::chrono_literals;
constexpr hf_time kStart = 1000 * HF_S;
constexpr CircuitBreakerOptions kTouchy = {.window = BreakerWindow::kTime,
                                           .consecutive_failures = 1};

TEST(RegistryLayer, HandlesOfAKeyAreOneBreaker) {
  const auto hosts = Registry<CircuitBreaker>::Create(kTouchy, {.capacity = 2});
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  const auto breaker = hosts->Get("host", kStart);
  ASSERT_TRUE(breaker.ok());
  breaker->TryAcquire(kStart)->Record(HF_VERDICT_FAILURE, kStart);
  EXPECT_EQ(hosts->Get("host", kStart)->Snapshot(kStart).state, BreakerState::kOpen);
  EXPECT_EQ(hosts->Get("tenant", "host", kStart)->Snapshot(kStart).state, BreakerState::kClosed);
  EXPECT_EQ(hosts->Snapshot().hits, 1u);
  EXPECT_EQ(hosts->Snapshot().held, 1u);
}

TEST(RegistryLayer, ARefusalSaysWhyAndWhenToComeBack) {
  const auto hosts = Registry<CircuitBreaker>::Create(kTouchy, {.capacity = 1});
  const auto held = hosts->Get("a", kStart);
  const auto refused = hosts->Get("b", kStart);
  ASSERT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  const auto rejection = RejectionOf(refused.status());
  ASSERT_TRUE(rejection.has_value());
  EXPECT_EQ(rejection->reason, HF_R_REGISTRY_FULL);
  EXPECT_GT(rejection->retry_after, 0s);
  EXPECT_EQ(hosts->Get("", kStart).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RegistryLayer, OptionsReachTheRegistry) {
  const auto bad = Registry<RetryBudget>::Create({}, {.idle_ttl = 1ns});
  EXPECT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(bad.status().message().find("idle_ttl"), std::string::npos);
  EXPECT_FALSE(Registry<RetryBudget>::Create({.max_tokens = -1}).ok());
  const auto sharing = Registry<RetryBudget>::Create({}, {.capacity = 1, .share_overflow = true});
  const auto a = sharing->Get("a", kStart);
  EXPECT_EQ(sharing->Get("b", kStart)->raw(), sharing->Get("c", kStart)->raw());
  EXPECT_EQ(sharing->Snapshot().shared, 2u);
  EXPECT_GT(sharing->Snapshot().bytes, 0u);
}

TEST(RegistryLayer, UpdateListAndSweep) {
  const auto limits = Registry<RateLimiter>::Create({.permits = 10}, {.capacity = 100});
  ASSERT_TRUE(limits.ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(limits->Get("t", std::to_string(i), kStart).ok());
  std::set<std::string> keys;
  uint32_t cursor = 0;
  for (auto some = limits->List(&cursor, 3, kStart); !some.empty();
       some = limits->List(&cursor, 3, kStart)) {
    EXPECT_LE(some.size(), 3u);
    for (const RegistryKey& key : some) {
      EXPECT_EQ(key.tenant, "t");
      keys.insert(key.key);
    }
  }
  EXPECT_EQ(keys.size(), 10u);
  EXPECT_TRUE(limits->Update({.permits = 20}, {.idle_ttl = 60s}, kStart).ok());
  testing::VirtualClock clock(kStart);
  EXPECT_TRUE(limits->Get("u", kStart)->TryAcquire(20, clock).ok());
  EXPECT_EQ(limits->Sweep(100, kStart + 64 * HF_S), 11u);
  EXPECT_EQ(limits->Update({.adaptive = true}, {}, kStart).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(GroupLayer, TheLastMemberGoesOn) {
  const auto group = BreakerGroup::Create({.max_ejected = 1});
  ASSERT_TRUE(group.ok());
  const auto hosts = Registry<CircuitBreaker>::Create(kTouchy, {.group = *group});
  ASSERT_TRUE(hosts.ok());
  const auto a = hosts->Get("a", kStart);
  const auto b = CircuitBreaker::Create(kTouchy);
  EXPECT_TRUE(group->Add(*b).ok());
  EXPECT_EQ(group->Add(*b).code(), absl::StatusCode::kFailedPrecondition);
  a->TryAcquire(kStart)->Record(HF_VERDICT_FAILURE, kStart);
  b->TryAcquire(kStart)->Record(HF_VERDICT_FAILURE, kStart);
  EXPECT_FALSE(a->TryAcquire(kStart).ok());
  auto overridden = b->TryAcquire(kStart);
  ASSERT_TRUE(overridden.ok());
  EXPECT_TRUE(overridden->held());
  EXPECT_FALSE(overridden->is_probe());
  overridden->Record(HF_VERDICT_SUCCESS, kStart);
  EXPECT_FALSE(overridden->held());
  EXPECT_EQ(group->Snapshot().members, 2u);
  EXPECT_EQ(group->Snapshot().ejected, 1u);
  EXPECT_EQ(group->Snapshot().overridden, 1u);
  EXPECT_TRUE(group->Update({.max_ejected = 0.5}, kStart).ok());
  EXPECT_FALSE(group->Update({.max_ejected = 5}, kStart).ok());
}

}  // namespace
}  // namespace holdfast
