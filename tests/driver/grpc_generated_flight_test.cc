// SPDX-License-Identifier: Apache-2.0
// The callback gRPC driver plays the generated scripts with attempts that are under way while time passes,
// and so may be cancelled there.
#include <gtest/gtest.h>
#include <holdfast/grpc/client_callback.h>
#include <holdfast/grpc/status.h>
#include <holdfast/testing/virtual_timers.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include "driver/player.h"

namespace holdfast::driver_test {
namespace {

using Done = std::function<void(::grpc::Status)>;

// One attempt at a time, as an RPC would be: it ends by itself, by its deadline or by a cancellation, and says
// so from the thread's next turn.
class Flight final : private Alarm {
 public:
  Flight(Recording& recording, Timers& timers) : recording_(recording), timers_(timers) {}

  void Begin(Attempt& attempt, Done done) {
    attempt_ = &attempt;
    done_ = std::move(done);
    const Recording::Told told = Recording::Told::Of(attempt);
    const hf_time end = recording_.Begin(told);
    const bool cut = recording_.minds_time() && end >= told.until;
    by_ = cut ? Recording::By::kItsTime : Recording::By::kItself;
    timers_.Set(*this, cut ? told.until : end);
    on_stop_.emplace(attempt.stop_token().caller(), [this] { OnStop(); });
  }

  // True if the attempt has ended, which is told then.
  bool Land() {
    if (!landed_) return false;
    landed_ = false;
    on_stop_.reset();
    const hf_outcome outcome = recording_.End(by_);
    attempt_->set_outcome(outcome);
    std::exchange(
        done_, nullptr)(::grpc::Status(static_cast<::grpc::StatusCode>(outcome.code), "scripted"));
    return true;
  }

 private:
  void OnTime() override { landed_ = true; }
  void OnStop() {
    if (!recording_.heeds_cancel() || !timers_.Cancel(*this)) return;
    by_ = Recording::By::kCancellation;
    landed_ = true;
  }

  Recording& recording_;
  Timers& timers_;
  Attempt* attempt_ = nullptr;
  Done done_;
  Recording::By by_ = Recording::By::kItself;
  bool landed_ = false;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

class GrpcFlight final : public Player {
 public:
  void Play(Recording& recording) override {
    testing::VirtualTimers timers(recording.stage.clock);
    Flight flight(recording, timers);
    std::optional<::grpc::Status> status;
    grpc::UnaryAsync(
        recording.stage.pipeline,
        {.call = recording.Options(), .context = recording.stage.context(), .timers = &timers},
        [&](::grpc::ClientContext&, Attempt& attempt, Done done) {
          flight.Begin(attempt, std::move(done));
        },
        [&](::grpc::Status last) { status = std::move(last); });
    while (!status && (flight.Land() || recording.stage.clock.RunNext())) {
    }
    ASSERT_TRUE(status) << "it waits for ever";
    EXPECT_EQ(timers.size(), 0u) << "an alarm is left behind";
    recording.returned = grpc::RejectionOf(*status).value_or(
        Rejection{.code = static_cast<absl::StatusCode>(status->error_code())});
    // A google.rpc.RetryInfo has no word for never.
    if (recording.report.retry_after == Duration::max()) {
      recording.returned->retry_after = recording.report.retry_after;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(GrpcFlight, GeneratedScript, EachWith<GrpcFlight>(), NumberOf);

}  // namespace
}  // namespace holdfast::driver_test
