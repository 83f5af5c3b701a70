// SPDX-License-Identifier: Apache-2.0
// The Asio drivers follow the action scripts.
#include <gtest/gtest.h>
#include <holdfast/asio/call.h>
#include <holdfast/testing/virtual_timers.h>

#include "driver/asio_world.h"
#include "driver/scripts.h"

namespace holdfast::driver_test {
namespace {

class AsioScripts : public ::testing::TestWithParam<Script> {
 protected:
  template <class Start>
  void Play(const Start& start) {
    const Script& script = GetParam();
    Stage stage(script);
    testing::VirtualTimers timers(stage.clock);
    const holdfast::CallOptions given = stage.Options(nullptr);
    CallReport report;
    End end;
    boost::asio::io_context io;
    start(io, stage,
          asio::CallOptions{.idempotent = given.idempotent,
                            .context = given.context,
                            .facts = given.facts,
                            .report = &report,
                            .observer = given.observer,
                            .clock = given.clock,
                            .timers = &timers},
          [&end](std::exception_ptr thrown, absl::Status status) { end.Set(thrown, status); });
    while (!end.done) {
      io.restart();
      io.poll();
      const bool goes_on = end.done || stage.clock.RunNext();
      ASSERT_TRUE(goes_on) << stage.log;
    }
    stage.Check(report);
    EXPECT_EQ(end.status.code(), report.code);
  }
};

TEST_P(AsioScripts, AreFollowedByTheCoroutine) {
  Play([](auto& io, Stage& stage, const asio::CallOptions& options, auto done) {
    const auto attempt = [&stage](Attempt& attempt) -> awaitable<absl::Status> {
      co_return stage.dependency(attempt);
    };
    boost::asio::co_spawn(io, asio::Call(stage.pipeline, options, attempt), done);
  });
}

TEST_P(AsioScripts, AreFollowedByTheCallback) {
  Play([](auto& io, Stage& stage, const asio::CallOptions& options, auto done) {
    const auto attempt = [&stage](Attempt& attempt) -> awaitable<absl::Status> {
      co_return stage.dependency(attempt);
    };
    asio::Call(io.get_executor(), stage.pipeline, options, attempt, done);
  });
}

INSTANTIATE_TEST_SUITE_P(All, AsioScripts, ::testing::ValuesIn(Scripts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace holdfast::driver_test
