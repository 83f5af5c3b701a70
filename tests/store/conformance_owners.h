// SPDX-License-Identifier: Apache-2.0
// Store conformance: what passes from one owner of a key to the next - checkpoints, the duty to reconcile,
// labels - and what an operator takes by force.
#ifndef HOLDFAST_TESTS_STORE_CONFORMANCE_OWNERS_H_
#define HOLDFAST_TESTS_STORE_CONFORMANCE_OWNERS_H_

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>

#include "store/conformance_fixture.h"

namespace holdfast {

template <class Factory>
class StoreOwners : public StoreFixture<Factory> {
 protected:
  static std::string BodyOf(const StoreReply& reply) {
    return reply.body == nullptr ? std::string("(none)") : *reply.body;
  }
  static uint64_t OwnerOf(const StoreReply& reply) {
    uint64_t who = 0;
    std::memcpy(&who, reply.raw.owner, sizeof(who));
    return who;
  }
};

TYPED_TEST_SUITE_P(StoreOwners);

TYPED_TEST_P(StoreOwners, CheckpointIsGivenToWhoeverTakesOver) {
  const uint64_t token = this->WinBriefly("k", 1, HF_ON_EXPIRY_TAKEOVER);
  EXPECT_EQ(this->Ask(testing::Claim("k", 1, HF_ON_EXPIRY_TAKEOVER)).raw.body.size, 0u);
  const std::string first("first\0half", 10), second(65536, '\xFE');
  ASSERT_EQ(this->StatusOf(testing::Checkpoint("k", token, first)), HF_STORE_OK);
  const StoreReply stored = this->Ask(testing::Checkpoint("k", token, second));
  EXPECT_EQ(stored.raw.status, HF_STORE_OK);
  EXPECT_EQ(stored.raw.changed, 1u);
  this->ReopenIfDurable();
  this->LetLeaseLapse("k");
  const StoreReply taken = this->Ask(testing::Claim("k", 2, HF_ON_EXPIRY_TAKEOVER));
  ASSERT_EQ(taken.raw.status, HF_STORE_WON);
  EXPECT_EQ(this->BodyOf(taken), second);
  EXPECT_EQ(std::string_view(taken.raw.body.data, taken.raw.body.size), second);
  const StoreReply again = this->Ask(testing::Claim("k", 2, HF_ON_EXPIRY_TAKEOVER));
  EXPECT_EQ(this->BodyOf(again), second) << "a lost reply is found again with its checkpoint";
  EXPECT_EQ(this->StatusOf(testing::Checkpoint("k", token, "zombie")), HF_STORE_FENCED);
  ASSERT_EQ(this->StatusOf(testing::Complete("k", taken.raw.token, "result")), HF_STORE_OK);
  EXPECT_EQ(this->BodyOf(this->Ask(testing::Claim("k", 3))), "result");
}

TYPED_TEST_P(StoreOwners, CheckpointOutlivesARetryableFailureAndAnEmptyOneClearsIt) {
  uint64_t token = this->Win("k", 1);
  ASSERT_EQ(this->StatusOf(testing::Checkpoint("k", token, "half")), HF_STORE_OK);
  ASSERT_EQ(this->StatusOf(testing::Renew("k", token)), HF_STORE_OK);
  ASSERT_EQ(this->StatusOf(testing::Fail("k", token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  this->ReopenIfDurable();
  const StoreReply again = this->Ask(testing::Claim("k", 2));
  ASSERT_EQ(again.raw.status, HF_STORE_WON);
  EXPECT_EQ(this->BodyOf(again), "half");
  token = again.raw.token;
  ASSERT_EQ(this->StatusOf(testing::Checkpoint("k", token, "")), HF_STORE_OK);
  ASSERT_EQ(this->StatusOf(testing::Fail("k", token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  EXPECT_EQ(this->Ask(testing::Claim("k", 3)).raw.body.size, 0u);
}

TYPED_TEST_P(StoreOwners, CheckpointIsTheOwnersAndEndsWithTheGeneration) {
  EXPECT_EQ(this->StatusOf(testing::Checkpoint("k", 1, "x")), HF_STORE_FENCED);
  const uint64_t token = this->Win("k", 1);
  EXPECT_EQ(this->StatusOf(testing::Checkpoint("k", token + 1, "x")), HF_STORE_FENCED);
  ASSERT_EQ(this->StatusOf(testing::Checkpoint("k", token, "half")), HF_STORE_OK);
  ASSERT_EQ(this->StatusOf(testing::Abandon("k", token)), HF_STORE_OK);
  EXPECT_EQ(this->StatusOf(testing::Checkpoint("k", token, "x")), HF_STORE_FENCED);
  EXPECT_EQ(this->Ask(testing::Claim("k", 2)).raw.body.size, 0u) << "absent forgets it";
}

TYPED_TEST_P(StoreOwners, LapsedReconcilerIsFollowedByAReconciler) {
  const uint64_t token = this->WinBriefly("k", 1, HF_ON_EXPIRY_RECONCILE);
  ASSERT_EQ(this->StatusOf(testing::Checkpoint("k", token, "half")), HF_STORE_OK);
  this->LetLeaseLapse("k");
  this->ReopenIfDurable();
  // Whatever the next one's own word is: the owner before may have done the work.
  const StoreReply told = this->Ask(this->Brief(testing::Claim("k", 2, HF_ON_EXPIRY_TAKEOVER)));
  ASSERT_EQ(told.raw.status, HF_STORE_RECONCILE);
  EXPECT_EQ(told.raw.attempt, 2u);
  EXPECT_GT(told.raw.token, token);
  EXPECT_EQ(this->BodyOf(told), "half");
  EXPECT_EQ(this->OwnerOf(told), 2u);
  EXPECT_EQ(this->StatusOf(testing::Complete("k", token, "zombie")), HF_STORE_FENCED);
  this->LetLeaseLapse("k");
  EXPECT_EQ(this->StatusOf(testing::Claim("k", 3)), HF_STORE_RECONCILE);
}

TYPED_TEST_P(StoreOwners, LostReplyToAReconcilerIsFoundAgain) {
  this->WinBriefly("k", 1, HF_ON_EXPIRY_RECONCILE);
  this->LetLeaseLapse("k");
  const StoreReply told = this->Ask(testing::Claim("k", 2, HF_ON_EXPIRY_RECONCILE));
  this->ReopenIfDurable();
  const StoreReply again = this->Ask(testing::Claim("k", 2, HF_ON_EXPIRY_RECONCILE));
  EXPECT_EQ(again.raw.status, HF_STORE_RECONCILE);
  EXPECT_EQ(again.raw.token, told.raw.token);
  EXPECT_EQ(again.raw.changed, 0u);
  ASSERT_EQ(this->StatusOf(testing::Complete("k", told.raw.token, "found")), HF_STORE_OK);
  EXPECT_EQ(this->BodyOf(this->Ask(testing::Claim("k", 3))), "found");
}

TYPED_TEST_P(StoreOwners, AmbiguousFailureOfAReconcilerIsAskedAboutOrInDoubtByItsWord) {
  const uint64_t asked = this->Win("asked", 1, HF_ON_EXPIRY_RECONCILE);
  ASSERT_EQ(this->StatusOf(testing::Fail("asked", asked, HF_EFFECT_AMBIGUOUS, this->Backoff(),
                                         HF_ON_EXPIRY_RECONCILE)),
            HF_STORE_OK);
  this->LetBusyPass("asked", this->Backoff());
  EXPECT_EQ(this->StatusOf(testing::Claim("asked", 2)), HF_STORE_RECONCILE);
  const uint64_t given_up = this->Win("given up", 1, HF_ON_EXPIRY_RECONCILE);
  ASSERT_EQ(this->StatusOf(testing::Fail("given up", given_up, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  EXPECT_EQ(this->StatusOf(testing::Claim("given up", 2)), HF_STORE_IN_DOUBT);
}

TYPED_TEST_P(StoreOwners, ReleaseByForceTakesTheKeyFromALivingOwner) {
  for (const std::string key : {"retry", "discard"}) {
    const uint64_t token = this->Win(key, 1);
    ASSERT_EQ(this->StatusOf(testing::Checkpoint(key, token, "half")), HF_STORE_OK);
    const hf_effect effect = key == "retry" ? HF_EFFECT_RETRYABLE : HF_EFFECT_NOT_STARTED;
    const StoreReply released = this->Ask(testing::Release(key, effect));
    ASSERT_EQ(released.raw.status, HF_STORE_OK);
    EXPECT_EQ(released.raw.changed, 1u);
    EXPECT_GT(released.raw.token, token);
    EXPECT_EQ(this->StatusOf(testing::Renew(key, token)), HF_STORE_FENCED);
    EXPECT_EQ(this->StatusOf(testing::Complete(key, token, "zombie")), HF_STORE_FENCED);
    this->ReopenIfDurable();
    const StoreReply next = this->Ask(testing::Claim(key, 2));
    ASSERT_EQ(next.raw.status, HF_STORE_WON);
    EXPECT_EQ(next.raw.attempt, 1u);
    EXPECT_GT(next.raw.token, released.raw.token);
    EXPECT_EQ(this->BodyOf(next), key == "retry" ? "half" : "(none)");
  }
}

TYPED_TEST_P(StoreOwners, ReleaseByForceForgetsAResultAndFindsNothingToRelease) {
  EXPECT_EQ(this->StatusOf(testing::Release("k", HF_EFFECT_RETRYABLE)), HF_STORE_ABSENT);
  const uint64_t token = this->Win("k", 1);
  ASSERT_EQ(this->StatusOf(testing::Complete("k", token, "result")), HF_STORE_OK);
  ASSERT_EQ(this->StatusOf(testing::Release("k", HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  const StoreReply next = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(next.raw.status, HF_STORE_WON);
  EXPECT_EQ(next.raw.body.size, 0u) << "a result is no checkpoint";
  EXPECT_EQ(this->StatusOf(testing::Release("k", HF_EFFECT_FINAL)), HF_STORE_UNAVAILABLE);
}

TYPED_TEST_P(StoreOwners, ReplyNamesTheLastWinnerAndWhetherItWrote) {
  const StoreReply nobody = this->Ask(testing::Read("k"));
  EXPECT_EQ(this->OwnerOf(nobody), 0u);
  const StoreReply won = this->Ask(testing::Claim("k", 7));
  EXPECT_EQ(this->OwnerOf(won), 7u);
  EXPECT_EQ(won.raw.changed, 1u);
  const StoreReply again = this->Ask(testing::Claim("k", 7));
  EXPECT_EQ(this->OwnerOf(again), 7u);
  EXPECT_EQ(again.raw.changed, 0u);
  const StoreReply busy = this->Ask(testing::Claim("k", 8));
  EXPECT_EQ(this->OwnerOf(busy), 7u);
  EXPECT_EQ(busy.raw.changed, 0u);
  const StoreReply fenced = this->Ask(testing::Renew("k", won.raw.token + 1));
  EXPECT_EQ(fenced.raw.changed, 0u);
  const StoreReply done = this->Ask(testing::Complete("k", won.raw.token, "x"));
  EXPECT_EQ(done.raw.changed, 1u);
  EXPECT_EQ(this->Ask(testing::Complete("k", won.raw.token, "x")).raw.changed, 0u);
  this->ReopenIfDurable();
  const StoreReply replay = this->Ask(testing::Claim("k", 8));
  EXPECT_EQ(this->OwnerOf(replay), 7u);
  EXPECT_EQ(replay.raw.changed, 0u);
}

TYPED_TEST_P(StoreOwners, AbsentAndFencedAndBusyRepliesCarryNoBody) {
  const uint64_t token = this->Win("k", 1);
  ASSERT_EQ(this->StatusOf(testing::Checkpoint("k", token, "secret")), HF_STORE_OK);
  for (const StoreRequest& request :
       {testing::Claim("k", 2), testing::Read("k"), testing::Read("nobody"),
        testing::Renew("k", token + 1), testing::Renew("k", token)}) {
    const StoreReply reply = this->Ask(request);
    EXPECT_EQ(reply.body, nullptr) << reply.raw.status;
    EXPECT_EQ(reply.raw.body.size, 0u) << reply.raw.status;
  }
}

TYPED_TEST_P(StoreOwners, ReferenceIsReplayedAsOne) {
  StoreRequest complete = testing::Complete("k", this->Win("k", 1), "s3://bucket/7");
  complete.truncated = HF_BODY_REFERENCE;
  ASSERT_EQ(this->StatusOf(complete), HF_STORE_OK);
  this->ReopenIfDurable();
  const StoreReply replay = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(replay.raw.truncated, HF_BODY_REFERENCE);
  EXPECT_EQ(this->BodyOf(replay), "s3://bucket/7");
}

REGISTER_TYPED_TEST_SUITE_P(StoreOwners, CheckpointIsGivenToWhoeverTakesOver,
                            CheckpointOutlivesARetryableFailureAndAnEmptyOneClearsIt,
                            CheckpointIsTheOwnersAndEndsWithTheGeneration,
                            LapsedReconcilerIsFollowedByAReconciler,
                            LostReplyToAReconcilerIsFoundAgain,
                            AmbiguousFailureOfAReconcilerIsAskedAboutOrInDoubtByItsWord,
                            ReleaseByForceTakesTheKeyFromALivingOwner,
                            ReleaseByForceForgetsAResultAndFindsNothingToRelease,
                            ReplyNamesTheLastWinnerAndWhetherItWrote,
                            AbsentAndFencedAndBusyRepliesCarryNoBody, ReferenceIsReplayedAsOne);

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_STORE_CONFORMANCE_OWNERS_H_
