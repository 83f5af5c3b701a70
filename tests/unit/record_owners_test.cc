// SPDX-License-Identifier: Apache-2.0
// The rows of c/record.h about who comes next: checkpoints, reconciling, labels, release by force.
#include <gtest/gtest.h>
#include <holdfast/c/record.h>

#include <string>
#include <string_view>

#include "store/requests.h"
#include "unit/record_cell.h"

namespace holdfast {
namespace {

using testing::Cell;
using testing::Checkpoint;
using testing::Claim;
using testing::Complete;
using testing::Fail;
using testing::kKey;
using testing::kLease;
using testing::kTtl;
using testing::Release;

constexpr hf_on_expiry kReconcile = HF_ON_EXPIRY_RECONCILE;

std::string_view BodyOf(const hf_store_reply& reply) { return {reply.body.data, reply.body.size}; }

TEST(RecordOwners, CheckpointReplacesTheLastAndKeepsTheLease) {
  Cell cell;
  const uint64_t token = cell.Win(1);
  const int64_t lease_until = cell.record.lease_until;
  cell.now += HF_S;
  EXPECT_EQ(cell.StatusOf(Checkpoint(kKey, token, "first")), HF_STORE_OK);
  EXPECT_EQ(cell.StatusOf(Checkpoint(kKey, token, "second")), HF_STORE_OK);
  EXPECT_EQ(cell.body, "second");
  EXPECT_EQ(cell.record.lease_until, lease_until);
  EXPECT_EQ(cell.StatusOf(Checkpoint(kKey, token + 1, "other")), HF_STORE_FENCED);
  EXPECT_EQ(cell.StatusOf(Checkpoint(kKey, token, "")), HF_STORE_OK);
  EXPECT_EQ(cell.body, "");
}

TEST(RecordOwners, CheckpointIsFencedOnceTheRecordIsSettled) {
  for (const hf_effect effect : {HF_EFFECT_RETRYABLE, HF_EFFECT_AMBIGUOUS}) {
    Cell cell;
    const uint64_t token = cell.Win(1);
    ASSERT_EQ(cell.StatusOf(Fail(kKey, token, effect)), HF_STORE_OK);
    EXPECT_EQ(cell.StatusOf(Checkpoint(kKey, token, "late")), HF_STORE_FENCED);
  }
  Cell done;
  const uint64_t token = done.Win(1);
  ASSERT_EQ(done.StatusOf(Complete(kKey, token, "result")), HF_STORE_OK);
  EXPECT_EQ(done.StatusOf(Checkpoint(kKey, token, "late")), HF_STORE_FENCED);
  EXPECT_EQ(done.body, "result");
}

TEST(RecordOwners, EachWinnerIsGivenTheCheckpointOfTheAttemptBefore) {
  Cell taken;
  uint64_t token = taken.Win(1, HF_ON_EXPIRY_TAKEOVER);
  ASSERT_EQ(taken.StatusOf(Checkpoint(kKey, token, "half")), HF_STORE_OK);
  EXPECT_EQ(BodyOf(taken.Apply(Claim(kKey, 2))), "") << "busy learns nothing";
  taken.now += kLease;
  const hf_store_reply won = taken.Apply(Claim(kKey, 2));
  EXPECT_EQ(won.status, HF_STORE_WON);
  EXPECT_EQ(BodyOf(won), "half");
  EXPECT_EQ(BodyOf(taken.Apply(Claim(kKey, 2))), "half");
  Cell retried;
  token = retried.Win(1);
  ASSERT_EQ(retried.StatusOf(Checkpoint(kKey, token, "half")), HF_STORE_OK);
  ASSERT_EQ(retried.StatusOf(Fail(kKey, token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  EXPECT_EQ(BodyOf(retried.Apply(Claim(kKey, 2))), "half");
}

TEST(RecordOwners, CheckpointDoesNotOutliveItsGeneration) {
  Cell cell;
  const uint64_t token = cell.Win(1);
  ASSERT_EQ(cell.StatusOf(Checkpoint(kKey, token, "half")), HF_STORE_OK);
  ASSERT_EQ(cell.StatusOf(Fail(kKey, token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  cell.now += kTtl;
  const hf_store_reply anew = cell.Apply(Claim(kKey, 2));
  EXPECT_EQ(anew.attempt, 1u);
  EXPECT_EQ(BodyOf(anew), "");
  EXPECT_EQ(cell.body, "");
}

TEST(RecordOwners, LapsedLeaseUnderReconcileIsWonToBeAskedAboutFirst) {
  Cell cell;
  const uint64_t token = cell.Win(1, kReconcile);
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 2)), HF_STORE_BUSY);
  cell.now += kLease;
  EXPECT_EQ(cell.StatusOf(testing::Read(kKey)), HF_STORE_ABSENT);
  const hf_store_reply told = cell.Apply(Claim(kKey, 2, kReconcile));
  EXPECT_EQ(told.status, HF_STORE_RECONCILE);
  EXPECT_EQ(told.attempt, 2u);
  EXPECT_GT(told.token, token);
  EXPECT_EQ(cell.record.reconcile, 1u);
  EXPECT_EQ(cell.Apply(Claim(kKey, 2, kReconcile)).status, HF_STORE_RECONCILE);
  ASSERT_EQ(cell.StatusOf(Complete(kKey, told.token, "found")), HF_STORE_OK);
  EXPECT_EQ(cell.record.reconcile, 0u);
}

// A next owner who would simply run, or simply give up, must not make the one after it do so.
TEST(RecordOwners, DutyToReconcileOutlivesWhoeverWasTold) {
  for (const hf_on_expiry word : {HF_ON_EXPIRY_TAKEOVER, HF_ON_EXPIRY_IN_DOUBT}) {
    Cell cell;
    cell.Win(1, kReconcile);
    cell.now += kLease;
    ASSERT_EQ(cell.StatusOf(Claim(kKey, 2, word)), HF_STORE_RECONCILE);
    EXPECT_EQ(cell.record.on_expiry, kReconcile);
    cell.now += kLease;
    EXPECT_EQ(cell.StatusOf(Claim(kKey, 3, word)), HF_STORE_RECONCILE);
  }
}

TEST(RecordOwners, AmbiguousFailureUnderReconcileEndsTheLeaseWhenAsked) {
  Cell cell;
  const uint64_t token = cell.Win(1, kReconcile);
  ASSERT_EQ(cell.StatusOf(Fail(kKey, token, HF_EFFECT_AMBIGUOUS, HF_S, kReconcile)), HF_STORE_OK);
  EXPECT_EQ(cell.record.state, HF_RECORD_IN_PROGRESS);
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 2, kReconcile)), HF_STORE_BUSY);
  cell.now += HF_S;
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 2, kReconcile)), HF_STORE_RECONCILE);
  Cell at_zero;
  at_zero.now = 0;
  const uint64_t first = at_zero.Win(1, kReconcile);
  ASSERT_EQ(at_zero.StatusOf(Fail(kKey, first, HF_EFFECT_AMBIGUOUS, 0, kReconcile)), HF_STORE_OK);
  EXPECT_EQ(at_zero.record.lease_until, 1) << "no lease at all would be no record in progress";
}

TEST(RecordOwners, OwnerThatGivesUpReconcilingLeavesADoubt) {
  Cell cell;
  cell.Win(1, kReconcile);
  cell.now += kLease;
  const uint64_t token = cell.Apply(Claim(kKey, 2, kReconcile)).token;
  ASSERT_EQ(cell.StatusOf(Fail(kKey, token, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  EXPECT_EQ(cell.record.state, HF_RECORD_IN_DOUBT);
  EXPECT_EQ(cell.record.reconcile, 0u);
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 3, kReconcile)), HF_STORE_IN_DOUBT);
}

TEST(RecordOwners, RetryOfAReconcilerRunsWithoutAsking) {
  Cell cell;
  cell.Win(1, kReconcile);
  cell.now += kLease;
  const uint64_t token = cell.Apply(Claim(kKey, 2, kReconcile)).token;
  ASSERT_EQ(cell.StatusOf(Fail(kKey, token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 3, kReconcile)), HF_STORE_WON);
  EXPECT_EQ(cell.record.reconcile, 0u);
}

TEST(RecordOwners, ReconcilingCountsAsAnAttempt) {
  Cell cell;
  cell.Win(1, kReconcile);
  cell.now += kLease;
  hf_store_request claim = Claim(kKey, 2, kReconcile);
  claim.max_attempts = 1;
  EXPECT_EQ(cell.StatusOf(claim), HF_STORE_POISON);
}

TEST(RecordOwners, LapsedReconcilerIsNotResolvedBehindItsSuccessorsBack) {
  Cell cell;
  cell.Win(1, kReconcile);
  cell.now += kLease;
  EXPECT_EQ(cell.StatusOf(testing::Resolve(kKey, HF_EFFECT_FINAL)), HF_STORE_FENCED);
}

TEST(RecordOwners, LabelIsTheLastWinnersInEveryState) {
  Cell cell;
  hf_store_request claim = Claim(kKey, 1);
  claim.label = {"first", 5};
  const uint64_t token = cell.Apply(claim).token;
  EXPECT_EQ(cell.label, "first");
  claim = Claim(kKey, 2);
  claim.label = {"loser", 5};
  ASSERT_EQ(cell.StatusOf(claim), HF_STORE_BUSY);
  ASSERT_EQ(cell.StatusOf(Fail(kKey, token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  EXPECT_EQ(cell.label, "first");
  claim.label = {"second", 6};
  const uint64_t next = cell.Apply(claim).token;
  EXPECT_EQ(cell.label, "second");
  ASSERT_EQ(cell.StatusOf(Complete(kKey, next, "result")), HF_STORE_OK);
  EXPECT_EQ(cell.label, "second");
}

TEST(RecordOwners, ReleaseTakesAnyLiveKeyAndFencesItsOwner) {
  Cell cell;
  EXPECT_EQ(cell.StatusOf(Release(kKey, HF_EFFECT_RETRYABLE)), HF_STORE_ABSENT);
  const uint64_t token = cell.Win(1);
  ASSERT_EQ(cell.StatusOf(Checkpoint(kKey, token, "half")), HF_STORE_OK);
  const hf_store_reply released = cell.Apply(Release(kKey, HF_EFFECT_RETRYABLE, HF_S));
  EXPECT_EQ(released.status, HF_STORE_OK);
  EXPECT_GT(released.token, token);
  EXPECT_EQ(cell.record.state, HF_RECORD_RETRYABLE);
  EXPECT_EQ(cell.record.attempt, 0u);
  EXPECT_EQ(cell.StatusOf(Complete(kKey, token, "zombie")), HF_STORE_FENCED);
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 2)), HF_STORE_BACKOFF);
  cell.now += HF_S;
  const hf_store_reply won = cell.Apply(Claim(kKey, 2));
  EXPECT_EQ(won.attempt, 1u);
  EXPECT_EQ(BodyOf(won), "half");
  const hf_store_reply discarded = cell.Apply(Release(kKey, HF_EFFECT_NOT_STARTED));
  EXPECT_EQ(cell.change, HF_RECORD_ERASE);
  EXPECT_GT(discarded.token, won.token);
  EXPECT_GT(cell.Win(3), discarded.token);
}

TEST(RecordOwners, ReleaseForgetsAResultButNotItsToken) {
  Cell cell;
  const uint64_t token = cell.Win(1);
  ASSERT_EQ(cell.StatusOf(Complete(kKey, token, std::string(70000, 'x'))), HF_STORE_OK);
  ASSERT_EQ(cell.StatusOf(Release(kKey, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  EXPECT_EQ(cell.body, "");
  EXPECT_EQ(cell.record.completed_at, 0);
  EXPECT_EQ(cell.record.truncated, HF_BODY_WHOLE);
  EXPECT_GT(cell.Win(2), token);
}

TEST(RecordOwners, ReleaseOfWhatIsPastItsTimeFindsNothing) {
  Cell cell;
  ASSERT_EQ(cell.StatusOf(Complete(kKey, cell.Win(1), "x")), HF_STORE_OK);
  cell.now += kTtl;
  EXPECT_EQ(cell.StatusOf(Release(kKey, HF_EFFECT_RETRYABLE)), HF_STORE_ABSENT);
  EXPECT_EQ(cell.change, HF_RECORD_KEEP);
}

TEST(RecordOwners, ReplySaysWhoWonLastAndWhetherThisRequestWrote) {
  Cell cell;
  EXPECT_EQ(cell.Apply(testing::Read(kKey)).owner[0], 0);
  const hf_store_reply won = cell.Apply(Claim(kKey, 7));
  EXPECT_EQ(won.owner[0], 7);
  EXPECT_EQ(won.changed, 1u);
  const hf_store_reply busy = cell.Apply(Claim(kKey, 8));
  EXPECT_EQ(busy.owner[0], 7);
  EXPECT_EQ(busy.changed, 0u);
  const hf_store_reply gone = cell.Apply(testing::Abandon(kKey, won.token));
  EXPECT_EQ(gone.owner[0], 0);
  EXPECT_EQ(gone.changed, 1u);
}

}  // namespace
}  // namespace holdfast
