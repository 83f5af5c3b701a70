// SPDX-License-Identifier: Apache-2.0
// hf_call_* and hf_pipeline_* as a foreign driver meets them: misuse, bad input, references, seeds.
#include <gtest/gtest.h>
#include <holdfast/c/call.h>

#include <cstring>
#include <functional>
#include <string>

namespace {

class CallSession : public ::testing::Test {
 protected:
  CallSession() {
    std::memset(&call, 0xA5, sizeof(call));  // a caller's stack is not zero
    hf_retry_new(nullptr, &retry, nullptr);
    hf_breaker_new(nullptr, &breaker, nullptr);
    hf_bulkhead_new(nullptr, &bulkhead, nullptr);
    hf_pipeline_options options = HF_INIT(hf_pipeline_options);
    options.retry = retry;
    options.breaker = breaker;
    options.bulkhead = bulkhead;
    EXPECT_EQ(hf_pipeline_new(&options, &pipeline, nullptr), HF_OK);
  }
  ~CallSession() override {
    hf_pipeline_unref(pipeline);
    hf_retry_unref(retry);
    hf_breaker_unref(breaker);
    hf_bulkhead_unref(bulkhead);
  }

  static hf_call_options Options() {
    hf_call_options options = HF_INIT(hf_call_options);
    options.seed = 42;
    options.flags = HF_CALL_IDEMPOTENT;
    return options;
  }
  hf_code Start() {
    const hf_call_options options = Options();
    return hf_call_start(&call, pipeline, &options, 1000, &next);
  }
  void ExpectStartRefused(const hf_call_options& options, hf_reason reason, hf_time now = 0) {
    EXPECT_EQ(hf_call_start(&call, pipeline, &options, now, &next), HF_INVALID_ARGUMENT);
    EXPECT_EQ(next.kind, HF_DO_FINISH);
    EXPECT_EQ(next.code, HF_INVALID_ARGUMENT);
    EXPECT_EQ(next.reason, reason) << hf_reason_name(next.reason);
    EXPECT_EQ(hf_call_resume(&call, nullptr, now, &next), HF_INVALID_ARGUMENT);
    EXPECT_EQ(next.reason, HF_R_BAD_STATE) << "nothing has begun";
  }
  uint32_t InFlight() const {
    hf_bulkhead_snapshot snapshot{};
    snapshot.struct_size = sizeof(snapshot);
    hf_bulkhead_read(bulkhead, &snapshot);
    return snapshot.in_flight;
  }

  hf_retry* retry = nullptr;
  hf_breaker* breaker = nullptr;
  hf_bulkhead* bulkhead = nullptr;
  hf_pipeline* pipeline = nullptr;
  hf_call call;
  hf_action next{};
};

constexpr hf_outcome kFine{HF_OK, 0, 0, 0, 0};
constexpr hf_outcome kDown{HF_UNAVAILABLE, 0, 0, 0, 0};

TEST_F(CallSession, RunsFromStartToFinish) {
  ASSERT_EQ(Start(), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_ATTEMPT);
  EXPECT_EQ(InFlight(), 1u);
  ASSERT_EQ(hf_call_resume(&call, &kFine, 1001, &next), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_FINISH);
  EXPECT_EQ(next.code, HF_OK);
  EXPECT_EQ(InFlight(), 0u);
}

TEST_F(CallSession, EveryBadFieldIsRefusedAndNothingBegins) {
  hf_call_options options = Options();
  options.seed = 0;
  ExpectStartRefused(options, HF_R_ZERO_SEED);
  options = Options();
  options.deadline = -1;
  ExpectStartRefused(options, HF_R_OUT_OF_RANGE);
  ExpectStartRefused(Options(), HF_R_OUT_OF_RANGE, -1);
  options = Options();
  options.flags = 8;
  ExpectStartRefused(options, HF_R_UNSUPPORTED_FIELD);
  options = Options();
  options.retries = -2;
  ExpectStartRefused(options, HF_R_OUT_OF_RANGE);
  options = Options();
  options.struct_size = 8;
  ExpectStartRefused(options, HF_R_STRUCT_SIZE);
  options = Options();
  options.abi_level = 0;
  ExpectStartRefused(options, HF_R_ABI_LEVEL);
  EXPECT_EQ(InFlight(), 0u);
}

TEST_F(CallSession, AFactWithASizeAndNoDataIsRefused) {
  hf_facts facts{};
  facts.tenant.size = 3;
  hf_call_options options = Options();
  options.facts = &facts;
  ExpectStartRefused(options, HF_R_NULL_ARGUMENT);
}

TEST_F(CallSession, ANewerCallersBulkheadRequestIsReadAsFarAsItIsKnown) {
  struct Newer {
    hf_bulkhead_request known;
    uint64_t unknown[64];
  } newer{};
  newer.known.struct_size = sizeof(newer);
  newer.known.abi_level = HF_ABI_LEVEL;
  hf_call_options options = Options();
  options.request = &newer.known;
  ASSERT_EQ(hf_call_start(&call, pipeline, &options, 1000, &next), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_ATTEMPT) << hf_reason_name(next.reason);
  hf_call_abort(&call, 1000);
  newer.unknown[63] = 1;
  ASSERT_EQ(hf_call_start(&call, pipeline, &options, 1000, &next), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_FINISH);
  EXPECT_EQ(next.reason, HF_R_UNSUPPORTED_FIELD);
  EXPECT_EQ(InFlight(), 0u);
}

TEST_F(CallSession, NullPointersAreRefused) {
  const hf_call_options options = Options();
  EXPECT_EQ(hf_call_start(nullptr, pipeline, &options, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_call_start(&call, nullptr, &options, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_call_start(&call, pipeline, nullptr, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_call_start(&call, pipeline, &options, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_call_resume(nullptr, nullptr, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_call_resume(&call, nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  hf_call_abort(nullptr, 0);
  EXPECT_EQ(InFlight(), 0u);
}

TEST_F(CallSession, AnUntouchedAZeroedAndAFinishedSessionAreRecognised) {
  EXPECT_EQ(hf_call_resume(&call, nullptr, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.reason, HF_R_BAD_STATE);
  hf_call_abort(&call, 0);
  std::memset(&call, 0, sizeof(call));
  EXPECT_EQ(hf_call_resume(&call, &kFine, 0, &next), HF_INVALID_ARGUMENT);
  hf_call_abort(&call, 0);
  Start();
  hf_call_resume(&call, &kFine, 1001, &next);
  EXPECT_EQ(hf_call_resume(&call, &kFine, 1002, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.kind, HF_DO_FINISH);
  EXPECT_EQ(next.reason, HF_R_BAD_STATE);
}

TEST_F(CallSession, ACopyOfASessionIsNotASession) {
  Start();
  hf_call copy = call;
  EXPECT_EQ(hf_call_resume(&copy, &kFine, 1001, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.reason, HF_R_BAD_STATE);
  hf_call_abort(&copy, 1001);
  EXPECT_EQ(InFlight(), 1u);
  hf_call_abort(&call, 1001);
  EXPECT_EQ(InFlight(), 0u);
}

TEST_F(CallSession, AStepThatDoesNotFitLeavesTheSessionAsItWas) {
  Start();
  EXPECT_EQ(hf_call_resume(&call, nullptr, 1001, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.kind, HF_DO_ATTEMPT) << "still pending";
  EXPECT_EQ(next.reason, HF_R_NULL_ARGUMENT);
  for (const hf_outcome& bad :
       {hf_outcome{17, 0, 0, 0, 0}, hf_outcome{-1, 0, 0, 0, 0}, hf_outcome{0, 5, 0, 0, 0},
        hf_outcome{0, 0, 5, 0, 0}, hf_outcome{0, 0, -1, 0, 0}, hf_outcome{0, 0, 0, 0, -1}}) {
    EXPECT_EQ(hf_call_resume(&call, &bad, 1001, &next), HF_INVALID_ARGUMENT);
    EXPECT_EQ(next.reason, HF_R_OUT_OF_RANGE);
  }
  ASSERT_EQ(hf_call_resume(&call, &kDown, 1001, &next), HF_OK);
  ASSERT_EQ(next.kind, HF_DO_SLEEP);
  EXPECT_EQ(hf_call_resume(&call, &kFine, 1002, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.kind, HF_DO_SLEEP);
  EXPECT_EQ(next.reason, HF_R_BAD_STATE);
  EXPECT_EQ(hf_call_resume(&call, nullptr, next.until, &next), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_ATTEMPT);
  hf_call_abort(&call, 1003);
}

TEST_F(CallSession, AStepThatDoesNotFitRepeatsWhatIsLeftForTheLayersBelow) {
  Start();
  const uint32_t left = next.retries;
  EXPECT_GT(left, 0u);
  EXPECT_EQ(hf_call_resume(&call, nullptr, 1001, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.retries, left);
  hf_call_abort(&call, 1003);
}

TEST_F(CallSession, AbortIsIdempotentAndGivesBackWhatIsHeld) {
  Start();
  EXPECT_EQ(InFlight(), 1u);
  hf_call_abort(&call, 1001);
  hf_call_abort(&call, 1001);
  EXPECT_EQ(InFlight(), 0u);
  hf_breaker_snapshot health{};
  health.struct_size = sizeof(health);
  hf_breaker_read(breaker, 1001, &health);
  EXPECT_EQ(health.calls, 0u) << "an aborted attempt says nothing about the dependency";
}

TEST_F(CallSession, AStrangeClockLosesNoPermit) {
  Start();
  hf_call_abort(&call, -5);
  EXPECT_EQ(InFlight(), 0u);
  Start();
  EXPECT_EQ(hf_call_resume(&call, &kFine, -5, &next), HF_OK);
  EXPECT_EQ(InFlight(), 0u);
}

TEST_F(CallSession, TheSessionKeepsItsPipelineAlive) {
  Start();
  hf_pipeline_unref(pipeline);
  pipeline = nullptr;
  ASSERT_EQ(hf_call_resume(&call, &kFine, 1001, &next), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_FINISH);
}

TEST_F(CallSession, TheSameSeedAndOutcomesGiveTheSameCall) {
  const auto delays = [&](uint64_t seed) {
    hf_call_options options = Options();
    options.seed = seed;
    hf_call_start(&call, pipeline, &options, 1000, &next);
    hf_call_resume(&call, &kDown, 1000, &next);
    const hf_time first = next.until;
    hf_call_resume(&call, nullptr, first, &next);
    hf_call_resume(&call, &kDown, first, &next);
    const hf_time second = next.until;
    hf_call_abort(&call, second);
    hf_breaker_force(breaker, HF_BREAKER_CLOSED, 0);
    return std::pair(first, second);
  };
  EXPECT_EQ(delays(7), delays(7));
  EXPECT_NE(delays(7), delays(8));
}

TEST(Pipeline, OptionsThatCannotBeAreRefusedByName) {
  const auto expect = [](const std::function<void(hf_pipeline_options*)>& spoil, hf_reason reason,
                         const char* field) {
    hf_pipeline_options options = HF_INIT(hf_pipeline_options);
    spoil(&options);
    hf_pipeline* pipeline = nullptr;
    hf_error error{};
    EXPECT_EQ(hf_pipeline_new(&options, &pipeline, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(error.reason, reason) << error.text;
    EXPECT_NE(std::string(error.text).find(field), std::string::npos) << error.text;
    EXPECT_EQ(pipeline, nullptr);
  };
  hf_budget* budget = nullptr;
  ASSERT_EQ(hf_budget_new(nullptr, &budget, nullptr), HF_OK);
  expect([&](hf_pipeline_options* o) { o->budget = budget; }, HF_R_BAD_OPTIONS, "budget");
  hf_budget_unref(budget);
  expect([](hf_pipeline_options* o) { o->timeout = -1; }, HF_R_OUT_OF_RANGE, "timeout");
  expect([](hf_pipeline_options* o) { o->attempt_timeout = -1; }, HF_R_OUT_OF_RANGE,
         "attempt_timeout");
  expect([](hf_pipeline_options* o) { o->struct_size = 8; }, HF_R_STRUCT_SIZE, "struct_size");
  expect([](hf_pipeline_options* o) { o->abi_level = 99; }, HF_R_ABI_LEVEL, "abi_level");
  EXPECT_EQ(hf_pipeline_new(nullptr, nullptr, nullptr), HF_INVALID_ARGUMENT);
}

TEST(Pipeline, WithoutOptionsNothingIsGuarded) {
  hf_pipeline* pipeline = nullptr;
  ASSERT_EQ(hf_pipeline_new(nullptr, &pipeline, nullptr), HF_OK);
  hf_call_options options = HF_INIT(hf_call_options);
  options.seed = 1;
  hf_call call;
  hf_action next;
  ASSERT_EQ(hf_call_start(&call, pipeline, &options, 0, &next), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_ATTEMPT);
  EXPECT_EQ(next.until, 0);
  ASSERT_EQ(hf_call_resume(&call, &kDown, 1, &next), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_FINISH);
  EXPECT_EQ(next.code, HF_UNAVAILABLE);
  hf_pipeline_unref(pipeline);
  hf_pipeline_unref(nullptr);
}

}  // namespace
