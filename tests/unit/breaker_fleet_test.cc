// SPDX-License-Identifier: Apache-2.0
// Peers: what they tell, for how long it counts, and when the own results outweigh it.
#include <gtest/gtest.h>

#include "unit/breaker_machine.h"

namespace holdfast::engine {
namespace {

BreakerPolicy Shared() {
  BreakerPolicy policy = ByRate(100, 20, 0.5);
  policy.veto_calls = 5;
  policy.veto_rate = 0.25;
  policy.peer_ttl = 10 * HF_S;
  policy.probes = 1;
  return policy;
}

class FleetMachine : public Machine {
 public:
  FleetMachine() : Machine(Shared()) {}
  hf_events Tell(uint64_t peer, uint32_t calls, uint32_t failures) {
    hf_events events = 0;
    EXPECT_TRUE(engine().Merge(peer, {calls, failures, 0}, now(), &events));
    return events;
  }
};

// gobreaker's distributed breaker: four instances, one call each, and the shared count is one.
TEST(Fleet, FourInstancesWithFiveFailuresEachAreTwenty) {
  FleetMachine machine;
  machine.Calls("EEEEE");
  EXPECT_EQ(machine.Tell(1, 5, 5), 0u);
  EXPECT_EQ(machine.Tell(2, 5, 5), 0u);
  EXPECT_EQ(machine.Tell(3, 5, 5), HF_EVENT_BREAKER_OPENED);
  EXPECT_EQ(machine.state(), HF_BREAKER_OPEN);
}

TEST(Fleet, ToldTwiceIsToldOnce) {
  FleetMachine machine;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(machine.Tell(1, 10, 10), 0u);
  EXPECT_EQ(machine.state(), HF_BREAKER_CLOSED);
}

TEST(Fleet, CountsAreForgottenAfterTheirTime) {
  FleetMachine machine;
  machine.Tell(1, 5, 5);
  machine.Tell(2, 12, 12);
  machine.Pass(10 * HF_S);
  EXPECT_EQ(machine.Tell(1, 10, 10), 0u) << "what 2 told is too old";
  machine.Pass(10 * HF_S - 1);
  EXPECT_EQ(machine.Tell(2, 10, 10), HF_EVENT_BREAKER_OPENED) << "what 1 told is not";
}

TEST(Fleet, OwnGoodResultsVeto) {
  FleetMachine machine;
  machine.Calls("SSSSE");  // 20 %
  EXPECT_EQ(machine.Tell(1, 1000, 1000), 0u);
  machine.Call(kError);  // 2 of 6
  EXPECT_EQ(machine.Tell(1, 1000, 1000), HF_EVENT_BREAKER_OPENED);
}

TEST(Fleet, TooFewOwnResultsDoNot) {
  FleetMachine machine;
  machine.Calls("SSSS");
  EXPECT_EQ(machine.Tell(1, 1000, 1000), HF_EVENT_BREAKER_OPENED);
}

TEST(Fleet, OwnSlowResultsDoNot) {
  BreakerPolicy policy = Shared();
  policy.slow_rate = 0.8;
  Machine machine(policy);
  for (int i = 0; i < 3; ++i) machine.Call(kOk);
  for (int i = 0; i < 3; ++i) machine.Call(HF_VERDICT_SLOW);
  hf_events events = 0;
  machine.engine().Merge(1, {100, 0, 100}, machine.now(), &events);
  EXPECT_EQ(events, HF_EVENT_BREAKER_OPENED) << "half of 0.8 is reached here, too";
}

TEST(Fleet, ABreakerThatHasJustProbedItselfWellIsLeftAlone) {
  FleetMachine machine;
  EXPECT_EQ(machine.Tell(1, 100, 100), HF_EVENT_BREAKER_OPENED);
  machine.Pass(5 * HF_S);
  machine.Record(machine.Permit(), kOk);
  EXPECT_EQ(machine.Tell(1, 100, 100), 0u);
  machine.Pass(10 * HF_S);
  EXPECT_EQ(machine.Tell(1, 100, 100), HF_EVENT_BREAKER_OPENED);
}

TEST(Fleet, MovesNothingButAClosedBreaker) {
  for (const hf_breaker_state state :
       {HF_BREAKER_FORCED_OPEN, HF_BREAKER_DISABLED, HF_BREAKER_METRICS_ONLY}) {
    FleetMachine machine;
    machine.Force(state);
    EXPECT_EQ(machine.Tell(1, 100, 100), 0u);
    EXPECT_EQ(machine.state(), state);
  }
}

TEST(Fleet, ANewPeerFindsNoPlaceAmongLiveOnes) {
  FleetMachine machine;
  for (uint64_t peer = 0; peer < 4; ++peer) machine.Tell(peer, 1, 0);
  hf_events events = 0;
  EXPECT_FALSE(machine.engine().Merge(9, {1, 0, 0}, machine.now(), &events));
  EXPECT_TRUE(machine.engine().Merge(0, {1, 0, 0}, machine.now(), &events));
  machine.Pass(10 * HF_S);
  EXPECT_TRUE(machine.engine().Merge(9, {1, 0, 0}, machine.now(), &events));
}

}  // namespace
}  // namespace holdfast::engine
