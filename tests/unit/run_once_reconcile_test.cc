// SPDX-License-Identifier: Apache-2.0
// RunOnce where an attempt ended without a word: what the reconciler says becomes of the record, and checkpoints.
#include <gtest/gtest.h>
#include <holdfast/idempotency.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "unit/run_once_world.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;
using testing::Cue;
using testing::RunOnceWorld;
using Body = absl::StatusOr<std::string>;

class Reconcile : public RunOnceWorld {
 protected:
  RunOnceOptions Options(std::function<Finding(Ticket&)> reconcile) {
    RunOnceOptions options = RunOnceWorld::Options();
    options.on_expiry = OnExpiry::kReconcile;
    options.reconcile = std::move(reconcile);
    options.lease = 10s;
    return options;
  }
  // An attempt that dies after `checkpoint`, and its lease is over.
  void Die(std::string_view checkpoint = {}) {
    store_.Script({Cue::Pass()});
    if (!checkpoint.empty()) store_.Script({Cue::Pass()});
    store_.Script({Cue::Refuse(), Cue::Refuse(), Cue::Refuse(), Cue::Refuse(), Cue::Refuse(),
                   Cue::Refuse(), Cue::Refuse()});
    const RunOnceOptions options = Options([](Ticket&) { return Finding::Unknown(); });
    Run(options, [&](Ticket& ticket) -> Body {
      EXPECT_TRUE(checkpoint.empty() || ticket.Checkpoint(checkpoint).ok());
      return "never stored";
    }).IgnoreError();
    Pass(20s);
    runs_ = 0;
  }
};

TEST_F(Reconcile, WhatHappenedIsStoredAndReplayedAndTheWorkDoesNotRun) {
  Die();
  const auto result = Run(Options([](Ticket& ticket) {
                            EXPECT_EQ(ticket.attempt(), 2u);
                            return Finding::Happened("charged");
                          }),
                          [](Ticket&) -> Body { return "again"; });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->body, "charged");
  EXPECT_TRUE(result->replayed);
  EXPECT_TRUE(report_.reconciled);
  EXPECT_FALSE(report_.ran);
  EXPECT_EQ(RunOk("again")->body, "charged");
  EXPECT_FALSE(report_.reconciled);
  EXPECT_EQ(runs_, 0);
}

TEST_F(Reconcile, ARefusalFoundIsTheResult) {
  Die();
  const auto refused =
      Options([](Ticket&) { return Finding::Refused(absl::NotFoundError("no such card")); });
  for (int i = 0; i < 2; ++i) {
    const auto result = Run(refused, [](Ticket&) -> Body { return "x"; });
    EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(result.status().message(), "no such card");
  }
  EXPECT_EQ(runs_, 0);
}

TEST_F(Reconcile, WhatDidNotHappenRunsNowFromItsCheckpoint) {
  Die("step 2");
  const auto result = Run(Options([](Ticket& ticket) {
                            EXPECT_EQ(ticket.checkpoint(), "step 2");
                            EXPECT_TRUE(ticket.Renew().ok());
                            return Finding::NotHappened();
                          }),
                          [](Ticket& ticket) -> Body {
                            EXPECT_EQ(ticket.checkpoint(), "step 2");
                            EXPECT_EQ(ticket.attempt(), 2u);
                            return "done";
                          });
  EXPECT_EQ(result->body, "done");
  EXPECT_FALSE(result->replayed);
  EXPECT_TRUE(report_.ran);
  EXPECT_EQ(runs_, 1);
}

TEST_F(Reconcile, WhatNobodyKnowsIsInDoubtForGood) {
  Die();
  int asked = 0;
  const auto options = Options([&](Ticket&) {
    ++asked;
    return Finding::Unknown();
  });
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ReasonOf(Run(options, [](Ticket&) -> Body { return "x"; })), HF_R_IDEM_IN_DOUBT);
  }
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(runs_, 0);
}

TEST_F(Reconcile, WhatIsNotKnownYetIsAskedAgainAfterItsTime) {
  Die();
  int asked = 0;
  const auto options = Options(
      [&](Ticket&) { return ++asked == 1 ? Finding::AskAgain(30s) : Finding::Happened("late"); });
  const auto work = [](Ticket&) -> Body { return "x"; };
  const auto first = Run(options, work);
  EXPECT_EQ(ReasonOf(first), HF_R_IDEM_BACKOFF);
  EXPECT_EQ(RejectionOf(first.status())->retry_after, 30s);
  EXPECT_EQ(ReasonOf(Run(options, work)), HF_R_IDEM_BUSY);
  Pass(30s);
  EXPECT_EQ(Run(options, work)->body, "late");
  EXPECT_EQ(runs_, 0);
}

TEST_F(Reconcile, AReconcilerThatThrowsLeavesTheRecordToTheNextOne) {
  Die();
  const auto work = [](Ticket&) -> Body { return "x"; };
  const auto throws = Options([](Ticket&) -> Finding { throw std::runtime_error("no"); });
  EXPECT_THROW(Run(throws, work).IgnoreError(), std::runtime_error);
  EXPECT_EQ(Run(Options([](Ticket&) { return Finding::Happened("y"); }), work)->body, "y");
}

TEST_F(Reconcile, WhatTheReconcilerSaidOfItselfIsNoWordOnTheWork) {
  const std::function<void(Ticket&)> words[] = {
      [](Ticket& ticket) { ticket.SetEffect(HF_EFFECT_NOT_STARTED); },
      [](Ticket& ticket) { EXPECT_FALSE(ticket.Reserve(100).ok()); }};
  for (const auto& word : words) {
    key_ += "x";
    Die();
    RunOnceOptions options = Options([&](Ticket& ticket) {
      word(ticket);
      return Finding::NotHappened();
    });
    options.max_body = 10;
    options.oversize = Oversize::kRefuse;
    const auto broken = [](Ticket&) -> Body { throw std::runtime_error("after the effect"); };
    EXPECT_THROW(Run(options, broken).IgnoreError(), std::runtime_error);
    runs_ = 0;
    const auto next = Run(Options([](Ticket&) { return Finding::Unknown(); }),
                          [](Ticket&) -> Body { return "a second time"; });
    EXPECT_EQ(ReasonOf(next), HF_R_IDEM_IN_DOUBT);
    EXPECT_EQ(runs_, 0);
  }
}

TEST_F(Reconcile, WhoHasNoReconcilerLeavesTheRecordToWhoHas) {
  Die();
  EXPECT_EQ(ReasonOf(RunOk()), HF_R_IDEM_IN_DOUBT);
  EXPECT_EQ(runs_, 0);
  const auto options = Options([](Ticket&) { return Finding::Happened("known"); });
  EXPECT_EQ(Run(options, [](Ticket&) -> Body { return "x"; })->body, "known");
}

TEST_F(Reconcile, KReconcileNeedsAReconciler) {
  EXPECT_EQ(ReasonOf(Run(Options(nullptr), [](Ticket&) -> Body { return "x"; })), HF_R_BAD_OPTIONS);
  EXPECT_EQ(store_.verbs(), "");
}

TEST_F(Reconcile, AnOversizeFindingIsSpilledToo) {
  Die();
  RunOnceOptions options = Options([](Ticket&) { return Finding::Happened("0123456789"); });
  options.max_body = 9;
  options.oversize = Oversize::kSpill;
  options.spill = [](Ticket&, std::string_view body) -> Body {
    return "at:" + std::string(body, 0, 1);
  };
  EXPECT_EQ(Run(options, [](Ticket&) -> Body { return "x"; })->stored_as, StoredAs::kReference);
  EXPECT_EQ(RunOk()->body, "at:0");
}

TEST_F(Reconcile, ACheckpointSurvivesAFailureThatMayBeTriedAgain) {
  RunOnceOptions options = RunOnceWorld::Options();
  options.on_expiry = kIdempotentDownstream;
  Run(options, [](Ticket& ticket) -> Body {
    EXPECT_EQ(ticket.checkpoint(), "");
    EXPECT_TRUE(ticket.Checkpoint("one").ok());
    EXPECT_TRUE(ticket.Checkpoint("two").ok());
    return absl::UnavailableError("down");
  }).IgnoreError();
  Run(options, [](Ticket& ticket) -> Body {
    EXPECT_EQ(ticket.checkpoint(), "two");
    return "done";
  }).IgnoreError();
  EXPECT_EQ(runs_, 2);
}

TEST_F(Reconcile, ACheckpointThatIsRefusedSaysWhy) {
  RunOnceOptions options = RunOnceWorld::Options();
  options.on_expiry = OnExpiry::kTakeover;
  Run(options, [&](Ticket& ticket) -> Body {
    const auto reason = [&](std::string_view bytes) {
      return RejectionOf(ticket.Checkpoint(bytes))->reason;
    };
    EXPECT_EQ(reason(std::string(65537, 'x')), HF_R_OUT_OF_RANGE);
    store_.Script({Cue::Refuse(), Cue::Refuse(HF_STORE_FULL), Cue::LoseRequest()});
    EXPECT_EQ(reason("x"), HF_R_STORE_UNAVAILABLE);
    EXPECT_EQ(reason("x"), HF_R_STORE_FULL);
    EXPECT_EQ(reason("x"), HF_R_STORE_INDETERMINATE);
    Pass(60s);
    Run(options, [](Ticket&) -> Body { return "successor's"; }).IgnoreError();
    EXPECT_EQ(reason("x"), HF_R_IDEM_FENCED);
    EXPECT_TRUE(ticket.stop_requested());
    return "zombie's";
  }).IgnoreError();
}

}  // namespace
}  // namespace holdfast
