// SPDX-License-Identifier: Apache-2.0
// The allowance of retries, as calls over the C ABI take it from their policy and from a context.
#include <gtest/gtest.h>
#include <holdfast/context.h>
#include <holdfast/pipeline.h>

#include <array>
#include <chrono>
#include <cstdint>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

constexpr hf_outcome kDown{HF_UNAVAILABLE, 0, 0, 0, 0};

class CallAllowance : public ::testing::Test {
 protected:
  void Make(const RetryOptions& options) {
    pipeline = *Pipeline::Create({.retry = *RetryPolicy::Create(options)});
  }
  static Context Told(int32_t retries) { return *Context::Start({.retries = retries}); }

  hf_action Start(hf_context* context, uint32_t flags = 0) {
    hf_call_options options = HF_INIT(hf_call_options);
    options.seed = 1;
    options.flags = HF_CALL_IDEMPOTENT | flags;
    options.context = context;
    hf_action next;
    EXPECT_EQ(hf_call_start(&call, pipeline.raw(), &options, now, &next), HF_OK);
    return next;
  }
  // Fails each attempt until the call is over.
  hf_action FailAll(hf_action next) {
    while (next.kind != HF_DO_FINISH) {
      now = std::max(now, next.kind == HF_DO_SLEEP ? next.until : 0);
      const hf_outcome* const outcome = next.kind == HF_DO_ATTEMPT ? &kDown : nullptr;
      EXPECT_EQ(hf_call_resume(&call, outcome, now, &next), HF_OK);
    }
    return next;
  }

  Pipeline pipeline = *Pipeline::Create({.retry = *RetryPolicy::Create()});
  hf_time now = HF_S;
  hf_call call;
};

TEST_F(CallAllowance, AnAttemptCarriesOnWhatTheContextHasLeft) {
  const Context context = Told(2);
  EXPECT_EQ(Start(context.raw()).retries, 2u);
  hf_call_abort(&call, now);
}

TEST_F(CallAllowance, AnAttemptCarriesOnWhatTheCurrentContextHasLeft) {
  const ScopedContext scope(Told(1));
  EXPECT_EQ(Start(nullptr, HF_CALL_CURRENT_CONTEXT).retries, 1u);
  hf_call_abort(&call, now);
  const ScopedContext inner(Told(HF_NO_RETRIES));
  const hf_action attempt = Start(nullptr, HF_CALL_CURRENT_CONTEXT);
  EXPECT_EQ(attempt.retries, 0u);
  EXPECT_EQ(FailAll(attempt).reason, HF_R_RETRIED_ELSEWHERE);
}

TEST_F(CallAllowance, NoAllowanceFromAboveIsMoreThanThePolicysOwn) {
  Make({.max_attempts = 5, .tree_retries = 2});
  const Context context = Told(INT32_MAX);
  const hf_action attempt = Start(context.raw());
  EXPECT_EQ(attempt.retries, 2u);
  const hf_action finish = FailAll(attempt);
  EXPECT_EQ(finish.reason, HF_R_RETRIED_ELSEWHERE);
  EXPECT_EQ(finish.attempt, 3u);
  EXPECT_EQ(context.retries(), INT32_MAX - 2);
}

TEST_F(CallAllowance, CallsUnderOneContextShareIt) {
  const Context context = Told(3);
  EXPECT_EQ(FailAll(Start(context.raw())).attempt, 3u);
  EXPECT_EQ(FailAll(Start(context.raw())).attempt, 2u);
  EXPECT_EQ(FailAll(Start(context.raw())).attempt, 1u);
  EXPECT_EQ(context.retried(), 3u);
}

TEST_F(CallAllowance, ByDefaultItSufficesForTheRuleWithTheMostAttempts) {
  const std::array<RetryRule, 1> rules = {
      {{.code = absl::StatusCode::kUnavailable, .max_attempts = 9}}};
  Make({.max_attempts = 2, .rules = rules});
  const hf_action attempt = Start(nullptr);
  EXPECT_EQ(attempt.retries, 18u);
  const hf_action finish = FailAll(attempt);
  EXPECT_EQ(finish.reason, HF_R_ATTEMPTS_EXHAUSTED);
  EXPECT_EQ(finish.attempt, 9u);
}

}  // namespace
}  // namespace holdfast
