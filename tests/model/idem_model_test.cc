// SPDX-License-Identifier: Apache-2.0
// Run-once in a hostile world (idem_world.h): crashes, zombies, lost and late messages, clock jumps.
#include <gtest/gtest.h>

#include <cstdint>

#include "model/dice.h"
#include "model/idem_world.h"

namespace holdfast {
namespace {

void PlaySchedules(hf_on_expiry on_expiry, bool jumps_ahead) {
  const uint64_t schedules = model::Schedules(8000);
  uint64_t finished = 0;
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    model::World world(seed, on_expiry, jumps_ahead);
    for (int step = 0; step < 120; ++step) {
      world.Step();
      ASSERT_FALSE(::testing::Test::HasFailure());
    }
    world.Quiesce();
    ASSERT_FALSE(::testing::Test::HasFailure());
    finished += world.finished();
  }
  EXPECT_GT(finished, 5 * schedules) << "schedules in which nothing happens prove nothing";
}

TEST(IdemModel, CarefulWorkIsDoneAtMostOnce) { PlaySchedules(HF_ON_EXPIRY_IN_DOUBT, false); }

TEST(IdemModel, CarefulWorkIsDoneAtMostOnceEvenIfTheStoresClockJumpsAhead) {
  PlaySchedules(HF_ON_EXPIRY_IN_DOUBT, true);
}

TEST(IdemModel, ReconciledWorkIsDoneAtMostOnce) { PlaySchedules(HF_ON_EXPIRY_RECONCILE, false); }

TEST(IdemModel, TakeoverKeepsOneOwnerAtATime) { PlaySchedules(HF_ON_EXPIRY_TAKEOVER, false); }

TEST(IdemModel, TakeoverKeepsTheLawsOfTheRecordIfTheStoresClockJumpsAhead) {
  PlaySchedules(HF_ON_EXPIRY_TAKEOVER, true);
}

}  // namespace
}  // namespace holdfast
