// SPDX-License-Identifier: Apache-2.0
// What operators, peers and a new process do to a breaker; and every state against every event.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "unit/breaker_machine.h"

namespace holdfast::engine {
namespace {

// --- the table: every state, every event ---------------------------------------------------------------------

constexpr hf_breaker_state kStates[] = {HF_BREAKER_CLOSED,    HF_BREAKER_OPEN,
                                        HF_BREAKER_HALF_OPEN, HF_BREAKER_FORCED_OPEN,
                                        HF_BREAKER_DISABLED,  HF_BREAKER_METRICS_ONLY};

BreakerPolicy OneProbe() {
  BreakerPolicy policy = Touchy();
  policy.probes = 1;
  policy.minimum_calls = 1;
  policy.slow_after = 60 * HF_S;
  policy.slow_rate = 1;
  return policy;
}

// A machine in that state, with a permit of it where it gives one.
struct Stage {
  explicit Stage(hf_breaker_state state) : machine(OneProbe()) {
    if (state == HF_BREAKER_OPEN || state == HF_BREAKER_HALF_OPEN) machine.Call(kError);
    if (state == HF_BREAKER_HALF_OPEN) machine.Pass(5 * HF_S);
    if (state >= HF_BREAKER_FORCED_OPEN) machine.Force(state);
    const Admission admission = machine.Acquire();
    permit = admission.permit;
    EXPECT_EQ(machine.state(), state);
  }

  Machine machine;
  hf_permit permit{};
};

void Restore(Stage& stage, hf_breaker_state state) {
  hf_breaker_saved saved{};
  saved.state = state;
  saved.open_left = HF_S;
  stage.machine.engine().Restore(saved, stage.machine.now());
}

using Event = std::pair<const char*, void (*)(Stage&)>;
const Event kEvents[] = {
    {"success",
     [](Stage& s) {
       if (s.permit.kind != 0) s.machine.Record(s.permit, kOk);
     }},
    {"failure",
     [](Stage& s) {
       if (s.permit.kind != 0) s.machine.Record(s.permit, kError);
     }},
    {"ignored",
     [](Stage& s) {
       if (s.permit.kind != 0) s.machine.Record(s.permit, kIgnored);
     }},
    {"slow",
     [](Stage& s) {
       if (s.permit.kind != 0) s.machine.Record(s.permit, HF_VERDICT_SLOW);
     }},
    {"asked", [](Stage& s) { s.machine.Acquire(); }},
    {"asked after open_for",
     [](Stage& s) {
       s.machine.Pass(5 * HF_S);
       s.machine.Acquire();
     }},
    {"asked after the lease",
     [](Stage& s) {
       s.machine.Pass(40 * HF_S);
       s.machine.Acquire();
     }},
    {"asked after the lease, lost probes failed",
     [](Stage& s) {
       BreakerPolicy policy = OneProbe();
       policy.lost_probe = HF_LOST_PROBE_FAILURE;
       s.machine.engine().Update(policy, s.machine.now());
       s.machine.Pass(40 * HF_S);
       s.machine.Acquire();
     }},
    {"asked while a call hangs",
     [](Stage& s) {
       s.machine.Pass(70 * HF_S);
       s.machine.Acquire();
     }},
    {"told of failing peers",
     [](Stage& s) {
       hf_events events = 0;
       s.machine.engine().Merge(1, {20, 20, 0}, s.machine.now(), &events);
     }},
    {"updated", [](Stage& s) { s.machine.engine().Update(OneProbe(), s.machine.now()); }},
    {"forced open", [](Stage& s) { s.machine.Force(HF_BREAKER_FORCED_OPEN); }},
    {"disabled", [](Stage& s) { s.machine.Force(HF_BREAKER_DISABLED); }},
    {"forced closed", [](Stage& s) { s.machine.Force(HF_BREAKER_CLOSED); }},
    {"metrics only", [](Stage& s) { s.machine.Force(HF_BREAKER_METRICS_ONLY); }},
    {"restored closed", [](Stage& s) { Restore(s, HF_BREAKER_CLOSED); }},
    {"restored open", [](Stage& s) { Restore(s, HF_BREAKER_OPEN); }},
    {"restored forced open", [](Stage& s) { Restore(s, HF_BREAKER_FORCED_OPEN); }},
    {"restored disabled", [](Stage& s) { Restore(s, HF_BREAKER_DISABLED); }},
    {"restored metrics only", [](Stage& s) { Restore(s, HF_BREAKER_METRICS_ONLY); }},
};

// After each event, from closed, open, half-open, forced open, disabled, metrics only. The ways are those of
// resilience4j's StateTransition, whose CLOSED -> HALF_OPEN and METRICS_ONLY -> OPEN are likewise no ways.
TEST(BreakerTable, EveryStateKnowsWhatEveryEventDoes) {
  const std::string expected[] = {
      "COCFNM",  // success
      "OOOFNM",  // failure
      "COHFNM",  // ignored
      "OOOFNM",  // slow
      "COHFNM",  // asked
      "CHHFNM",  // asked after open_for
      "CHHFNM",  // asked after the lease: a new round
      "CHOFNM",  // asked after the lease, lost probes failed
      "OHHFNM",  // asked while a call hangs
      "OOHFNM",  // told of failing peers
      "COHFNM",  // updated
      "FFFFFF",  // forced open
      "NNNNNN",  // disabled
      "CCCCCC",  // forced closed
      "MMMMMM",  // metrics only
      "CCCCCC",  // restored closed
      "OOOOOO",  // restored open
      "FFFFFF",  // restored forced open
      "NNNNNN",  // restored disabled
      "MMMMMM",  // restored metrics only
  };
  static_assert(std::size(expected) == std::size(kEvents));
  const std::string names = "?COHFNM";
  for (size_t event = 0; event < std::size(kEvents); ++event) {
    std::string became;
    for (const hf_breaker_state state : kStates) {
      Stage stage(state);
      const uint64_t before = stage.machine.Read().generation;
      kEvents[event].second(stage);
      const hf_breaker_snapshot after = stage.machine.Read();
      became += names[static_cast<size_t>(after.state)];
      const bool changed = after.state != state;
      EXPECT_TRUE(!changed || after.generation == before + 1) << kEvents[event].first;
    }
    EXPECT_EQ(became, expected[event]) << kEvents[event].first;
  }
}

TEST(BreakerTable, AForeignPermitChangesNothingAnywhere) {
  for (const hf_breaker_state state : kStates) {
    Stage stage(state);
    const uint64_t generation = stage.machine.Read().generation;
    for (const hf_permit& foreign :
         {hf_permit{generation + 1, HF_PERMIT_NORMAL, 0}, hf_permit{generation, 9, 0},
          hf_permit{0, HF_PERMIT_PROBE, 0}, hf_permit{generation, HF_PERMIT_NONE, 0}}) {
      EXPECT_FALSE(stage.machine.Accepts(foreign) && foreign.kind != 0) << state;
    }
    EXPECT_EQ(stage.machine.state(), state);
    EXPECT_EQ(stage.machine.Read().generation, generation);
  }
}

// --- metrics only --------------------------------------------------------------------------------------------

TEST(MetricsOnly, CountsAndNeverOpens) {
  BreakerPolicy policy = Touchy();
  policy.slow_after = HF_S;
  policy.slow_rate = 0.1;
  policy.minimum_calls = 1;
  Machine machine(policy);
  machine.Force(HF_BREAKER_METRICS_ONLY);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(machine.Call(kError), 0u);
  machine.Permit();
  machine.Pass(10 * HF_S);
  EXPECT_EQ(machine.Acquire().why.code, HF_OK);
  EXPECT_EQ(machine.Read().failures, 50u);
  EXPECT_EQ(machine.Read().consecutive, 50u);
  EXPECT_EQ(machine.Read().overdue, 1u);
  EXPECT_EQ(machine.Read().admitted, 1);
  EXPECT_EQ(machine.state(), HF_BREAKER_METRICS_ONLY);
}

// --- update ----------------------------------------------------------------------------------------------------

TEST(BreakerUpdate, KeepsStatePermitsAndResults) {
  Machine machine(ByRate(10, 10, 0.5));
  const hf_permit early = machine.Permit();
  machine.Calls("SSEE");
  BreakerPolicy next = ByRate(10, 8, 0.9);
  next.open_for = 9 * HF_S;
  EXPECT_EQ(machine.engine().Update(next, machine.now()), 0u);
  EXPECT_EQ(machine.Read().generation, 1u);
  machine.Record(early, kError);
  EXPECT_EQ(machine.Read().calls, 5u);
  EXPECT_EQ(machine.Read().failures, 3u);
}

TEST(BreakerUpdate, ASmallerCountWindowKeepsTheNewest) {
  Machine machine(ByRate(20, 20, 1));
  machine.Calls("EEEESSSES");
  machine.engine().Update(ByRate(4, 4, 1), machine.now());
  EXPECT_EQ(machine.Read().calls, 4u);
  EXPECT_EQ(machine.Read().failures, 1u);
  machine.Calls("SS");
  EXPECT_EQ(machine.Read().failures, 1u);  // S E S S S
  machine.Call(kOk);
  EXPECT_EQ(machine.Read().failures, 0u);
}

TEST(BreakerUpdate, ALargerCountWindowFillsUp) {
  Machine machine(ByRate(4, 4, 1));
  machine.Calls("SSSSSEES");
  machine.engine().Update(ByRate(40, 40, 1), machine.now());
  EXPECT_EQ(machine.Read().calls, 4u);
  machine.Calls("SSSSS");
  EXPECT_EQ(machine.Read().calls, 9u);
  EXPECT_EQ(machine.Read().failures, 2u);
}

TEST(BreakerUpdate, ATimeWindowOfOtherStepsKeepsWhatIsStillInside) {
  TimedMachine machine(10 * HF_S, 10);
  for (int i = 0; i < 10; ++i) machine.CallAt(i * HF_S, i < 5 ? kError : kOk);
  BreakerPolicy next = ByRate(100, 1000, 0.5);
  next.window = HF_WINDOW_TIME;
  next.window_time = 4 * HF_S;
  next.window_buckets = 8;
  machine.engine().Update(next, machine.now());
  EXPECT_EQ(machine.Totals(), (Pair{4, 0}));
  next.window_time = 60 * HF_S;
  next.window_buckets = 6;
  machine.engine().Update(next, machine.now());
  EXPECT_EQ(machine.Totals(), (Pair{4, 0}));
  machine.CallAt(65 * HF_S, kOk);
  EXPECT_EQ(machine.Totals(), (Pair{1, 0})) << "all of one step leave with it";
}

TEST(BreakerUpdate, FromCountToTimeItStartsEmpty) {
  Machine machine(ByRate(10, 10, 1));
  const hf_permit early = machine.Permit();
  machine.Calls("EEE");
  BreakerPolicy next = ByRate(10, 10, 1);
  next.window = HF_WINDOW_TIME;
  machine.engine().Update(next, machine.now());
  EXPECT_EQ(machine.Read().calls, 0u);
  machine.Record(early, kError);
  EXPECT_EQ(machine.Read().calls, 1u) << "a permit that was out counts in the new window";
  EXPECT_EQ(machine.Read().consecutive, 4u);
}

TEST(BreakerUpdate, SlowDetectionComesAndGoesUnderCalls) {
  Machine machine(ByRate(10, 10, 1));
  const hf_permit untimed = machine.Permit();
  BreakerPolicy timed = ByRate(10, 10, 1);
  timed.slow_after = HF_S;
  timed.slow_rate = 1;
  machine.engine().Update(timed, machine.now());
  const hf_permit hang = machine.Permit();
  machine.Pass(2 * HF_S);
  EXPECT_EQ(machine.Read().in_flight, 1u);
  machine.Record(untimed, kOk);
  EXPECT_EQ(machine.Read().in_flight, 1u) << "it was never counted";
  timed.slow_after = 10 * HF_S;
  machine.engine().Update(timed, machine.now());
  EXPECT_EQ(machine.Read().in_flight, 0u) << "its age was in other units";
  machine.Record(hang, kOk);
  EXPECT_EQ(machine.Read().in_flight, 0u);
  EXPECT_EQ(machine.Read().slow, 0u);
  EXPECT_EQ(machine.Read().calls, 2u);
}

TEST(BreakerUpdate, OpensWhatIsOverTheNewThreshold) {
  Machine machine(ByRate(10, 4, 0.9));
  machine.Calls("SSEE");
  EXPECT_EQ(machine.engine().Update(ByRate(10, 4, 0.5), machine.now()), HF_EVENT_BREAKER_OPENED);
  EXPECT_EQ(machine.state(), HF_BREAKER_OPEN);
}

TEST(BreakerUpdate, FewerProbesThanAreBackDecide) {
  BreakerPolicy policy = Touchy();
  policy.probes = 5;
  Machine machine(policy);
  machine.Record(machine.TripAndProbe(), kOk);
  machine.Call(kOk);
  policy.probes = 2;
  EXPECT_EQ(machine.engine().Update(policy, machine.now()), HF_EVENT_BREAKER_CLOSED);
}

TEST(BreakerUpdate, AnOpenTimeThatRunsIsKept) {
  Machine machine(Touchy());
  machine.Call(kError);
  BreakerPolicy policy = Touchy();
  policy.open_for = 50 * HF_S;
  machine.engine().Update(policy, machine.now());
  EXPECT_EQ(machine.Read().open_until, machine.now() + 5 * HF_S);
}

// --- save and restore ----------------------------------------------------------------------------------------

TEST(BreakerSaved, AnOpenBreakerStaysOpenForWhatIsLeftOnAnotherClock) {
  Machine machine(Touchy());
  machine.Call(kError);
  machine.Pass(2 * HF_S);
  const hf_breaker_saved saved = machine.engine().Save(machine.now());
  Machine next(Touchy());
  next.SetNow(3 * HF_S);
  next.engine().Restore(saved, next.now());
  EXPECT_EQ(next.Read().open_until, 6 * HF_S);
  EXPECT_EQ(next.Read().opened, 1u);
  EXPECT_EQ(next.Read().trips, 1u);
}

TEST(BreakerSaved, AProbingBreakerProbesAnew) {
  Machine machine(Touchy());
  machine.TripAndProbe();
  const hf_breaker_saved saved = machine.engine().Save(machine.now());
  EXPECT_EQ(saved.state, HF_BREAKER_OPEN);
  EXPECT_EQ(saved.open_left, 0);
  Machine next(Touchy());
  next.engine().Restore(saved, next.now());
  EXPECT_EQ(next.Permit().kind, HF_PERMIT_PROBE);
}

TEST(BreakerSaved, AClosedBreakerKeepsWhatItKnows) {
  Machine machine(ByRate(10, 10, 1));
  machine.Calls("SSSEEE");
  machine.Pass(7 * HF_S);
  const hf_breaker_saved saved = machine.engine().Save(machine.now());
  EXPECT_EQ(saved.closed_for, machine.now());
  for (const hf_window window : {HF_WINDOW_COUNT, HF_WINDOW_TIME}) {
    BreakerPolicy policy = ByRate(10, 10, 1);
    policy.window = window;
    Machine next(policy);
    const hf_permit straggler = next.Permit();
    next.engine().Restore(saved, next.now());
    EXPECT_EQ(next.Read().calls, 6u);
    EXPECT_EQ(next.Read().failures, 3u);
    EXPECT_EQ(next.Read().consecutive, 3u);
    EXPECT_EQ(next.Record(straggler, kOk), HF_EVENT_STRAGGLER);
  }
}

TEST(BreakerSaved, ASmallerWindowTakesItsShare) {
  hf_breaker_saved saved{};
  saved.state = HF_BREAKER_CLOSED;
  saved.calls = 100;
  saved.failures = 50;
  Machine machine(ByRate(10, 10, 0.6));
  machine.engine().Restore(saved, machine.now());
  EXPECT_EQ(machine.Read().calls, 10u);
  EXPECT_EQ(machine.Read().failures, 5u);
}

TEST(BreakerSaved, WhatIsOverAThresholdOpens) {
  hf_breaker_saved saved{};
  saved.state = HF_BREAKER_CLOSED;
  saved.calls = 10;
  saved.failures = 10;
  Machine machine(ByRate(10, 10, 0.6));
  machine.engine().Restore(saved, machine.now());
  EXPECT_EQ(machine.state(), HF_BREAKER_OPEN);
}

TEST(BreakerSaved, ARampGoesOnAndTripsStay) {
  BreakerPolicy policy = OneProbe();
  policy.ramp_for = 10 * HF_S;
  Machine machine(policy);
  machine.Record(machine.TripAndProbe(), kOk);
  machine.Pass(4 * HF_S);
  const hf_breaker_saved saved = machine.engine().Save(machine.now());
  EXPECT_EQ(saved.ramp_left, 6 * HF_S);
  Machine next(policy);
  next.engine().Restore(saved, next.now());
  EXPECT_NEAR(next.Read().admitted, 0.46, 1e-9);
  next.Pass(6 * HF_S);
  EXPECT_EQ(next.Read().admitted, 1);
}

TEST(BreakerSaved, MetricsOnlyAdmitsAllWhateverRampWasSaved) {
  BreakerPolicy policy = Touchy();
  policy.ramp_for = 10 * HF_S;
  hf_breaker_saved saved{};
  saved.state = HF_BREAKER_METRICS_ONLY;
  saved.ramp_left = 10 * HF_S;
  Machine machine(policy);
  machine.engine().Restore(saved, machine.now());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(machine.Acquire().why.code, HF_OK);
  EXPECT_EQ(machine.Read().admitted, 1);
}

TEST(BreakerSaved, RestingStatesAreRestored) {
  for (const hf_breaker_state state :
       {HF_BREAKER_FORCED_OPEN, HF_BREAKER_DISABLED, HF_BREAKER_METRICS_ONLY}) {
    Machine machine(Touchy());
    machine.Force(state);
    Machine next(Touchy());
    next.engine().Restore(machine.engine().Save(machine.now()), next.now());
    EXPECT_EQ(next.state(), state);
  }
}

// --- the journal ---------------------------------------------------------------------------------------------

TEST(BreakerJournal, TellsStatesRefusalsLossesAndUpdatesInOrder) {
  Machine machine(OneProbe());
  machine.Call(kError);
  machine.Refusal();
  machine.Pass(5 * HF_S);
  machine.Permit();
  machine.Pass(30 * HF_S);
  machine.Record(machine.Permit(), kOk);
  machine.engine().Update(OneProbe(), machine.now());
  const std::vector<hf_event_kind> expected = {
      HF_EVENT_KIND_STATE, HF_EVENT_KIND_REFUSED, HF_EVENT_KIND_STATE,  HF_EVENT_KIND_LOST,
      HF_EVENT_KIND_STATE, HF_EVENT_KIND_STATE,   HF_EVENT_KIND_UPDATED};
  const auto& journal = machine.engine().journal();
  ASSERT_EQ(journal.written(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(journal.Newest(expected.size() - 1 - i).kind, expected[i]) << i;
  }
  EXPECT_EQ(journal.Newest(6).before, HF_BREAKER_CLOSED);
  EXPECT_EQ(journal.Newest(6).after, HF_BREAKER_OPEN);
  EXPECT_EQ(journal.Newest(5).reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(journal.Newest(3).after, 1);
  EXPECT_EQ(journal.Newest(0).after, 1);
}

}  // namespace
}  // namespace holdfast::engine
