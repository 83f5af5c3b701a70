// SPDX-License-Identifier: Apache-2.0
// RunOnce with callbacks: results, replays, words that never come, cancellation at each step, and no thread blocked.
#include <gtest/gtest.h>
#include <holdfast/idempotency.h>
#include <holdfast/memory/store.h>
#include <holdfast/run_once_async.h>
#include <holdfast/steady_timers.h>
#include <holdfast/testing/scripted_store.h>
#include <holdfast/testing/virtual_clock.h>
#include <holdfast/testing/virtual_timers.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "store/requests.h"
#include "store/submitting_store.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;
using testing::Cue;
using testing::ScriptedStore;
using testing::SubmittingStore;
using Result = absl::StatusOr<RunOnceResult>;

class RunOnceAsyncTest : public ::testing::Test {
 protected:
  RunOnceOptions Options() {
    RunOnceOptions options{.request = "request"};
    options.clock = &clock;
    options.report = &report;
    return options;
  }
  template <class Work>
  AsyncCall Start(std::optional<Result>& got, const RunOnceOptions& options, Work work,
                  AsyncReconcile reconcile = nullptr) {
    return RunOnceAsync(
        *store, timers, {.operation = "charge", .key = "order-7"}, options, std::move(work),
        [&got](Result result) {
          EXPECT_FALSE(got.has_value()) << "called twice";
          got = std::move(result);
        },
        std::move(reconcile));
  }
  // To the end of time, over a store that answers by itself.
  template <class Work>
  Result Run(Work work) {
    std::optional<Result> got;
    Start(got, Options(), std::move(work));
    while (clock.RunNext()) {
    }
    return got.value();
  }
  Result RunOk() {
    return Run([](AsyncTicket&, FinishWork finish) { finish("done"); });
  }
  // What a duplicate is told, by another form of the same session.
  hf_reason Duplicate() {
    RunOnceOptions options = Options();
    options.report = nullptr;
    const Result result = RunOnce(*memory, {.operation = "charge", .key = "order-7"}, options,
                                  [](Ticket&) -> absl::Status { return absl::OkStatus(); });
    return ReasonOf(result);
  }
  static hf_reason ReasonOf(const Result& result) {
    const auto rejection = RejectionOf(result.status());
    return rejection ? rejection->reason : HF_R_NONE;
  }

  testing::VirtualClock clock;
  testing::VirtualTimers timers{clock};
  testing::StoreClock store_clock;
  std::unique_ptr<memory::Store> memory =
      memory::Store::Create({.clock = store_clock.Function()}).value();
  Store* store = memory.get();
  RunOnceReport report;
};

TEST_F(RunOnceAsyncTest, RunsAndReplays) {
  EXPECT_EQ(RunOk()->body, "done");
  EXPECT_TRUE(report.ran);
  const Result second = Run([](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); });
  EXPECT_EQ(second->body, "done");
  EXPECT_TRUE(second->replayed);
}

TEST_F(RunOnceAsyncTest, AStoreThatBlocksIsOnlyAskedWithSubmit) {
  for (const auto answers :
       {SubmittingStore::Answers::kAtOnce, SubmittingStore::Answers::kOnDemand}) {
    memory = memory::Store::Create({.clock = store_clock.Function()}).value();
    SubmittingStore submitting(*memory, answers);
    store = &submitting;
    std::optional<Result> got;
    std::optional<FinishWork> finish;
    Start(got, Options(), [&](AsyncTicket& ticket, FinishWork given) {
      ticket.Renew([](const absl::Status& status) { EXPECT_TRUE(status.ok()); });
      submitting.AnswerAll();
      ticket.Checkpoint("half", [](const absl::Status& status) { EXPECT_TRUE(status.ok()); });
      finish = std::move(given);
    });
    submitting.AnswerAll();
    ASSERT_TRUE(finish.has_value());
    EXPECT_FALSE(got.has_value());
    (*finish)("late");
    submitting.AnswerAll();
    EXPECT_EQ(got.value()->body, "late");
    EXPECT_EQ(submitting.submitted, 4);
    EXPECT_EQ(submitting.executed, 0);
  }
}

TEST_F(RunOnceAsyncTest, AStoreThatBlocksAndHasNoSubmitIsRefused) {
  class Blocking final : public Store {
   public:
    StoreReply Execute(const StoreRequest&, Duration) override { return {}; }
    Guarantee guarantee() const override { return {}; }
  } blocking;
  store = &blocking;
  EXPECT_EQ(ReasonOf(RunOk()), HF_R_BAD_OPTIONS);
}

TEST_F(RunOnceAsyncTest, FunctionsThatBlockAreRefused) {
  std::optional<Result> got;
  RunOnceOptions options = Options();
  options.reconcile = [](Ticket&) { return Finding::Unknown(); };
  Start(got, options, [](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); });
  EXPECT_EQ(ReasonOf(*got), HF_R_BAD_OPTIONS);
}

TEST_F(RunOnceAsyncTest, OnlyTheFirstWordCounts) {
  const Result result = Run([](AsyncTicket&, const FinishWork& finish) {
    finish("one");
    finish("two");
    finish(absl::UnavailableError("three"));
  });
  EXPECT_EQ(result->body, "one");
}

TEST_F(RunOnceAsyncTest, WorkThatEndsWithoutAWordIsInDoubt) {
  const Result result = Run([](AsyncTicket&, const FinishWork&) {});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(Duplicate(), HF_R_IDEM_IN_DOUBT);
}

TEST_F(RunOnceAsyncTest, WorkThatThrowsIsSettledAsItSaidBefore) {
  const Result result = Run([](AsyncTicket& ticket, const FinishWork&) {
    ticket.SetEffect(HF_EFFECT_NOT_STARTED);
    throw std::runtime_error("no");
  });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(Duplicate(), HF_R_NONE);
}

TEST_F(RunOnceAsyncTest, AnAnswerHasItsOwnCodeAndBody) {
  for (const bool replayed : {false, true}) {
    const Result result = Run([](AsyncTicket&, const FinishAnswer& finish) {
      finish(Answer{.outcome = OutcomeOfCode(HF_NOT_FOUND), .body = "details"});
    });
    EXPECT_EQ(result->code, absl::StatusCode::kNotFound);
    EXPECT_EQ(result->body, "details");
    EXPECT_EQ(result->replayed, replayed);
  }
}

TEST_F(RunOnceAsyncTest, ADuplicateIsBusyOrWaits) {
  std::optional<Result> first, busy, patient;
  std::optional<FinishWork> finish;
  Start(first, Options(), [&](AsyncTicket&, FinishWork given) { finish = std::move(given); });
  const auto never = [](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); };
  Start(busy, Options(), never);
  EXPECT_EQ(ReasonOf(busy.value()), HF_R_IDEM_BUSY);
  RunOnceOptions options = Options();
  options.max_wait = 10s;
  Start(patient, options, never);
  clock.After(50ms, [&] { (*finish)("slow"); });
  while (clock.RunNext()) {
  }
  EXPECT_EQ(first.value()->body, "slow");
  EXPECT_TRUE(patient.value()->replayed);
}

TEST_F(RunOnceAsyncTest, WhoWaitsLongEnoughIsToldBusy) {
  std::optional<Result> first, patient;
  std::optional<FinishWork> finish;
  Start(first, Options(), [&](AsyncTicket&, FinishWork given) { finish = std::move(given); });
  RunOnceOptions options = Options();
  options.max_wait = 1s;
  const hf_time before = clock.Now();
  Start(patient, options, [](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); });
  while (clock.RunNext()) {
  }
  EXPECT_EQ(ReasonOf(patient.value()), HF_R_IDEM_BUSY);
  EXPECT_EQ(clock.Now() - before, HF_S);
  (*finish)("x");
}

TEST_F(RunOnceAsyncTest, CancelledBeforeTheClaimIsAnsweredItIsGivenBack) {
  SubmittingStore submitting(*memory, SubmittingStore::Answers::kOnDemand);
  store = &submitting;
  std::optional<Result> got;
  const AsyncCall call =
      Start(got, Options(), [](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); });
  call.Cancel();
  EXPECT_FALSE(got.has_value()) << "a request under way may have happened";
  submitting.AnswerOne();
  EXPECT_FALSE(got.has_value()) << "the claim is still to be given back";
  submitting.AnswerOne();
  EXPECT_EQ(ReasonOf(got.value()), HF_R_ABORTED);
  EXPECT_EQ(Duplicate(), HF_R_NONE);
  call.Cancel();
}

TEST_F(RunOnceAsyncTest, CancelledWhileItWaitsItEndsAtOnce) {
  std::optional<Result> first, patient;
  std::optional<FinishWork> finish;
  Start(first, Options(), [&](AsyncTicket&, FinishWork given) { finish = std::move(given); });
  RunOnceOptions options = Options();
  options.max_wait = 10s;
  const AsyncCall call =
      Start(patient, options, [](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); });
  EXPECT_EQ(timers.size(), 1u);
  call.Cancel();
  EXPECT_EQ(ReasonOf(patient.value()), HF_R_ABORTED);
  EXPECT_EQ(timers.size(), 0u);
  (*finish)("x");
  EXPECT_TRUE(first->ok()) << "the holder never noticed";
}

TEST_F(RunOnceAsyncTest, CancelledInTheWorkTheWorkIsToldAndHasTheLastWord) {
  std::optional<Result> got;
  std::optional<FinishWork> finish;
  AsyncTicket* ticket = nullptr;
  const AsyncCall call = Start(got, Options(), [&](AsyncTicket& given, FinishWork word) {
    ticket = &given;
    finish = std::move(word);
  });
  EXPECT_FALSE(ticket->stop_requested());
  call.Cancel();
  EXPECT_TRUE(ticket->stop_requested());
  (*finish)("happened all the same");
  EXPECT_EQ(got.value()->body, "happened all the same");
}

TEST_F(RunOnceAsyncTest, CompletingIsTriedAgainAlthoughCancelled) {
  ScriptedStore scripted(*memory);
  store = &scripted;
  std::optional<Result> got;
  std::optional<FinishWork> finish;
  const AsyncCall call =
      Start(got, Options(), [&](AsyncTicket&, FinishWork given) { finish = std::move(given); });
  scripted.Script({Cue::Refuse(), Cue::Refuse()});
  (*finish)("done");
  call.Cancel();
  while (clock.RunNext()) {
  }
  EXPECT_EQ(got.value()->body, "done");
  EXPECT_EQ(scripted.verbs(), "claim complete complete complete");
}

TEST_F(RunOnceAsyncTest, AReconcilerAnswersWithACallbackToo) {
  RunOnceOptions options = Options();
  options.on_expiry = OnExpiry::kReconcile;
  const auto never = [](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); };
  const auto claim = testing::Claim("", 1);  // an owner that dies
  hf_store_request dead = claim;
  const hf_str none{}, operation{"charge", 6}, key{"order-7", 7};
  hf_idem_key_id(&none, &none, &operation, &key, dead.key_id);
  dead.on_expiry = HF_ON_EXPIRY_RECONCILE;
  ASSERT_EQ(memory->Execute(dead, Duration{0}).raw.status, HF_STORE_WON);
  store_clock.Advance(20 * HF_S);

  std::optional<Result> silent, knows;
  Start(silent, options, never, [](AsyncTicket&, const FinishReconcile&) {});
  EXPECT_EQ(ReasonOf(silent.value()), HF_R_IDEM_IN_DOUBT);
  std::optional<FinishReconcile> finish;
  Start(knows, options, never,
        [&](AsyncTicket&, FinishReconcile given) { finish = std::move(given); });
  ASSERT_TRUE(finish.has_value()) << "a reconciler without a word leaves the record to the next";
  (*finish)(Finding::Happened("known"));
  EXPECT_EQ(knows.value()->body, "known");
  EXPECT_TRUE(report.reconciled);
}

TEST_F(RunOnceAsyncTest, TimersThatEndTakeTheCallWithThem) {
  std::optional<Result> first, patient;
  std::optional<FinishWork> finish;
  Start(first, Options(), [&](AsyncTicket&, FinishWork given) { finish = std::move(given); });
  {
    testing::VirtualTimers doomed(clock);
    RunOnceOptions options = Options();
    options.max_wait = 10s;
    RunOnceAsync(
        *store, doomed, {.operation = "charge", .key = "order-7"}, options,
        [](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); },
        [](const Result&) { ADD_FAILURE(); });
  }
  (*finish)("x");
  EXPECT_TRUE(first->ok());
}

TEST_F(RunOnceAsyncTest, TimersThatEndSettleTheCallThoughSomebodyKeepsItsHandle) {
  ScriptedStore scripted(*memory);
  store = &scripted;
  std::optional<AsyncCall> kept;
  {
    testing::VirtualTimers doomed(clock);
    scripted.Script({Cue::Pass(), Cue::Refuse()});
    kept = RunOnceAsync(
        *store, doomed, {.operation = "charge", .key = "order-7"}, Options(),
        [](AsyncTicket&, const FinishWork& finish) { finish("done"); },
        [](const Result&) { ADD_FAILURE(); });
    EXPECT_EQ(scripted.verbs(), "claim complete") << "pauses, and has yet to complete";
  }
  EXPECT_EQ(scripted.verbs(), "claim complete complete") << "and not with the last handle";
  kept->Cancel();
  kept.reset();
  EXPECT_EQ(scripted.verbs(), "claim complete complete");
}

TEST(SteadyTimersTest, RingsForRealAndEndsWhatIsLeft) {
  const auto store = memory::Store::Create().value();
  const auto timers = SteadyTimers::Create().value();
  std::optional<FinishWork> finish;
  std::promise<Result> first, second;
  RunOnceAsync(
      *store, *timers, {.key = "k"}, {.request = "r"},
      [&](AsyncTicket&, FinishWork given) { finish = std::move(given); },
      [&](Result result) { first.set_value(std::move(result)); });
  RunOnceAsync(
      *store, *timers, {.key = "k"}, {.request = "r", .max_wait = 20ms},
      [](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); },
      [&](Result result) { second.set_value(std::move(result)); });
  EXPECT_EQ(second.get_future().get().status().code(), absl::StatusCode::kAborted);
  (*finish)("x");
  EXPECT_TRUE(first.get_future().get().ok());
}

}  // namespace
}  // namespace holdfast
