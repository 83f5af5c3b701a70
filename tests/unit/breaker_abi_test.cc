// SPDX-License-Identifier: Apache-2.0
// c/breaker.h and holdfast/breaker.h: every option's range, arguments, permits, threads.
#include <gtest/gtest.h>
#include <holdfast/breaker.h>
#include <holdfast/c/breaker.h>
#include <holdfast/c/bulkhead.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr hf_time kNow = 1000 * HF_S;
constexpr hf_duration kDay = 24 * 3600 * HF_S;

template <typename Change>
std::string OptionError(Change&& change) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  change(options);
  hf_breaker* breaker = nullptr;
  hf_error error{};
  const hf_code code = hf_breaker_new(&options, &breaker, &error);
  EXPECT_EQ(code, error.code);
  if (code == HF_OK) {
    hf_breaker_unref(breaker);
    return "ok";
  }
  EXPECT_EQ(breaker, nullptr);
  return std::string(hf_reason_name(error.reason)) + " " + error.text;
}

#define EXPECT_OPTION(field, value, text) \
  EXPECT_EQ(OptionError([](hf_breaker_options& o) { o.field = value; }), text)

// Of `good` results and then `hanging` calls under way for longer than slow_after.
hf_breaker_state StateWithHangs(const hf_breaker_options& options, int good, int hanging) {
  hf_breaker* breaker = nullptr;
  EXPECT_EQ(hf_breaker_new(&options, &breaker, nullptr), HF_OK);
  hf_permit permit;
  for (int i = 0; i < good + hanging; ++i) {
    EXPECT_EQ(hf_breaker_acquire(breaker, kNow, &permit, nullptr, nullptr), HF_OK);
    if (i < good) hf_breaker_record(breaker, &permit, HF_VERDICT_SUCCESS, kNow, nullptr);
  }
  (void)hf_breaker_acquire(breaker, kNow + 3 * HF_S, &permit, nullptr, nullptr);
  hf_breaker_snapshot snapshot{};
  snapshot.struct_size = sizeof(snapshot);
  EXPECT_EQ(hf_breaker_read(breaker, kNow + 3 * HF_S, &snapshot), HF_OK);
  hf_breaker_unref(breaker);
  return snapshot.state;
}

// At 1 a single good result in the window would hide any number of calls that hang.
TEST(BreakerOptions, WithSlowAfterHalfOfThemSlowIsEnoughByDefault) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  options.slow_after = HF_S;
  EXPECT_EQ(StateWithHangs(options, 20, 20), HF_BREAKER_OPEN);
  EXPECT_EQ(StateWithHangs(options, 20, 18), HF_BREAKER_CLOSED);
  options.slow_rate = 1;
  EXPECT_EQ(StateWithHangs(options, 20, 200), HF_BREAKER_CLOSED);
  options.slow_rate = 0;
  options.slow_after = 0;
  EXPECT_EQ(StateWithHangs(options, 20, 200), HF_BREAKER_CLOSED);
}

TEST(BreakerOptions, AcceptTheEndsOfEveryRange) {
  EXPECT_OPTION(window, HF_WINDOW_TIME, "ok");
  EXPECT_OPTION(window_calls, 1, "ok");
  EXPECT_OPTION(window_calls, 4096, "ok");
  EXPECT_OPTION(window_time, 10 * HF_MS, "ok");
  EXPECT_OPTION(window_time, 3600 * HF_S, "ok");
  EXPECT_OPTION(window_buckets, 1, "ok");
  EXPECT_OPTION(window_buckets, 64, "ok");
  EXPECT_OPTION(minimum_calls, 1000000, "ok");
  EXPECT_OPTION(failure_rate, 1e-300, "ok");
  EXPECT_OPTION(failure_rate, 1, "ok");
  EXPECT_OPTION(consecutive_failures, UINT32_MAX, "ok");
  EXPECT_OPTION(probes, 1000, "ok");
  EXPECT_OPTION(open_for, HF_MS, "ok");
  EXPECT_OPTION(open_for, kDay, "ok");
  EXPECT_OPTION(probe_lease, HF_MS, "ok");
  EXPECT_OPTION(probe_lease, kDay, "ok");
}

TEST(BreakerOptions, RefuseWhatIsOutsideAndNameTheField) {
  EXPECT_OPTION(window, 3, "out_of_range window: 3 is outside 1..2");
  EXPECT_OPTION(window, -1, "out_of_range window: -1 is outside 1..2");
  EXPECT_OPTION(window_calls, 4097, "out_of_range window_calls: 4097 is outside 1..4096");
  EXPECT_OPTION(window_time, -1, "out_of_range window_time: -1 is outside 10000000..3600000000000");
  EXPECT_OPTION(window_time, 10 * HF_MS - 1,
                "out_of_range window_time: 9999999 is outside 10000000..3600000000000");
  EXPECT_OPTION(window_time, HF_INFINITE,
                "out_of_range window_time: infinite is outside 10000000..3600000000000");
  EXPECT_OPTION(window_buckets, 65, "out_of_range window_buckets: 65 is outside 1..64");
  EXPECT_OPTION(minimum_calls, 1000001,
                "out_of_range minimum_calls: 1000001 is outside 1..1000000");
  const std::string rate = "out_of_range failure_rate: must be above 0 and at most 1";
  EXPECT_OPTION(failure_rate, -0.1, rate);
  EXPECT_OPTION(failure_rate, 1.0001, rate);
  EXPECT_OPTION(failure_rate, std::nan(""), rate);
  EXPECT_OPTION(failure_rate, HUGE_VAL, rate);
  EXPECT_OPTION(probes, 1001, "out_of_range probes: 1001 is outside 1..1000");
  EXPECT_OPTION(open_for, -1, "out_of_range open_for: -1 is outside 1000000..86400000000000");
  EXPECT_OPTION(open_for, HF_MS - 1,
                "out_of_range open_for: 999999 is outside 1000000..86400000000000");
  EXPECT_OPTION(open_for, kDay + 1,
                "out_of_range open_for: 86400000000001 is outside 1000000..86400000000000");
  EXPECT_OPTION(probe_lease, 1, "out_of_range probe_lease: 1 is outside 1000000..86400000000000");
  EXPECT_OPTION(probe_lease, HF_INFINITE,
                "out_of_range probe_lease: infinite is outside 1000000..86400000000000");
  EXPECT_OPTION(struct_size, 12, "struct_size struct_size: 12 is outside 64..4096");
  EXPECT_OPTION(abi_level, 7, "abi_level abi_level: 7 is outside 1..1");
}

// With defaults for all that is left out.
class BreakerAbi : public testing::Test {
 protected:
  void SetUp() override { Create(HF_INIT(hf_breaker_options)); }
  void TearDown() override { hf_breaker_unref(breaker_); }

  void Create(const hf_breaker_options& options) {
    hf_breaker_unref(breaker_);
    ASSERT_EQ(hf_breaker_new(&options, &breaker_, nullptr), HF_OK);
  }
  void Call(hf_verdict verdict, hf_time now = kNow) {
    hf_permit permit;
    ASSERT_EQ(hf_breaker_acquire(breaker_, now, &permit, nullptr, nullptr), HF_OK);
    ASSERT_EQ(hf_breaker_record(breaker_, &permit, verdict, now, nullptr), HF_OK);
  }
  hf_breaker_snapshot Read() {
    hf_breaker_snapshot snapshot{};
    snapshot.struct_size = sizeof(snapshot);
    EXPECT_EQ(hf_breaker_read(breaker_, kNow, &snapshot), HF_OK);
    return snapshot;
  }

  hf_breaker* breaker_ = nullptr;
};

TEST_F(BreakerAbi, DefaultsTripAtTenFailuresOfTwenty) {
  for (int i = 0; i < 10; ++i) Call(HF_VERDICT_SUCCESS);
  for (int i = 0; i < 9; ++i) Call(HF_VERDICT_FAILURE);
  EXPECT_EQ(Read().state, HF_BREAKER_CLOSED);
  Call(HF_VERDICT_FAILURE);
  EXPECT_EQ(Read().state, HF_BREAKER_OPEN);
  EXPECT_EQ(Read().open_until, kNow + 5 * HF_S);
}

TEST_F(BreakerAbi, TheMinimumIsAtMostTheCountWindow) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  options.window_calls = 4;
  Create(options);
  for (int i = 0; i < 4; ++i) Call(HF_VERDICT_FAILURE);
  EXPECT_EQ(Read().state, HF_BREAKER_OPEN);
}

TEST_F(BreakerAbi, ARefusalSaysWhoWhyAndWhen) {
  ASSERT_EQ(hf_breaker_force(breaker_, HF_BREAKER_FORCED_OPEN, kNow), HF_OK);
  hf_permit permit{9, 9, 9};
  hf_rejection why{};
  hf_events events = 99;
  EXPECT_EQ(hf_breaker_acquire(breaker_, kNow, &permit, &why, &events), HF_UNAVAILABLE);
  EXPECT_EQ(why.code, HF_UNAVAILABLE);
  EXPECT_EQ(why.reason, HF_R_BREAKER_FORCED_OPEN);
  EXPECT_EQ(why.retry_after, HF_INFINITE);
  EXPECT_EQ(permit.kind, HF_PERMIT_NONE);
  EXPECT_EQ(permit.stamp, 0u);
  EXPECT_EQ(events, 0u);
  EXPECT_EQ(hf_breaker_acquire(breaker_, kNow, &permit, nullptr, nullptr), HF_UNAVAILABLE);
}

TEST_F(BreakerAbi, NullArgumentsAreErrors) {
  hf_permit permit{9, 9, 9};
  hf_rejection why{};
  EXPECT_EQ(hf_breaker_acquire(nullptr, kNow, &permit, &why, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(permit.kind, HF_PERMIT_NONE);
  EXPECT_EQ(hf_breaker_acquire(breaker_, kNow, nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
  permit = {1, HF_PERMIT_NORMAL, 0};
  EXPECT_EQ(hf_breaker_record(nullptr, &permit, 1, kNow, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_breaker_record(breaker_, nullptr, 1, kNow, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_breaker_force(nullptr, HF_BREAKER_CLOSED, kNow), HF_INVALID_ARGUMENT);
  hf_breaker_snapshot snapshot{};
  EXPECT_EQ(hf_breaker_read(breaker_, kNow, &snapshot), HF_INVALID_ARGUMENT);  // struct_size 0
  EXPECT_EQ(hf_breaker_read(breaker_, kNow, nullptr), HF_INVALID_ARGUMENT);
  snapshot.struct_size = sizeof(snapshot);
  EXPECT_EQ(hf_breaker_read(nullptr, kNow, &snapshot), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_breaker_new(nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
}

TEST_F(BreakerAbi, OnlyRestingStatesCanBeForced) {
  for (const hf_breaker_state state : {-1, 0, HF_BREAKER_OPEN, HF_BREAKER_HALF_OPEN, 7}) {
    EXPECT_EQ(hf_breaker_force(breaker_, state, kNow), HF_INVALID_ARGUMENT) << state;
  }
  EXPECT_EQ(Read().generation, 1u);
  EXPECT_EQ(hf_breaker_force(breaker_, HF_BREAKER_DISABLED, kNow), HF_OK);
  EXPECT_EQ(Read().state, HF_BREAKER_DISABLED);
}

TEST_F(BreakerAbi, APermitIsGivenBackOnce) {
  hf_permit permit;
  ASSERT_EQ(hf_breaker_acquire(breaker_, kNow, &permit, nullptr, nullptr), HF_OK);
  EXPECT_EQ(hf_breaker_record(breaker_, &permit, HF_VERDICT_SUCCESS, kNow, nullptr), HF_OK);
  EXPECT_EQ(permit.kind, HF_PERMIT_NONE);
  EXPECT_EQ(hf_breaker_record(breaker_, &permit, HF_VERDICT_SUCCESS, kNow, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(Read().calls, 1u);
}

TEST_F(BreakerAbi, ABulkheadsPermitIsRefusedAndStaysHeld) {
  hf_bulkhead* bulkhead = nullptr;
  ASSERT_EQ(hf_bulkhead_new(nullptr, &bulkhead, nullptr), HF_OK);
  hf_permit permit;
  ASSERT_EQ(hf_bulkhead_try_acquire(bulkhead, kNow, &permit, nullptr), HF_OK);
  EXPECT_EQ(hf_breaker_record(breaker_, &permit, HF_VERDICT_SUCCESS, kNow, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_release(bulkhead, &permit, kNow), HF_OK) << "it is not lost";
  hf_bulkhead_unref(bulkhead);
}

TEST_F(BreakerAbi, AVerdictOutsideTheSetLeavesThePermitHeld) {
  hf_permit permit;
  ASSERT_EQ(hf_breaker_acquire(breaker_, kNow, &permit, nullptr, nullptr), HF_OK);
  for (const hf_verdict verdict : {HF_VERDICT_DERIVE, -1, 5}) {
    EXPECT_EQ(hf_breaker_record(breaker_, &permit, verdict, kNow, nullptr), HF_INVALID_ARGUMENT);
  }
  EXPECT_EQ(permit.kind, HF_PERMIT_NORMAL);
}

TEST_F(BreakerAbi, ThreadsLoseNoResult) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  options.window_calls = 4096;
  options.minimum_calls = 4096;
  options.failure_rate = 1;
  Create(options);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int n = 0; n < 1024; ++n) {
        Call((n + i) % 4 == 0 ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Read().calls, 4096u);
  EXPECT_EQ(Read().failures, 1024u);
  EXPECT_EQ(Read().state, HF_BREAKER_CLOSED);
}

TEST_F(BreakerAbi, ThreadsLoseNoResultOfATimeWindow) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  options.window = HF_WINDOW_TIME;
  options.minimum_calls = 1000000;
  Create(options);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int n = 0; n < 1000; ++n) {
        // Steps of time pass under the threads' hands, none of them out of the window.
        Call(n % 4 == 0 ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS, kNow + n * 9 * HF_MS - i);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Read().calls, 4000u);
  EXPECT_EQ(Read().failures, 1000u);
}

TEST_F(BreakerAbi, ThreadsTripItOnceAndTakeNoMoreProbesThanAllowed) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  options.probes = 3;
  for (int round = 0; round < 50; ++round) {
    Create(options);
    std::atomic<int> opened{0}, half_opened{0}, probes{0}, refused{0};
    const auto together = [](auto&& work) {
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) threads.emplace_back(work);
      for (auto& thread : threads) thread.join();
    };
    together([&] {
      for (int n = 0; n < 30; ++n) {
        hf_permit permit;
        hf_events events = 0;
        if (hf_breaker_acquire(breaker_, kNow, &permit, nullptr, nullptr) != HF_OK) continue;
        hf_breaker_record(breaker_, &permit, HF_VERDICT_FAILURE, kNow, &events);
        opened += (events & HF_EVENT_BREAKER_OPENED) != 0 ? 1 : 0;
      }
    });
    EXPECT_EQ(opened, 1);
    together([&] {
      for (int n = 0; n < 10; ++n) {
        hf_permit permit;
        hf_events events = 0;
        const hf_code code =
            hf_breaker_acquire(breaker_, kNow + 5 * HF_S, &permit, nullptr, &events);
        half_opened += (events & HF_EVENT_BREAKER_HALF_OPENED) != 0 ? 1 : 0;
        (code == HF_OK ? probes : refused) += 1;
      }
    });
    EXPECT_EQ(half_opened, 1);
    EXPECT_EQ(probes, 3);
    EXPECT_EQ(refused, 37);
  }
}

TEST(CircuitBreaker, SpeaksChronoAndStatus) {
  const auto breaker =
      holdfast::CircuitBreaker::Create({.consecutive_failures = 1, .open_for = 2s});
  ASSERT_TRUE(breaker.ok()) << breaker.status();
  auto permit = breaker->TryAcquire(kNow);
  ASSERT_TRUE(permit.ok());
  EXPECT_FALSE(permit->is_probe());
  EXPECT_EQ(permit->Record(HF_VERDICT_FAILURE, kNow), HF_EVENT_BREAKER_OPENED);
  EXPECT_FALSE(permit->held());
  EXPECT_EQ(permit->Record(HF_VERDICT_FAILURE, kNow), 0u);

  const auto refused = breaker->TryAcquire(kNow + HF_S);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  const auto rejection = holdfast::RejectionOf(refused.status());
  ASSERT_TRUE(rejection.has_value());
  EXPECT_EQ(rejection->reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(rejection->retry_after, 1s);
  EXPECT_EQ(breaker->Snapshot(kNow).open_until, kNow + 2 * HF_S);
  EXPECT_EQ(breaker->Snapshot(kNow).refused, 1u);
}

TEST(CircuitBreaker, DefaultsMatchTheCLayer) {
  const auto breaker = holdfast::CircuitBreaker::Create();
  ASSERT_TRUE(breaker.ok()) << breaker.status();
  EXPECT_EQ(breaker->Snapshot(kNow).state, holdfast::BreakerState::kClosed);
  EXPECT_FALSE(breaker->Snapshot(kNow).open_until.has_value());
  const auto bad = holdfast::CircuitBreaker::Create({.open_for = -1s});
  EXPECT_EQ(bad.status().message().substr(0, 9), "open_for:");
}

TEST(CircuitBreaker, AForgottenPermitRefundsItsProbe) {
  const auto breaker =
      holdfast::CircuitBreaker::Create({.consecutive_failures = 1, .probes = 1, .open_for = 1s});
  ASSERT_TRUE(breaker.ok());
  breaker->TryAcquire(kNow)->Record(HF_VERDICT_FAILURE, kNow);
  {
    auto probe = breaker->TryAcquire(kNow + HF_S);
    ASSERT_TRUE(probe.ok());
    EXPECT_TRUE(probe->is_probe());
    EXPECT_EQ(probe->events(), HF_EVENT_BREAKER_HALF_OPENED);
    holdfast::BreakerPermit moved = std::move(*probe);
    EXPECT_FALSE(probe->held());
    EXPECT_EQ(breaker->Snapshot(kNow).probes_out, 1u);
  }
  EXPECT_EQ(breaker->Snapshot(kNow).state, holdfast::BreakerState::kHalfOpen);
  EXPECT_EQ(breaker->Snapshot(kNow).probes_out, 0u);
}

TEST(CircuitBreaker, AssigningAPermitSettlesTheOneItHeld) {
  const auto breaker =
      holdfast::CircuitBreaker::Create({.consecutive_failures = 1, .probes = 2, .open_for = 1s});
  ASSERT_TRUE(breaker.ok());
  breaker->TryAcquire(kNow)->Record(HF_VERDICT_FAILURE, kNow);
  holdfast::BreakerPermit permit = *breaker->TryAcquire(kNow + HF_S);
  permit = *breaker->TryAcquire(kNow + HF_S);
  EXPECT_EQ(breaker->Snapshot(kNow).probes_out, 1u);
  EXPECT_EQ(permit.Record(12345, kNow + HF_S), 0u);  // no such verdict: ignored
  EXPECT_FALSE(permit.held());
  EXPECT_EQ(breaker->Snapshot(kNow).probes_out, 0u);
}

TEST(CircuitBreaker, ForcesOnlyWhatCanBeForced) {
  const auto breaker = holdfast::CircuitBreaker::Create();
  ASSERT_TRUE(breaker.ok());
  EXPECT_TRUE(breaker->Force(holdfast::BreakerState::kForcedOpen, kNow).ok());
  EXPECT_EQ(breaker->TryAcquire(kNow).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(breaker->Force(holdfast::BreakerState::kHalfOpen, kNow).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
