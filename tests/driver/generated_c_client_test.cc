// SPDX-License-Identifier: Apache-2.0
// The C driver of examples/c_client.c plays the generated scripts; and its program runs.
#include <gtest/gtest.h>

#include "driver/c_client_player.h"
#include "driver/player.h"
#include "driver/raw_options.h"

namespace holdfast::driver_test {
namespace {

// What the driver is given for a clock, a condition variable and a dependency.
struct VirtualCaller {
  Recording& recording;
  Wakeup wakeup = {};

  static VirtualCaller& Of(void* self) { return *static_cast<VirtualCaller*>(self); }

  static hf_time Now(void* self) { return Of(self).recording.stage.clock.Now(); }
  static void Wait(void* self, hf_time until) {
    Of(self).recording.stage.clock.WaitUntil(until, Of(self).wakeup);
  }
  static void Wake(void* self) { Of(self).wakeup.Wake(); }
  static int Cancelled(void* self) { return Of(self).recording.stop.stop_requested() ? 1 : 0; }
  static hf_outcome Attempt(void* self, const hf_action* told) {
    Recording& recording = Of(self).recording;
    return recording.Play(Recording::Told::Of(*told), recording.stop.get_token());
  }
  static void See(void* self, const hf_action* action) { Of(self).recording.OnAction(*action); }

  c_client_surroundings Surroundings() { return {this, Now, Wait, Wake, Cancelled, Attempt, See}; }
};

class CClient final : public Player {
 public:
  void Play(Recording& recording) override {
    VirtualCaller caller{recording};
    const std::stop_callback on_stop(recording.stop.get_token(), [&] { caller.wakeup.Wake(); });
    const c_client_surroundings surroundings = caller.Surroundings();
    RawOptions options(recording.Options(), recording.stage.clock.Now());
    recording.ReportBy(c_client_drive(&surroundings, recording.stage.pipeline.raw(), &*options));
  }
};

INSTANTIATE_TEST_SUITE_P(CClient, GeneratedScript, EachWith<CClient>(), NumberOf);

TEST(CClientProgram, Works) { EXPECT_EQ(c_client_main(), 0); }

}  // namespace
}  // namespace holdfast::driver_test
