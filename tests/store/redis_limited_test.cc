// SPDX-License-Identifier: Apache-2.0
// The fleet's limit as a guard of calls, and in coroutines.
#include <gtest/gtest.h>
#include <holdfast/asio/call.h>
#include <holdfast/call.h>
#include <holdfast/fault.h>
#include <holdfast/redis/async_limiter.h>
#include <holdfast/redis/limited.h>

#include <boost/asio.hpp>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "store/redis_server.h"

// GCC 12 inlines half of Asio's frame allocation, and then finds that the halves do not match.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

class RedisLimited : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server = new testing::RedisServer; }
  static void TearDownTestSuite() { delete server; }
  void SetUp() override { ASSERT_EQ(server->Command({"FLUSHALL"}), "OK"); }

  static std::unique_ptr<Limiter> Open(uint32_t permits, Duration period, uint32_t burst,
                                       const std::string& name = "test") {
    LimiterOptions options;
    options.server.port = server->port();
    options.name = name;
    options.permits = permits;
    options.period = period;
    options.burst = burst;
    options.timeout = 5s;
    return Limiter::Open(options).value();
  }
  static Pipeline Retrying(const RetryBudget& budget = {}) {
    const auto retry = RetryPolicy::Create({.max_attempts = 3, .base = 1ms, .cap = 1ms});
    return Pipeline::Create({.retry = *retry, .budget = budget}).value();
  }

  static testing::RedisServer* server;
};

testing::RedisServer* RedisLimited::server = nullptr;

TEST_F(RedisLimited, RefusedAttemptWaitsForItsTokensAndCostsNoBudget) {
  const auto limiter = Open(20, 1s, 1);
  const auto budget = RetryBudget::Create({});
  ASSERT_TRUE(limiter->Take({.key = "k"}).allowed);
  const auto before = budget->Snapshot();
  int calls = 0;
  CallReport report;
  const auto began = std::chrono::steady_clock::now();
  const absl::StatusOr<int> result = Call(
      Retrying(*budget), {.timeout = 10s, .report = &report},
      Limited(*limiter, {.key = "k"}, [&](Attempt&) -> absl::StatusOr<int> { return ++calls; }));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(report.attempts, 2u);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 30ms);
  EXPECT_EQ(budget->Snapshot().tokens, before.tokens);
}

TEST_F(RedisLimited, RefusalThatOutlastsTheDeadlineIsTheResult) {
  const auto limiter = Open(1, 1h, 1);
  ASSERT_TRUE(limiter->Take({.key = "k"}).allowed);
  int calls = 0;
  const absl::Status refused =
      Call(Retrying(), {.timeout = 200ms}, Limited(*limiter, {.key = "k"}, [&] {
             ++calls;
             return absl::OkStatus();
           }));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(RejectionOf(refused).has_value());
  EXPECT_EQ(RejectionOf(refused)->reason, HF_R_RATE_LIMITED);
  EXPECT_GT(RejectionOf(refused)->retry_after, 50min);
  EXPECT_EQ(calls, 0);
}

TEST_F(RedisLimited, FunctionThatReturnsNothingIsRefusedAsWell) {
  const auto limiter = Open(1, 1h, 1);
  int calls = 0;
  const auto count = [&](Attempt&) { ++calls; };
  EXPECT_TRUE(Call(Retrying(), {.timeout = 1s}, Limited(*limiter, {.key = "k"}, count)).ok());
  const absl::Status refused =
      Call(Retrying(), {.timeout = 200ms}, Limited(*limiter, {.key = "k"}, count));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(calls, 1);
}

TEST_F(RedisLimited, BreakerStaysClosedWhoeverIsRefused) {
  const auto limiter = Open(1, 1h, 1);
  const auto breaker = CircuitBreaker::Create({});
  const auto pipeline = Pipeline::Create({.breaker = *breaker});
  ASSERT_TRUE(limiter->Take({.key = "k"}).allowed);
  for (int i = 0; i < 200; ++i) {
    const absl::Status refused =
        Call(*pipeline, {}, Limited(*limiter, {.key = "k"}, [] { return absl::OkStatus(); }));
    ASSERT_EQ(RejectionOf(refused)->reason, HF_R_RATE_LIMITED) << i;
  }
}

TEST_F(RedisLimited, CannedResultTakesNoTokens) {
  const auto limiter = Open(1, 1h, 1);
  const FaultRule rules[] = {{.kind = FaultKind::kResult, .rate = 1, .result = 7}};
  const auto fault = FaultInjector::Create({.rules = rules, .expiry = 1min});
  ASSERT_TRUE(fault->Start(Clock::Steady().Now()).ok());
  const auto pipeline = Pipeline::Create({.fault = *fault});
  const absl::StatusOr<uint64_t> result =
      Call(*pipeline, {},
           Limited(*limiter, {.key = "k"},
                   [](Attempt& attempt) -> absl::StatusOr<uint64_t> { return attempt.fault(); }));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*result, 7u);
  EXPECT_EQ(limiter->Peek({.key = "k"}).remaining, 1u);
}

// `limiter` gives a token every 50 ms, `slow` none any more.
boost::asio::awaitable<void> Flow(Limiter& limiter, Limiter& slow, const Pipeline& pipeline,
                                  const std::string& text, int* calls) {
  const LimitVerdict first = co_await Take(limiter, {.key = "k"});
  EXPECT_TRUE(first.allowed);
  const auto attempt = [&](Attempt&) -> boost::asio::awaitable<absl::StatusOr<std::string>> {
    ++*calls;
    co_return text;
  };
  const absl::StatusOr<std::string> result =
      co_await asio::Call(pipeline, {.timeout = 10s}, Limited(limiter, {.key = "k"}, attempt));
  EXPECT_EQ(result.value_or(""), text) << result.status();
  const absl::StatusOr<std::string> refused =
      co_await asio::Call(pipeline, {.timeout = 100ms}, Limited(slow, {.key = "k"}, attempt));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  const auto nothing = [&](Attempt&) -> boost::asio::awaitable<void> {
    ++*calls;
    co_return;
  };
  const absl::Status void_refused =
      co_await asio::Call(pipeline, {.timeout = 100ms}, Limited(slow, {.key = "k"}, nothing));
  EXPECT_EQ(void_refused.code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(RedisLimited, CoroutineIsLimitedInItsNaturalSyntax) {
  const auto limiter = Open(20, 1s, 1);
  const auto slow = Open(1, 1h, 1, "slow");
  ASSERT_TRUE(slow->Take({.key = "k"}).allowed);
  boost::asio::io_context context;
  int calls = 0;
  const std::string text = "a result long enough to live on the heap, for sanitizers to see";
  const Pipeline pipeline = Retrying();
  boost::asio::co_spawn(context, Flow(*limiter, *slow, pipeline, text, &calls),
                        [](std::exception_ptr thrown) { EXPECT_EQ(thrown, nullptr); });
  context.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(RedisLimited, TokenIsCalledOnItsOwnExecutorAndNeverInside) {
  const auto limiter = Open(1, 1h, 1);
  boost::asio::io_context context;
  const std::thread::id here = std::this_thread::get_id();
  bool inside = true;
  int heard = 0;
  const auto listen = [&](const LimitVerdict&) {
    EXPECT_FALSE(inside);
    EXPECT_EQ(std::this_thread::get_id(), here);
    ++heard;
  };
  auto work = boost::asio::make_work_guard(context);
  AsyncTake(*limiter, {.key = "k"}, boost::asio::bind_executor(context, listen));
  AsyncTake(*limiter, {.key = "k"},
            boost::asio::bind_executor(context, [&](const LimitVerdict& verdict) {
              listen(verdict);
              // Known by now, and still not inside.
              inside = true;
              AsyncTake(*limiter, {.key = "k"},
                        boost::asio::bind_executor(context, [&](const LimitVerdict& known) {
                          listen(known);
                          EXPECT_FALSE(known.asked);
                          work.reset();
                        }));
              inside = false;
            }));
  inside = false;
  context.run();
  EXPECT_EQ(heard, 3);
  std::future<LimitVerdict> later = AsyncTake(*limiter, {.key = "f"}, boost::asio::use_future);
  EXPECT_TRUE(later.get().allowed);
}

}  // namespace
}  // namespace holdfast::redis
