// SPDX-License-Identifier: Apache-2.0
// The callback gRPC driver plays the generated scripts, and the written ones, in virtual time.
#include <gtest/gtest.h>
#include <holdfast/grpc/client_callback.h>
#include <holdfast/grpc/status.h>
#include <holdfast/testing/virtual_timers.h>

#include <functional>
#include <optional>

#include "driver/player.h"
#include "driver/scripts.h"

namespace holdfast::driver_test {
namespace {

::grpc::Status StatusOf(const hf_outcome& outcome) {
  return ::grpc::Status(static_cast<::grpc::StatusCode>(outcome.code), "scripted");
}

// Where an end waits for its thread's turn, as gRPC's do.
using Ended = std::optional<std::function<void()>>;

// Moves time until the call has told its end.
template <class Stage>
void RunToEnd(Stage& stage, Ended& pending, const std::optional<::grpc::Status>& status) {
  while (!status) {
    if (pending) {
      const auto end = *std::exchange(pending, std::nullopt);
      end();
    } else {
      ASSERT_TRUE(stage.clock.RunNext()) << stage.log.text();
    }
  }
}

// `at_once`: within the start of the attempt, or later, from another stack.
template <bool at_once>
class GrpcCallbackPlayer final : public Player {
 public:
  void Play(Recording& recording) override {
    testing::VirtualTimers timers(recording.stage.clock);
    std::optional<::grpc::Status> status;
    Ended pending;
    grpc::UnaryAsync(
        recording.stage.pipeline,
        {.call = recording.Options(), .context = recording.stage.context(), .timers = &timers},
        [&](::grpc::ClientContext&, Attempt& attempt, std::function<void(::grpc::Status)> done) {
          const hf_outcome outcome =
              recording.Play(Recording::Told::Of(attempt), attempt.stop_token().caller());
          attempt.set_outcome(outcome);
          if (at_once) return done(StatusOf(outcome));
          pending = [done = std::move(done), outcome] { done(StatusOf(outcome)); };
        },
        [&](::grpc::Status last) { status = std::move(last); });
    RunToEnd(recording.stage, pending, status);
    recording.returned = grpc::RejectionOf(*status).value_or(
        Rejection{.code = static_cast<absl::StatusCode>(status->error_code())});
    // A google.rpc.RetryInfo has no word for never.
    if (recording.report.retry_after == Duration::max()) {
      recording.returned->retry_after = recording.report.retry_after;
    }
  }
};

using AtOnce = GrpcCallbackPlayer<true>;
using Later = GrpcCallbackPlayer<false>;
INSTANTIATE_TEST_SUITE_P(GrpcCallbackAtOnce, GeneratedScript, EachWith<AtOnce>(), NumberOf);
INSTANTIATE_TEST_SUITE_P(GrpcCallback, GeneratedScript, EachWith<Later>(), NumberOf);

class GrpcCallbackScripts : public ::testing::TestWithParam<Script> {};

TEST_P(GrpcCallbackScripts, AreFollowedToTheLetter) {
  const Script& script = GetParam();
  Stage stage(script);
  testing::VirtualTimers timers(stage.clock);
  CallReport report;
  std::optional<::grpc::Status> status;
  Ended pending;
  grpc::UnaryAsync(
      stage.pipeline,
      {.call = stage.Options(&report), .context = stage.context(), .timers = &timers},
      [&](::grpc::ClientContext&, Attempt& attempt, std::function<void(::grpc::Status)> done) {
        pending = [&, done = std::move(done)] {
          (void)stage.dependency(attempt);
          done(StatusOf(*attempt.outcome()));
        };
      },
      [&](::grpc::Status last) { status = std::move(last); });
  RunToEnd(stage, pending, status);
  stage.Check(report);
  EXPECT_EQ(static_cast<absl::StatusCode>(status->error_code()), report.code);
}

INSTANTIATE_TEST_SUITE_P(All, GrpcCallbackScripts, ::testing::ValuesIn(Scripts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace holdfast::driver_test
