// SPDX-License-Identifier: Apache-2.0
// A fleet's limit on a real server: never more than the rate, whoever asks, and honest when the server is not there.
#include <gtest/gtest.h>
#include <holdfast/redis/limiter.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/redis_server.h"

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;
using testing::RedisServer;

class RedisLimiter : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server = new testing::RedisServer; }
  static void TearDownTestSuite() { delete server; }
  void SetUp() override {
    ASSERT_NE(server, nullptr);
    if (server->pid() == 0) server->Start();
    ASSERT_EQ(server->Command({"FLUSHALL"}), "OK");
  }

  static LimiterOptions With(uint32_t permits, Duration period, uint32_t burst) {
    LimiterOptions options;
    options.server.port = server->port();
    options.server.reconnect_base = 5ms;
    options.server.reconnect_cap = 20ms;
    options.name = "test";
    options.permits = permits;
    options.period = period;
    options.burst = burst;
    options.timeout = 5s;
    return options;
  }
  static std::unique_ptr<Limiter> Open(const LimiterOptions& options) {
    auto limiter = Limiter::Open(options);
    EXPECT_TRUE(limiter.ok()) << limiter.status();
    return limiter.ok() ? *std::move(limiter) : nullptr;
  }

  static RedisServer* server;
};

RedisServer* RedisLimiter::server = nullptr;

TEST_F(RedisLimiter, TakesWhatThereIsAndSaysWhenThereIsMore) {
  const auto limiter = Open(With(10, 1h, 10));
  const LimitVerdict first = limiter->Take({.key = "k", .cost = 4});
  EXPECT_TRUE(first.allowed);
  EXPECT_TRUE(first.asked);
  EXPECT_TRUE(first.ToStatus().ok());
  EXPECT_EQ(first.remaining, 6u);
  EXPECT_EQ(first.reset, 4 * 360s);
  const LimitVerdict second = limiter->Take({.key = "k", .cost = 7});
  EXPECT_FALSE(second.allowed);
  EXPECT_EQ(second.remaining, 6u);
  EXPECT_LE(second.retry_after, 360s);
  EXPECT_GT(second.retry_after, 350s);
  const absl::Status refused = second.ToStatus();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(RejectionOf(refused).has_value());
  EXPECT_EQ(RejectionOf(refused)->reason, HF_R_RATE_LIMITED);
  EXPECT_EQ(RejectionOf(refused)->retry_after, second.retry_after);
}

TEST_F(RedisLimiter, KeysTenantsAndNamesHaveTheirOwnBuckets) {
  LimiterOptions options = With(1, 1h, 1);
  const auto limiter = Open(options);
  options.name = "other";
  const auto other = Open(options);
  for (const LimitAsk& ask : {LimitAsk{.key = "a"}, LimitAsk{.key = "b"},
                              LimitAsk{.key = "a", .tenant = "t"}, LimitAsk{.key = "{a}"}}) {
    EXPECT_TRUE(limiter->Take(ask).allowed);
    EXPECT_FALSE(limiter->Take(ask).allowed);
    EXPECT_TRUE(other->Take(ask).allowed);
  }
  EXPECT_EQ(server->Command({"DBSIZE"}), "8");
  // What users call things does not show.
  EXPECT_EQ(server->Command({"KEYS", "*"}).find("test"), std::string::npos);
}

TEST_F(RedisLimiter, PeekTakesNothing) {
  const auto limiter = Open(With(10, 1h, 10));
  for (int i = 0; i < 20; ++i) {
    const LimitVerdict seen = limiter->Peek({.key = "k", .cost = 10});
    EXPECT_TRUE(seen.allowed);
    EXPECT_EQ(seen.remaining, 10u);
  }
  EXPECT_EQ(server->Command({"DBSIZE"}), "0");
  ASSERT_TRUE(limiter->Take({.key = "k", .cost = 9}).allowed);
  const LimitVerdict seen = limiter->Peek({.key = "k", .cost = 2});
  EXPECT_FALSE(seen.allowed);
  EXPECT_EQ(seen.remaining, 1u);
  EXPECT_GT(seen.retry_after, 0s);
}

TEST_F(RedisLimiter, RefusalIsRememberedAndTheServerLeftAlone) {
  const auto limiter = Open(With(1, 1h, 2));
  ASSERT_TRUE(limiter->Take({.key = "k"}).allowed);
  ASSERT_FALSE(limiter->Take({.key = "k", .cost = 2}).allowed);
  for (int i = 0; i < 100; ++i) {
    const LimitVerdict refused = limiter->Take({.key = "k", .cost = 2});
    EXPECT_FALSE(refused.allowed);
    EXPECT_FALSE(refused.asked);
    EXPECT_GT(refused.retry_after, 50min);
  }
  EXPECT_EQ(limiter->stats().refused, 1u);
  EXPECT_EQ(limiter->stats().refused_here, 100u);
  EXPECT_TRUE(limiter->Take({.key = "k"}).asked);  // less is another question
  EXPECT_TRUE(limiter->Peek({.key = "k", .cost = 2}).asked);
}

TEST_F(RedisLimiter, WhoAlwaysAsksRemembersNothing) {
  LimiterOptions options = With(1, 1h, 1);
  options.always_ask = true;
  const auto limiter = Open(options);
  ASSERT_TRUE(limiter->Take({.key = "k"}).allowed);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter->Take({.key = "k"}).asked);
  EXPECT_EQ(limiter->stats().refused, 10u);
}

TEST_F(RedisLimiter, CallbackHearsOnce) {
  const auto limiter = Open(With(100, 1h, 100));
  std::atomic<int> heard = 0;
  std::promise<void> all;
  for (int i = 0; i < 100; ++i) {
    limiter->Take({.key = "k"}, [&](const LimitVerdict& verdict) {
      EXPECT_TRUE(verdict.allowed);
      if (++heard == 100) all.set_value();
    });
  }
  ASSERT_EQ(all.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_FALSE(limiter->Take({.key = "k"}).allowed);
}

TEST_F(RedisLimiter, QuestionFromInsideAnAnswerDoesNotWaitForItself) {
  const auto limiter = Open(With(100, 1h, 100));
  std::promise<LimitVerdict> inside;
  limiter->Take({.key = "k"},
                [&](const LimitVerdict&) { inside.set_value(limiter->Take({.key = "k"})); });
  const LimitVerdict verdict = inside.get_future().get();
  EXPECT_FALSE(verdict.asked);
  EXPECT_EQ(verdict.ToStatus().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RedisLimiter, AskThatIsOutOfRangeIsInvalidAndTakesNothing) {
  const auto limiter = Open(With(5, 1h, 5));
  for (const LimitAsk& ask :
       {LimitAsk{}, LimitAsk{.key = "k", .cost = 0}, LimitAsk{.key = "k", .cost = 6},
        LimitAsk{.key = "k", .timeout = Duration(-1)}}) {
    const LimitVerdict verdict = limiter->Take(ask);
    EXPECT_FALSE(verdict.allowed);
    EXPECT_EQ(verdict.ToStatus().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(server->Command({"DBSIZE"}), "0");
}

TEST_F(RedisLimiter, OptionsOutOfRangeAreRefusedByName) {
  const auto refused = [](const LimiterOptions& options) {
    const auto limiter = Limiter::Open(options);
    EXPECT_EQ(limiter.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(limiter.status().message());
  };
  LimiterOptions options = With(1, 1s, 1);
  options.name = "";
  EXPECT_TRUE(refused(options).starts_with("name:"));
  EXPECT_TRUE(refused(With(10'000'001, 1s, 1)).starts_with("permits:"));
  EXPECT_TRUE(refused(With(1, 1s, 10'000'001)).starts_with("burst:"));
  EXPECT_TRUE(refused(With(1, 1us, 1)).starts_with("period:"));
  EXPECT_TRUE(refused(With(1, 25h, 1)).starts_with("period:"));
  EXPECT_TRUE(refused(With(1, 1001001ns, 1)).starts_with("period:"));
  EXPECT_TRUE(refused(With(1, 24h, 367)).starts_with("burst:"));
  options = With(1, 1s, 1);
  options.seeds = {"h:1"};
  EXPECT_TRUE(refused(options).starts_with("seeds:"));
  options.cluster = true;
  for (const char* const bad : {"h", "h:", ":1", "h:0", "h:65536", "a:b:1", "[]:1", "h:1x"}) {
    options.seeds = {"h:1", bad};
    EXPECT_TRUE(refused(options).starts_with("seeds[1]:")) << bad;
  }
  options = With(1, 1s, 1);
  options.server.database = 1;
  options.cluster = true;
  EXPECT_TRUE(refused(options).starts_with("server.database:"));
}

TEST_F(RedisLimiter, ServerThatIsGoneRefusesOrAdmitsAsAgreedAndIsCounted) {
  LimiterOptions options = With(1, 1h, 1);
  options.timeout = 200ms;
  const auto careful = Open(options);
  options.on_store_down = OnStoreDown::kAdmit;
  const auto polite = Open(options);
  ASSERT_TRUE(careful->Take({.key = "k"}).allowed);
  server->Kill();
  const LimitVerdict refused = careful->Take({.key = "x"});
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.ToStatus().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(RejectionOf(refused.ToStatus())->reason, HF_R_STORE_UNAVAILABLE);
  const LimitVerdict admitted = polite->Take({.key = "x"});
  EXPECT_TRUE(admitted.allowed);
  EXPECT_FALSE(admitted.asked);
  EXPECT_FALSE(admitted.store.ok());
  EXPECT_EQ(careful->stats().refused_unasked, 1u);
  EXPECT_EQ(polite->stats().admitted_unasked, 1u);
  // And it comes back by itself.
  server->Start();
  EXPECT_TRUE(testing::Eventually([&] { return careful->Take({.key = "y"}).asked; }));
}

TEST_F(RedisLimiter, FrozenServerIsNotWaitedForLongerThanTheTimeout) {
  LimiterOptions options = With(1, 1h, 1);
  options.timeout = 50ms;
  const auto limiter = Open(options);
  ASSERT_TRUE(testing::Eventually([&] { return limiter->Peek({.key = "k"}).asked; }));
  server->Pause();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(limiter->Take({.key = "k"}).asked);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  server->Resume();
}

TEST_F(RedisLimiter, ForgottenScriptIsSentAgain) {
  const auto limiter = Open(With(10, 1h, 10));
  ASSERT_TRUE(testing::Eventually([&] { return limiter->Peek({.key = "k"}).asked; }));
  ASSERT_EQ(server->Command({"SCRIPT", "FLUSH"}), "OK");
  const LimitVerdict verdict = limiter->Take({.key = "k"});
  EXPECT_TRUE(verdict.allowed);
  EXPECT_EQ(verdict.remaining, 9u);  // once, not twice
  EXPECT_EQ(limiter->stats().scripts_reloaded, 1u);
}

TEST_F(RedisLimiter, ForeignValueUnderTheKeyIsCorruptAndNotTouched) {
  LimiterOptions options = With(10, 1h, 10);
  const auto limiter = Open(options);
  ASSERT_TRUE(limiter->Take({.key = "k"}).allowed);
  std::string name = server->Command({"KEYS", "*"});
  name.pop_back();  // the end of the line
  for (const std::vector<std::string>& put :
       {std::vector<std::string>{"SET", name, "hello"}, {"LPUSH", name, "x"}}) {
    ASSERT_NE(server->Command({"DEL", name}), "0");
    server->Command(put);
    const LimitVerdict verdict = limiter->Take({.key = "k"});
    EXPECT_FALSE(verdict.allowed);
    EXPECT_EQ(verdict.ToStatus().code(), absl::StatusCode::kDataLoss) << verdict.ToStatus();
  }
}

TEST_F(RedisLimiter, KeysAreGoneOnceTheirBucketsAreFull) {
  const auto limiter = Open(With(1000, 1s, 10));
  for (int i = 0; i < 50; ++i) limiter->Take({.key = "k" + std::to_string(i)});
  EXPECT_TRUE(testing::Eventually([&] { return server->Command({"DBSIZE"}) == "0"; }));
}

// What a fleet of processes gets through in a time that the server measured.
TEST_F(RedisLimiter, FleetOfProcessesGetsNoMoreThanTheRate) {
  constexpr int kProcesses = 4;
  constexpr uint32_t kPermits = 500;
  constexpr uint32_t kBurst = 50;
  int results[2];
  ASSERT_EQ(pipe(results), 0);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < kProcesses; ++i) {
    if (fork() != 0) continue;
    LimiterOptions options = With(kPermits, 1s, kBurst);
    options.always_ask = i % 2 == 0;
    uint64_t admitted = 0;
    if (auto limiter = Limiter::Open(options); limiter.ok()) {
      while (std::chrono::steady_clock::now() - began < 1500ms) {
        admitted += (*limiter)->Take({.key = "fleet"}).allowed ? 1 : 0;
      }
    }
    const ssize_t written = write(results[1], &admitted, sizeof(admitted));
    _exit(written == sizeof(admitted) ? 0 : 1);
  }
  uint64_t all = 0;
  for (int i = 0; i < kProcesses; ++i) {
    uint64_t admitted = 0;
    ASSERT_EQ(read(results[0], &admitted, sizeof(admitted)), ssize_t{sizeof(admitted)});
    EXPECT_GT(admitted, 0u);
    all += admitted;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  for (int i = 0; i < kProcesses; ++i) wait(nullptr);
  close(results[0]);
  close(results[1]);
  const double most = kBurst + kPermits * took.count();
  printf("admitted %llu of at most %.1f in %.2f s by %d processes\n",
         static_cast<unsigned long long>(all), most, took.count(), kProcesses);
  EXPECT_LE(static_cast<double>(all), most);
  EXPECT_GE(static_cast<double>(all), 0.9 * (kBurst + kPermits * 1.4));
}

TEST_F(RedisLimiter, ThreadsOfOneLimiterGetNoMoreThanTheBurst) {
  const auto limiter = Open(With(1, 24h, 100));
  std::atomic<int> admitted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int ask = 0; ask < 50; ++ask) admitted += limiter->Take({.key = "k"}).allowed ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted, 100);
}

}  // namespace
}  // namespace holdfast::redis
