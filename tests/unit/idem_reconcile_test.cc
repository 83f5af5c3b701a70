// SPDX-License-Identifier: Apache-2.0
// What a new owner does who must first find out, and what happens to checkpoints on the way.
#include <gtest/gtest.h>
#include <holdfast/c/idempotency.h>

#include <string>
#include <string_view>

#include "unit/idem_machine.h"

namespace holdfast {
namespace {

using testing::ExpectFinish;
using testing::IdemMachine;

std::string_view BodyOf(const hf_store_request& request) {
  return {request.body.data, request.body.size};
}

TEST(IdemReconcile, WinnerIsToldToFindOutFirstAndHasTheLeaseToDoIt) {
  IdemMachine machine;
  machine.WinToReconcile();
  EXPECT_EQ(machine.action.until, IdemMachine::kStart + 9 * HF_S);
  EXPECT_EQ(machine.action.attempt, 2u);
  EXPECT_EQ(machine.Snapshot().token, IdemMachine::kToken);
  EXPECT_EQ(machine.Snapshot().ran, 0);
}

TEST(IdemReconcile, WorkThatHappenedIsCompletedWithoutRunning) {
  IdemMachine machine;
  machine.WinToReconcile();
  ASSERT_EQ(machine.Reconciled(HF_OK, HF_EFFECT_DERIVE, "found"), HF_OK);
  const hf_store_request request = machine.Asked();
  EXPECT_EQ(request.verb, HF_STORE_COMPLETE);
  EXPECT_EQ(request.token, IdemMachine::kToken);
  EXPECT_EQ(BodyOf(request), "found");
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  ExpectFinish(machine.action, HF_OK, HF_R_NONE);
  EXPECT_EQ(machine.Snapshot().ran, 0);
  EXPECT_EQ(machine.Snapshot().replayed, 0);
}

TEST(IdemReconcile, FoundRefusalIsAResultToo) {
  IdemMachine machine;
  machine.WinToReconcile();
  ASSERT_EQ(machine.Reconciled(HF_NOT_FOUND), HF_OK);
  EXPECT_EQ(machine.Asked().verb, HF_STORE_COMPLETE);
  EXPECT_EQ(machine.Asked().code, HF_NOT_FOUND);
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  ExpectFinish(machine.action, HF_NOT_FOUND, HF_R_NOT_RETRYABLE);
}

TEST(IdemReconcile, OversizeFindIsStoredAsItsDigest) {
  IdemMachine machine;
  machine.options.max_body = 4;
  machine.WinToReconcile();
  ASSERT_EQ(machine.Reconciled(HF_OK, HF_EFFECT_DERIVE, "found"), HF_OK);
  EXPECT_EQ(machine.Asked().truncated, HF_BODY_DIGEST);
  EXPECT_EQ(machine.Asked().body.size, 32u);
}

TEST(IdemReconcile, FindThatCannotBeStoredIsUnknownAndAFencedOneIsTold) {
  IdemMachine machine;
  machine.WinToReconcile();
  ASSERT_EQ(machine.Reconciled(HF_OK), HF_OK);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
  ExpectFinish(machine.action, HF_UNKNOWN, HF_R_STORE_INDETERMINATE);
  IdemMachine fenced;
  fenced.WinToReconcile();
  ASSERT_EQ(fenced.Reconciled(HF_OK), HF_OK);
  ASSERT_EQ(fenced.Reply(HF_STORE_FENCED), HF_OK);
  ExpectFinish(fenced.action, HF_ABORTED, HF_R_IDEM_FENCED);
}

TEST(IdemReconcile, WorkThatDidNotHappenRuns) {
  IdemMachine machine;
  machine.WinToReconcile();
  machine.now += HF_S;
  ASSERT_EQ(machine.Reconciled(HF_NOT_FOUND, HF_EFFECT_NOT_STARTED), HF_OK);
  EXPECT_EQ(machine.action.kind, HF_DO_RUN);
  EXPECT_EQ(machine.action.until, IdemMachine::kStart + 9 * HF_S);
  ASSERT_EQ(machine.Result(HF_OK, HF_EFFECT_DERIVE, "fresh"), HF_OK);
  EXPECT_EQ(BodyOf(machine.Asked()), "fresh");
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  ExpectFinish(machine.action, HF_OK, HF_R_NONE);
  EXPECT_EQ(machine.Snapshot().ran, 1);
}

TEST(IdemReconcile, FindingOutThatTookTheLeaseRenewsItBeforeTheWorkRuns) {
  IdemMachine machine;
  machine.WinToReconcile();
  machine.now += 9 * HF_S;
  ASSERT_EQ(machine.Reconciled(HF_NOT_FOUND, HF_EFFECT_NOT_STARTED), HF_OK);
  ASSERT_EQ(machine.action.kind, HF_DO_STORE);
  EXPECT_EQ(machine.Asked().verb, HF_STORE_RENEW);
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  EXPECT_EQ(machine.action.kind, HF_DO_RUN);
  EXPECT_EQ(machine.action.until, machine.now + 9 * HF_S);
}

TEST(IdemReconcile, NobodyCanTellIsInDoubt) {
  IdemMachine machine;
  machine.WinToReconcile();
  ASSERT_EQ(machine.Reconciled(HF_INTERNAL, HF_EFFECT_AMBIGUOUS, {}, HF_S), HF_OK);
  const hf_store_request request = machine.Asked();
  EXPECT_EQ(request.verb, HF_STORE_FAIL);
  EXPECT_EQ(request.effect, HF_EFFECT_AMBIGUOUS);
  EXPECT_EQ(request.on_expiry, HF_ON_EXPIRY_IN_DOUBT);
  EXPECT_EQ(request.code, HF_INTERNAL);
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  ExpectFinish(machine.action, HF_FAILED_PRECONDITION, HF_R_IDEM_IN_DOUBT);
  EXPECT_EQ(machine.Snapshot().ran, 0);
}

TEST(IdemReconcile, AskAgainLaterLeavesTheKeyToReconcile) {
  IdemMachine machine;
  machine.WinToReconcile();
  ASSERT_EQ(machine.Reconciled(HF_ABORTED, HF_EFFECT_RETRYABLE, {}, 3 * HF_S), HF_OK);
  const hf_store_request request = machine.Asked();
  EXPECT_EQ(request.verb, HF_STORE_FAIL);
  EXPECT_EQ(request.effect, HF_EFFECT_AMBIGUOUS);
  EXPECT_EQ(request.on_expiry, HF_ON_EXPIRY_RECONCILE);
  EXPECT_EQ(request.retry_after, 3 * HF_S);
  ASSERT_EQ(machine.Reply(HF_STORE_FENCED), HF_OK);
  ExpectFinish(machine.action, HF_UNAVAILABLE, HF_R_IDEM_BACKOFF, 3 * HF_S);
}

TEST(IdemReconcile, OldOwnersWordHoldsForWhoWouldSimplyHaveRun) {
  for (const hf_on_expiry own : {HF_ON_EXPIRY_IN_DOUBT, HF_ON_EXPIRY_TAKEOVER}) {
    IdemMachine machine;
    machine.options.on_expiry = own;
    machine.WinToReconcile();
    ASSERT_EQ(machine.Reconciled(HF_NOT_FOUND, HF_EFFECT_NOT_STARTED), HF_OK);
    ASSERT_EQ(machine.Result(HF_UNAVAILABLE, HF_EFFECT_AMBIGUOUS), HF_OK);
    EXPECT_EQ(machine.Asked().on_expiry, HF_ON_EXPIRY_RECONCILE);
    ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
    ExpectFinish(machine.action, HF_UNAVAILABLE, HF_R_IDEM_BACKOFF);
  }
}

TEST(IdemReconcile, KeyThatCannotBeAskedAboutInTimeIsGivenBackToBeReconciled) {
  IdemMachine late;
  late.options.deadline = IdemMachine::kStart + HF_S;
  ASSERT_EQ(late.Start(), HF_OK);
  late.now += 2 * HF_S;
  ASSERT_EQ(late.Reply(HF_STORE_RECONCILE), HF_OK);
  EXPECT_EQ(late.Asked().verb, HF_STORE_FAIL);
  EXPECT_EQ(late.Asked().effect, HF_EFFECT_AMBIGUOUS);
  EXPECT_EQ(late.Asked().on_expiry, HF_ON_EXPIRY_RECONCILE);
  ASSERT_EQ(late.Reply(HF_STORE_OK), HF_OK);
  ExpectFinish(late.action, HF_DEADLINE_EXCEEDED, HF_R_DEADLINE);
}

TEST(IdemReconcile, OldLeaseIsRenewedBeforeAsking) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  machine.now += 9 * HF_S;
  ASSERT_EQ(machine.Reply(HF_STORE_RECONCILE), HF_OK);
  EXPECT_EQ(machine.Asked().verb, HF_STORE_RENEW);
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  EXPECT_EQ(machine.action.kind, HF_DO_RECONCILE);
}

TEST(IdemReconcile, AbortWhileReconcilingLeavesTheKeyToReconcileAgain) {
  for (const std::string_view checkpoint : {"", "half"}) {
    IdemMachine machine;
    machine.WinToReconcile(checkpoint);
    hf_store_request request{};
    ASSERT_EQ(hf_idem_abort(&machine.idem, machine.now, &request), 1);
    EXPECT_EQ(request.verb, HF_STORE_FAIL);
    EXPECT_EQ(request.effect, HF_EFFECT_AMBIGUOUS);
    EXPECT_EQ(request.on_expiry, HF_ON_EXPIRY_RECONCILE);
    EXPECT_EQ(request.code, HF_CANCELLED);
    EXPECT_EQ(machine.Snapshot().ran, 0);
  }
}

TEST(IdemReconcile, RenewalAndCheckpointAreAllowedOneAtATime) {
  IdemMachine machine;
  machine.WinToReconcile();
  hf_store_request request{};
  hf_store_reply ok{};
  ok.status = HF_STORE_OK;
  ASSERT_EQ(hf_idem_renew(&machine.idem, machine.now, &request), HF_OK);
  EXPECT_EQ(hf_idem_checkpoint(&machine.idem, "a", 1, machine.now, &request), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_checkpointed(&machine.idem, &ok, machine.now), HF_INVALID_ARGUMENT);
  hf_time until = 0;
  ASSERT_EQ(hf_idem_on_renewed(&machine.idem, &ok, machine.now, &until), HF_OK);
  ASSERT_EQ(hf_idem_checkpoint(&machine.idem, "a", 1, machine.now, &request), HF_OK);
  EXPECT_EQ(request.verb, HF_STORE_CHECKPOINT);
  EXPECT_EQ(request.token, IdemMachine::kToken);
  EXPECT_EQ(BodyOf(request), "a");
  EXPECT_EQ(hf_idem_renew(&machine.idem, machine.now, &request), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_renewed(&machine.idem, &ok, machine.now, &until), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_checkpointed(&machine.idem, &ok, machine.now), HF_OK);
}

TEST(IdemReconcile, RenewalUnderWayOutlivesTheFinding) {
  IdemMachine machine;
  machine.WinToReconcile();
  hf_store_request request{};
  ASSERT_EQ(hf_idem_renew(&machine.idem, machine.now, &request), HF_OK);
  ASSERT_EQ(machine.Reconciled(HF_NOT_FOUND, HF_EFFECT_NOT_STARTED), HF_OK);
  ASSERT_EQ(machine.action.kind, HF_DO_RUN);
  hf_store_reply ok{};
  ok.status = HF_STORE_OK;
  hf_time until = 0;
  EXPECT_EQ(hf_idem_on_renewed(&machine.idem, &ok, machine.now, &until), HF_OK);
}

TEST(IdemCheckpoint, AnswersAreToldApart) {
  struct Row {
    hf_store_status status;
    hf_code code;
  };
  for (const Row& row :
       {Row{HF_STORE_OK, HF_OK}, Row{HF_STORE_FENCED, HF_ABORTED},
        Row{HF_STORE_INDETERMINATE, HF_UNKNOWN}, Row{HF_STORE_UNAVAILABLE, HF_UNAVAILABLE},
        Row{HF_STORE_LOCKED, HF_UNAVAILABLE}, Row{HF_STORE_OVERLOADED, HF_RESOURCE_EXHAUSTED},
        Row{HF_STORE_FULL, HF_RESOURCE_EXHAUSTED}, Row{HF_STORE_CORRUPT, HF_DATA_LOSS}}) {
    IdemMachine machine;
    machine.Win();
    hf_store_request request{};
    ASSERT_EQ(hf_idem_checkpoint(&machine.idem, "half", 4, machine.now, &request), HF_OK);
    EXPECT_EQ(machine.Checkpointed(HF_STORE_REPLAY), HF_INVALID_ARGUMENT);
    EXPECT_EQ(machine.Checkpointed(row.status), row.code) << row.status;
    EXPECT_EQ(machine.Checkpointed(row.status), HF_INVALID_ARGUMENT) << "taken in twice";
    const bool fenced = row.status == HF_STORE_FENCED;
    EXPECT_EQ(machine.Snapshot().lease_until,
              fenced ? machine.now : IdemMachine::kStart + 9 * HF_S);
    EXPECT_EQ(hf_idem_checkpoint(&machine.idem, nullptr, 0, machine.now, &request), HF_OK);
  }
}

TEST(IdemCheckpoint, SizeIsLimitedAndItsTimeIsTheWorks) {
  IdemMachine machine;
  hf_store_request request{};
  const std::string most(HF_IDEM_CHECKPOINT_MAX, 'x');
  ASSERT_EQ(machine.Start(), HF_OK);
  EXPECT_EQ(hf_idem_checkpoint(&machine.idem, "a", 1, machine.now, &request), HF_INVALID_ARGUMENT);
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  const std::string more = most + "x";
  EXPECT_EQ(hf_idem_checkpoint(&machine.idem, more.data(), more.size(), machine.now, &request),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_checkpoint(&machine.idem, nullptr, 1, machine.now, &request),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_checkpoint(&machine.idem, "a", 1, -1, &request), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_checkpoint(&machine.idem, most.data(), most.size(), machine.now, &request),
            HF_OK);
  ASSERT_EQ(machine.Result(HF_OK), HF_OK);
  EXPECT_EQ(machine.Checkpointed(HF_STORE_OK), HF_INVALID_ARGUMENT) << "the result came first";
}

// Where NOT_STARTED follows a checkpoint, forgetting the record would run what is done a second time.
TEST(IdemCheckpoint, WorkThatDidNotStartAgainKeepsWhatIsThere) {
  IdemMachine resumed;
  ASSERT_EQ(resumed.Start(), HF_OK);
  hf_store_reply won{};
  won.status = HF_STORE_WON;
  won.token = IdemMachine::kToken;
  won.attempt = 2;
  won.body = {"half", 4};
  ASSERT_EQ(resumed.Reply(won), HF_OK);
  ASSERT_EQ(resumed.Result(HF_UNAVAILABLE, HF_EFFECT_NOT_STARTED, {}, HF_S), HF_OK);
  EXPECT_EQ(resumed.Asked().verb, HF_STORE_FAIL);
  EXPECT_EQ(resumed.Asked().effect, HF_EFFECT_RETRYABLE);
  EXPECT_EQ(resumed.Asked().retry_after, 0);
  ASSERT_EQ(resumed.Reply(HF_STORE_OK), HF_OK);
  ExpectFinish(resumed.action, HF_UNAVAILABLE, HF_R_NONE, HF_S);
  for (const hf_store_status status :
       {HF_STORE_OK, HF_STORE_INDETERMINATE, HF_STORE_FENCED, HF_STORE_FULL}) {
    IdemMachine machine;
    machine.Win();
    hf_store_request request{};
    ASSERT_EQ(hf_idem_checkpoint(&machine.idem, "half", 4, machine.now, &request), HF_OK);
    machine.Checkpointed(status);
    ASSERT_EQ(machine.Result(HF_UNAVAILABLE, HF_EFFECT_NOT_STARTED), HF_OK);
    const bool may_be_there = status == HF_STORE_OK || status == HF_STORE_INDETERMINATE;
    EXPECT_EQ(machine.Asked().verb, may_be_there ? HF_STORE_FAIL : HF_STORE_ABANDON);
  }
}

TEST(IdemSpill, ResultElsewhereIsStoredAsAReference) {
  for (const bool reconciles : {false, true}) {
    IdemMachine machine;
    reconciles ? machine.WinToReconcile() : machine.Win();
    ASSERT_EQ(machine.Spilled(HF_OK, "s3://bucket/7"), HF_OK);
    EXPECT_EQ(machine.Asked().verb, HF_STORE_COMPLETE);
    EXPECT_EQ(machine.Asked().truncated, HF_BODY_REFERENCE);
    EXPECT_EQ(BodyOf(machine.Asked()), "s3://bucket/7");
    ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
    ExpectFinish(machine.action, HF_OK, HF_R_IDEM_OVERSIZE);
    EXPECT_EQ(machine.Snapshot().truncated, HF_BODY_REFERENCE);
    EXPECT_EQ(machine.Snapshot().ran, reconciles ? 0 : 1);
  }
}

TEST(IdemSpill, WhatIsNotAReferenceIsRefusedAndTheResultCanStillBeGiven) {
  IdemMachine machine;
  machine.options.max_body = 4;
  ASSERT_EQ(machine.Start(), HF_OK);
  EXPECT_EQ(machine.Spilled(HF_OK, "ab"), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.action.reason, HF_R_BAD_STATE);
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  EXPECT_EQ(machine.Spilled(HF_OK, "abcde"), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.Spilled(HF_OK, std::string_view("", 0)), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.Spilled(HF_UNAVAILABLE, "ab"), HF_INVALID_ARGUMENT) << "not final";
  EXPECT_EQ(machine.action.reason, HF_R_OUT_OF_RANGE);
  EXPECT_EQ(machine.Spilled(HF_OK, std::string_view()), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.action.reason, HF_R_NULL_ARGUMENT);
  ASSERT_EQ(machine.Result(HF_OK, HF_EFFECT_DERIVE, "abcde"), HF_OK);
  EXPECT_EQ(machine.Asked().truncated, HF_BODY_DIGEST);
}

TEST(IdemSpill, ReplayTellsWhatTheBodyIs) {
  for (const uint32_t kind : {HF_BODY_WHOLE, HF_BODY_DIGEST, HF_BODY_REFERENCE, 3u}) {
    IdemMachine machine;
    ASSERT_EQ(machine.Start(), HF_OK);
    hf_store_reply reply{};
    reply.status = HF_STORE_REPLAY;
    reply.truncated = kind;
    if (kind > HF_BODY_REFERENCE) {
      EXPECT_EQ(machine.Reply(reply), HF_INVALID_ARGUMENT);
      continue;
    }
    ASSERT_EQ(machine.Reply(reply), HF_OK);
    ExpectFinish(machine.action, HF_OK, kind == HF_BODY_WHOLE ? HF_R_NONE : HF_R_IDEM_OVERSIZE);
    EXPECT_EQ(machine.Snapshot().truncated, kind);
  }
}

}  // namespace
}  // namespace holdfast
