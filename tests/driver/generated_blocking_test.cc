// SPDX-License-Identifier: Apache-2.0
// The blocking driver plays the generated scripts.
#include <gtest/gtest.h>
#include <holdfast/call.h>

#include "driver/player.h"

namespace holdfast::driver_test {
namespace {

class Blocking final : public Player {
 public:
  void Play(Recording& recording) override {
    const absl::Status status =
        Call(recording.stage.pipeline, recording.Options(), [&](Attempt& attempt) {
          const hf_outcome outcome =
              recording.Play(Recording::Told::Of(attempt), attempt.stop_token().caller());
          attempt.set_outcome(outcome);
          return MakeStatus(outcome.code, HF_R_NONE, "scripted");
        });
    recording.returned = RejectionOf(status).value_or(Rejection{.code = status.code()});
  }
  bool ResultsCarryReasons() const override { return true; }
};

INSTANTIATE_TEST_SUITE_P(Blocking, GeneratedScript, EachWith<Blocking>(), NumberOf);

}  // namespace
}  // namespace holdfast::driver_test
