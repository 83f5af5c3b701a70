// SPDX-License-Identifier: Apache-2.0
// The generated scripts cover what they are there to cover, as the reference plays them.
#include "driver/generated_scripts.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "driver/recording.h"
#include "driver/reference.h"

namespace holdfast::driver_test {
namespace {

// What came up in all scripts together, and how often.
struct Coverage {
  std::map<hf_do, int> actions;
  int canned = 0, timed_attempts = 0, untimed_attempts = 0, comebacks = 0;
  std::map<hf_code, int> codes;  // of attempts
  std::map<std::pair<hf_verdict, hf_effect>, int> classes;
  std::map<std::string, int> pushbacks;
  int refused_outcomes = 0, retried_below = 0;
  std::map<hf_reason, int> reasons;
  hf_events events = 0;
  std::map<FaultKind, int> faults;

  static const Coverage& OfAll() {
    static const Coverage coverage = [] {
      Coverage all;
      for (const Script& script : GeneratedScripts()) all.Add(script);
      return all;
    }();
    return coverage;
  }

 private:
  void Add(const Script& script) {
    Recording recording(script);
    Reference reference(recording);
    reference.Play();
    for (const hf_action& action : reference.actions()) Add(action);
    for (const hf_outcome& outcome : reference.outcomes()) Add(outcome);
    ++reasons[recording.report.reason];
    events |= recording.report.events;
    if (recording.stage.fault) {
      const FaultSnapshot seen = recording.stage.fault.Snapshot(recording.stage.clock.Now());
      faults[FaultKind::kError] += static_cast<int>(seen.errors);
      faults[FaultKind::kDelay] += static_cast<int>(seen.delays);
      faults[FaultKind::kResult] += static_cast<int>(seen.results);
    }
  }

  void Add(const hf_action& action) {
    ++actions[action.kind];
    comebacks += action.kind == HF_DO_FINISH && action.retry_after > 0 ? 1 : 0;
    if (action.kind != HF_DO_ATTEMPT) return;
    canned += action.fault != 0 ? 1 : 0;
    ++(action.until == 0 ? untimed_attempts : timed_attempts);
  }

  void Add(hf_outcome outcome) {
    ++codes[outcome.code];
    if (hf_outcome_derive(&outcome) != HF_OK) {
      ++refused_outcomes;
      return;
    }
    ++classes[{outcome.verdict, outcome.effect}];
    retried_below += outcome.retried > 0 ? 1 : 0;
    ++pushbacks[outcome.retry_after == 0             ? "none"
                : outcome.retry_after == HF_INFINITE ? "never again"
                : outcome.retry_after > 60 * HF_S    ? "hostile"
                                                     : "later"];
  }
};

TEST(GeneratedScripts, AreManyAndTheSameInEveryRun) {
  const std::vector<Script>& scripts = GeneratedScripts();
  const std::vector<Script> again = ScriptGenerator::Generate();
  EXPECT_GE(scripts.size(), 240u);
  ASSERT_EQ(again.size(), scripts.size());
  size_t cancelled = 0;
  for (size_t i = 0; i < scripts.size(); ++i) {
    Recording first(scripts[i]), second(again[i]);
    Reference(first).Play();
    Reference(second).Play();
    ASSERT_EQ(first.Text(), second.Text()) << i;
    cancelled += scripts[i].cancelled_after ? 1 : 0;
  }
  std::printf("%zu scripts, %zu of them with a point of cancellation\n", scripts.size(), cancelled);
}

TEST(GeneratedScripts, CoverEachAction) {
  const Coverage& seen = Coverage::OfAll();
  for (const hf_do kind : {HF_DO_ATTEMPT, HF_DO_SLEEP, HF_DO_WAIT, HF_DO_FINISH}) {
    EXPECT_GE(seen.actions.count(kind), 1u) << kind;
  }
  EXPECT_GE(seen.canned, 3);
  EXPECT_GE(seen.timed_attempts, 10);
  EXPECT_GE(seen.untimed_attempts, 10);
  EXPECT_GE(seen.comebacks, 10);
  for (const FaultKind kind : {FaultKind::kError, FaultKind::kDelay, FaultKind::kResult}) {
    EXPECT_GE(seen.faults.count(kind) ? seen.faults.at(kind) : 0, 5) << static_cast<int>(kind);
  }
}

TEST(GeneratedScripts, CoverEachClassOfOutcome) {
  const Coverage& seen = Coverage::OfAll();
  for (hf_code code = HF_OK; code <= HF_UNAUTHENTICATED; ++code) {
    EXPECT_EQ(seen.codes.count(code), 1u) << hf_code_name(code);
  }
  for (hf_verdict verdict = HF_VERDICT_SUCCESS; verdict <= HF_VERDICT_IGNORED; ++verdict) {
    for (hf_effect effect = HF_EFFECT_FINAL; effect <= HF_EFFECT_NOT_STARTED; ++effect) {
      EXPECT_EQ(seen.classes.count({verdict, effect}), 1u) << verdict << " " << effect;
    }
  }
  for (const char* pushback : {"none", "later", "hostile", "never again"}) {
    EXPECT_EQ(seen.pushbacks.count(pushback), 1u) << pushback;
  }
  EXPECT_GE(seen.refused_outcomes, 3);
  EXPECT_GE(seen.retried_below, 3);
}

// Every reason that the library knows is met, or cannot end a call.
TEST(GeneratedScripts, CoverEachReasonThatACallCanEndWith) {
  const std::map<hf_reason, const char*> kNever = {
      {HF_R_UNSUPPORTED_FIELD, "every driver is compiled with the header it was written for"},
      {HF_R_ZERO_SEED, "drivers draw seeds, and not 0"},
      {HF_R_BAD_STATE, "of a driver that is out of step"},
      {HF_R_BAD_OPTIONS, "of a guard that is made"},
      {HF_R_BUFFER_TOO_SMALL, "of what writes into a buffer"},
      {HF_R_NO_MEMORY, "a call allocates nothing"},
      {HF_R_INTERNAL, "a defect of ours"},
      {HF_R_MALFORMED, "of what is parsed"},
      {HF_R_BAD_PERMIT, "a call keeps its own permits"},
      {HF_R_ATTEMPT_TIMEOUT, "an attempt's end, not a call's"},
      {HF_R_DRAINING, "a server's"},
      {HF_R_FAULT_INJECTED, "of an answer that a driver cannot give; the call ends by its code"},
      {HF_R_REGISTRY_FULL, "of a registry"},
      {HF_R_UPDATE_BUSY, "of an update"},
      {HF_R_CHANGED_SHAPE, "of an update"},
  };
  const Coverage& seen = Coverage::OfAll();
  std::string missing;
  for (hf_reason reason = HF_R_NONE; reason < HF_R_IDEM_BUSY; ++reason) {
    if (std::string(hf_reason_name(reason)) == hf_reason_name(99)) continue;
    const bool met = seen.reasons.count(reason) > 0, explained = kNever.count(reason) > 0;
    if (met == explained) missing += std::string(" ") + hf_reason_name(reason);
  }
  EXPECT_EQ(missing, "");
}

TEST(GeneratedScripts, CoverEachEventOfACall) {
  constexpr hf_events kAll = HF_EVENT_BREAKER_OPENED | HF_EVENT_BREAKER_HALF_OPENED |
                             HF_EVENT_BREAKER_CLOSED | HF_EVENT_BUDGET_REFUSED |
                             HF_EVENT_LATE_RESULT | HF_EVENT_QUEUED | HF_EVENT_FAULT;
  EXPECT_EQ(Coverage::OfAll().events & kAll, kAll) << EventText(Coverage::OfAll().events);
}

TEST(GeneratedScripts, CoverEachPointOfCancellation) {
  std::map<std::tuple<Where, int, bool>, int> seen;
  std::map<Where, int> before;
  int on_the_dot = 0;
  for (const auto& [point, times] : ScriptGenerator::CancelPoints()) {
    if (point.before) {
      before[point.where] += times;
    } else {
      seen[{point.where, point.nth, point.heeded}] += times;
    }
    on_the_dot += point.on_the_dot ? times : 0;
  }
  EXPECT_GE(on_the_dot, 10);
  for (const int nth : {1, 2, 3}) {
    EXPECT_GE((seen[{Where::kAttempt, nth, true}]), 2) << nth;
    EXPECT_GE((seen[{Where::kAttempt, nth, false}]), 2) << nth;
    EXPECT_GE((seen[{Where::kBackoff, nth, false}]), 2) << nth;
    EXPECT_GE((seen[{Where::kBulkhead, nth, false}]), 1) << nth;
  }
  for (const int nth : {1, 2}) {
    EXPECT_GE((seen[{Where::kBehindBreaker, nth, false}]), 1) << nth;
    EXPECT_GE((seen[{Where::kLimiter, nth, false}]), 1) << nth;
    EXPECT_GE((seen[{Where::kDelay, nth, false}]), 1) << nth;
  }
  EXPECT_GE((seen[{Where::kCallLimiter, 1, false}]), 2);
  EXPECT_GE((seen[{Where::kCallBulkhead, 1, false}]), 2);
  // What a caller who gives up before the start would have met first.
  for (const Where where :
       {Where::kAttempt, Where::kBehindBreaker, Where::kCallLimiter, Where::kLimiter,
        Where::kCallBulkhead, Where::kBulkhead, Where::kDelay}) {
    EXPECT_GE(before[where], 2) << static_cast<int>(where);
  }
}

}  // namespace
}  // namespace holdfast::driver_test
