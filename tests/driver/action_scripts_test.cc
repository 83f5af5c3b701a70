// SPDX-License-Identifier: Apache-2.0
// The blocking driver follows the action scripts.
#include <gtest/gtest.h>
#include <holdfast/call.h>
#include <holdfast/hedge.h>

#include "driver/scripts.h"

namespace holdfast::driver_test {
namespace {

class BlockingScripts : public ::testing::TestWithParam<Script> {};

TEST_P(BlockingScripts, AreFollowedToTheLetter) {
  const Script& script = GetParam();
  Stage stage(script);
  CallReport report;
  const absl::Status status = Call(stage.pipeline, stage.Options(&report), stage.dependency);
  stage.Check(report);
  EXPECT_EQ(status.code(), report.code);
  if (report.reason != HF_R_NONE) {
    ASSERT_TRUE(RejectionOf(status).has_value()) << status;
    EXPECT_EQ(RejectionOf(status)->reason, report.reason);
    EXPECT_EQ(RejectionOf(status)->retry_after, report.retry_after);
  }
}

INSTANTIATE_TEST_SUITE_P(All, BlockingScripts, ::testing::ValuesIn(Scripts()),
                         [](const auto& info) { return info.param.name; });

// A driver that can hedge is held to scripts of its own.
TEST(BlockingScript, APipelineThatHedgesIsRefusedByName) {
  Stage stage({.name = "", .beats = {}, .actions = ""});
  const HedgePolicy hedge = HedgePolicy::Create().value();
  const Pipeline hedging = Pipeline::Create({.hedge = hedge.raw()}).value();
  CallReport report;
  const absl::Status status = Call(hedging, stage.Options(&report), stage.dependency);
  EXPECT_EQ(stage.log.text(), "FINISH INVALID_ARGUMENT hedge_unsupported");
  EXPECT_EQ(stage.dependency.played(), 0u);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_HEDGE_UNSUPPORTED);
  EXPECT_EQ(report.reason, HF_R_HEDGE_UNSUPPORTED);
}

}  // namespace
}  // namespace holdfast::driver_test
