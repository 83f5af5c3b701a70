// SPDX-License-Identifier: Apache-2.0
// The table that derives verdict and effect from a code, row by row, and what it refuses.
#include <gtest/gtest.h>
#include <holdfast/c/outcome.h>

#include <cstring>

namespace {

struct Row {
  hf_code code;
  hf_verdict verdict;
  hf_effect effect;
};

const Row kTable[] = {
    {HF_OK, HF_VERDICT_SUCCESS, HF_EFFECT_FINAL},
    {HF_CANCELLED, HF_VERDICT_IGNORED, HF_EFFECT_AMBIGUOUS},
    {HF_UNKNOWN, HF_VERDICT_FAILURE, HF_EFFECT_AMBIGUOUS},
    {HF_INVALID_ARGUMENT, HF_VERDICT_SUCCESS, HF_EFFECT_FINAL},
    {HF_DEADLINE_EXCEEDED, HF_VERDICT_FAILURE, HF_EFFECT_AMBIGUOUS},
    {HF_NOT_FOUND, HF_VERDICT_SUCCESS, HF_EFFECT_FINAL},
    {HF_ALREADY_EXISTS, HF_VERDICT_SUCCESS, HF_EFFECT_FINAL},
    {HF_PERMISSION_DENIED, HF_VERDICT_SUCCESS, HF_EFFECT_FINAL},
    {HF_RESOURCE_EXHAUSTED, HF_VERDICT_FAILURE, HF_EFFECT_RETRYABLE},
    {HF_FAILED_PRECONDITION, HF_VERDICT_SUCCESS, HF_EFFECT_FINAL},
    {HF_ABORTED, HF_VERDICT_SUCCESS, HF_EFFECT_RETRYABLE},
    {HF_OUT_OF_RANGE, HF_VERDICT_SUCCESS, HF_EFFECT_FINAL},
    {HF_UNIMPLEMENTED, HF_VERDICT_SUCCESS, HF_EFFECT_FINAL},
    {HF_INTERNAL, HF_VERDICT_FAILURE, HF_EFFECT_AMBIGUOUS},
    {HF_UNAVAILABLE, HF_VERDICT_FAILURE, HF_EFFECT_AMBIGUOUS},
    {HF_DATA_LOSS, HF_VERDICT_FAILURE, HF_EFFECT_AMBIGUOUS},
    {HF_UNAUTHENTICATED, HF_VERDICT_SUCCESS, HF_EFFECT_FINAL},
};

TEST(Outcome, DerivesEveryCodeByTheTable) {
  for (const Row& row : kTable) {
    hf_outcome outcome{};
    outcome.code = row.code;
    outcome.retry_after = 5;
    EXPECT_EQ(hf_outcome_derive(&outcome), HF_OK);
    EXPECT_EQ(outcome.code, row.code);
    EXPECT_EQ(outcome.verdict, row.verdict) << row.code;
    EXPECT_EQ(outcome.effect, row.effect) << row.code;
    EXPECT_EQ(outcome.retry_after, 5);
  }
}

TEST(Outcome, WhatTheDriverKnowsIsKept) {
  hf_outcome outcome{};
  outcome.code = HF_UNAVAILABLE;
  outcome.effect = HF_EFFECT_NOT_STARTED;
  EXPECT_EQ(hf_outcome_derive(&outcome), HF_OK);
  EXPECT_EQ(outcome.effect, HF_EFFECT_NOT_STARTED);
  EXPECT_EQ(outcome.verdict, HF_VERDICT_FAILURE);

  outcome = hf_outcome{};
  outcome.verdict = HF_VERDICT_SLOW;
  EXPECT_EQ(hf_outcome_derive(&outcome), HF_OK);
  EXPECT_EQ(outcome.verdict, HF_VERDICT_SLOW);
  EXPECT_EQ(outcome.effect, HF_EFFECT_FINAL);
}

TEST(Outcome, DerivingTwiceChangesNothing) {
  hf_outcome once{};
  once.code = HF_CANCELLED;
  EXPECT_EQ(hf_outcome_derive(&once), HF_OK);
  hf_outcome twice = once;
  EXPECT_EQ(hf_outcome_derive(&twice), HF_OK);
  EXPECT_EQ(std::memcmp(&once, &twice, sizeof(once)), 0);
}

TEST(Outcome, RefusesWhatIsOutsideItsSetAndLeavesItAlone) {
  const hf_outcome bad[] = {
      {-1, 0, 0, 0, 0}, {17, 0, 0, 0, 0}, {0, -1, 0, 0, 0}, {0, 5, 0, 0, 0},
      {0, 0, -1, 0, 0}, {0, 0, 5, 0, 0},  {0, 0, 6, 0, 0},  {0, 0, 0, 0, -1},
  };
  for (const hf_outcome& given : bad) {
    hf_outcome outcome = given;
    EXPECT_EQ(hf_outcome_derive(&outcome), HF_INVALID_ARGUMENT);
    EXPECT_EQ(std::memcmp(&outcome, &given, sizeof(given)), 0);
  }
  EXPECT_EQ(hf_outcome_derive(nullptr), HF_INVALID_ARGUMENT);
}

}  // namespace
