// SPDX-License-Identifier: Apache-2.0
// The blocking driver follows the action scripts.
#include <gtest/gtest.h>
#include <holdfast/call.h>

#include "driver/scripts.h"

namespace holdfast::driver_test {
namespace {

class BlockingScripts : public ::testing::TestWithParam<Script> {};

TEST_P(BlockingScripts, AreFollowedToTheLetter) {
  const Script& script = GetParam();
  Stage stage(script);
  CallReport report;
  const CallOptions options{.idempotent = script.idempotent,
                            .report = &report,
                            .observer = &stage.log,
                            .clock = &stage.clock};
  const absl::Status status = Call(stage.pipeline, options, stage.dependency);
  stage.Check();
  EXPECT_EQ(status.code(), report.code);
  EXPECT_EQ(report.attempts, script.beats.size());
  EXPECT_EQ(report.events, stage.log.events());
  if (report.reason != HF_R_NONE) {
    ASSERT_TRUE(RejectionOf(status).has_value()) << status;
    EXPECT_EQ(RejectionOf(status)->reason, report.reason);
    EXPECT_EQ(RejectionOf(status)->retry_after, report.retry_after);
  }
}

INSTANTIATE_TEST_SUITE_P(All, BlockingScripts, ::testing::ValuesIn(Scripts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace holdfast::driver_test
