// SPDX-License-Identifier: Apache-2.0
// Store conformance: the rows of the transition table (c/record.h), seen through a store.
#ifndef HOLDFAST_TESTS_STORE_CONFORMANCE_RECORDS_H_
#define HOLDFAST_TESTS_STORE_CONFORMANCE_RECORDS_H_

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "store/conformance_fixture.h"

namespace holdfast {

template <class Factory>
class StoreConformance : public StoreFixture<Factory> {};

TYPED_TEST_SUITE_P(StoreConformance);

TYPED_TEST_P(StoreConformance, FirstClaimWinsAndTheNextIsBusy) {
  const StoreReply won = this->Ask(testing::Claim("k", 1));
  ASSERT_EQ(won.raw.status, HF_STORE_WON);
  EXPECT_EQ(won.raw.state, HF_RECORD_IN_PROGRESS);
  EXPECT_EQ(won.raw.attempt, 1u);
  EXPECT_EQ(won.raw.changed, 1u);
  EXPECT_GE(won.raw.token, static_cast<uint64_t>(testing::kEpochNow / 1000));
  this->clock_.Advance(HF_S);
  const StoreReply busy = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(busy.raw.status, HF_STORE_BUSY);
  this->ExpectLeft(busy.raw.retry_after, testing::kLease, HF_S);
  EXPECT_EQ(busy.raw.changed, 0u);
  EXPECT_EQ(busy.body, nullptr);
}

TYPED_TEST_P(StoreConformance, LostReplyIsFoundAgainByTheNonce) {
  const uint64_t token = this->Win("k", 1);
  this->ReopenIfDurable();
  const StoreReply again = this->Ask(testing::Claim("k", 1));
  EXPECT_EQ(again.raw.status, HF_STORE_WON);
  EXPECT_EQ(again.raw.token, token);
  EXPECT_EQ(again.raw.attempt, 1u);
}

TYPED_TEST_P(StoreConformance, CompletedResultIsReplayedByteForByte) {
  std::string every_byte(256, '\0');
  for (size_t i = 0; i < every_byte.size(); ++i) every_byte[i] = static_cast<char>(i);
  for (const std::string& body :
       {std::string(), std::string("0"), std::string("\0", 1), std::string("false"), every_byte,
        std::string("\xC3\x28\xFF"), std::string(1 << 20, 'x')}) {
    const std::string key = "k" + std::to_string(body.size()) + body.substr(0, 1);
    const uint64_t token = this->Win(key, 1);
    ASSERT_EQ(this->StatusOf(testing::Complete(key, token, body)), HF_STORE_OK);
    this->ReopenIfDurable();
    const StoreReply replay = this->Ask(testing::Claim(key, 2));
    ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY);
    EXPECT_EQ(replay.raw.state, HF_RECORD_COMPLETED);
    EXPECT_EQ(replay.raw.code, HF_OK);
    EXPECT_EQ(replay.raw.token, token);
    if (TestFixture::kMovesClock) {
      EXPECT_EQ(replay.raw.completed_at, this->clock_.Now());
    }
    EXPECT_GT(replay.raw.completed_at, 0);
    this->ExpectLeft(replay.raw.expires_in, testing::kTtl);
    ASSERT_NE(replay.body, nullptr);
    EXPECT_EQ(*replay.body, body);
    EXPECT_EQ(std::string_view(replay.raw.body.data, replay.raw.body.size), body);
  }
}

TYPED_TEST_P(StoreConformance, RefusalAndDigestAreReplayedAsTheyAre) {
  const std::string digest(32, '\x7F');
  StoreRequest complete = testing::Complete("k", this->Win("k", 1), digest, HF_FAILED_PRECONDITION);
  complete.truncated = 1;
  ASSERT_EQ(this->StatusOf(complete), HF_STORE_OK);
  this->ReopenIfDurable();
  const StoreReply replay = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(replay.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(replay.raw.code, HF_FAILED_PRECONDITION);
  EXPECT_EQ(replay.raw.truncated, 1u);
  EXPECT_EQ(*replay.body, digest);
}

TYPED_TEST_P(StoreConformance, OtherRequestUnderTheKeyIsAMismatchAndLearnsNothing) {
  const uint64_t token = this->Win("k", 1);
  const StoreRequest other = testing::WithFingerprint(testing::Claim("k", 2), "other");
  EXPECT_EQ(this->StatusOf(other), HF_STORE_MISMATCH);
  ASSERT_EQ(this->StatusOf(testing::Complete("k", token, "secret")), HF_STORE_OK);
  const StoreReply mismatch = this->Ask(other);
  EXPECT_EQ(mismatch.raw.status, HF_STORE_MISMATCH);
  EXPECT_EQ(mismatch.body, nullptr);
  EXPECT_EQ(mismatch.raw.body.size, 0u);
}

TYPED_TEST_P(StoreConformance, SecondCompletionIsAlreadyAndChangesNothing) {
  const uint64_t token = this->Win("k", 1);
  ASSERT_EQ(this->StatusOf(testing::Complete("k", token, "first")), HF_STORE_OK);
  EXPECT_EQ(this->StatusOf(testing::Complete("k", token, "second")), HF_STORE_ALREADY);
  EXPECT_EQ(*this->Ask(testing::Claim("k", 2)).body, "first");
}

TYPED_TEST_P(StoreConformance, LapsedLeaseIsInDoubtForGood) {
  const uint64_t token = this->WinBriefly("k", 1);
  this->LetLeaseLapse("k");
  EXPECT_EQ(this->StatusOf(testing::Claim("k", 2)), HF_STORE_IN_DOUBT);
  this->clock_.Advance(100 * testing::kTtl);
  this->ReopenIfDurable();
  EXPECT_EQ(this->StatusOf(testing::Claim("k", 3)), HF_STORE_IN_DOUBT);
  EXPECT_EQ(this->StatusOf(testing::Complete("k", token, "late")), HF_STORE_FENCED);
}

TYPED_TEST_P(StoreConformance, TakeoverFencesTheOldOwner) {
  const uint64_t old_token = this->WinBriefly("k", 1, HF_ON_EXPIRY_TAKEOVER);
  this->LetLeaseLapse("k");
  const StoreReply taken = this->Ask(testing::Claim("k", 2, HF_ON_EXPIRY_TAKEOVER));
  ASSERT_EQ(taken.raw.status, HF_STORE_WON);
  EXPECT_GT(taken.raw.token, old_token);
  EXPECT_EQ(taken.raw.attempt, 2u);
  EXPECT_EQ(this->StatusOf(testing::Renew("k", old_token)), HF_STORE_FENCED);
  EXPECT_EQ(this->StatusOf(testing::Complete("k", old_token, "zombie")), HF_STORE_FENCED);
  EXPECT_EQ(this->StatusOf(testing::Fail("k", old_token, HF_EFFECT_RETRYABLE)), HF_STORE_FENCED);
  EXPECT_EQ(this->StatusOf(testing::Abandon("k", old_token)), HF_STORE_FENCED);
  ASSERT_EQ(this->StatusOf(testing::Complete("k", taken.raw.token, "mine")), HF_STORE_OK);
  EXPECT_EQ(*this->Ask(testing::Claim("k", 3)).body, "mine");
}

TYPED_TEST_P(StoreConformance, RenewalMovesTheLeaseFromTheStoresNow) {
  HF_NEEDS_MOVING_CLOCK();
  const uint64_t token = this->Win("k", 1);
  this->clock_.Advance(testing::kLease - HF_S);
  ASSERT_EQ(this->StatusOf(testing::Renew("k", token)), HF_STORE_OK);
  this->clock_.Advance(2 * HF_S);
  const StoreReply busy = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(busy.raw.status, HF_STORE_BUSY);
  EXPECT_EQ(busy.raw.retry_after, testing::kLease - 2 * HF_S);
}

TYPED_TEST_P(StoreConformance, OwnerMayCompleteLateIfNobodyTookTheKey) {
  const uint64_t token = this->WinBriefly("k", 1);
  this->LetLeaseLapse("k");
  EXPECT_EQ(this->StatusOf(testing::Complete("k", token, "late")), HF_STORE_OK);
}

TYPED_TEST_P(StoreConformance, RetryableFailureHoldsBackAndThenRunsAgain) {
  const uint64_t token = this->Win("k", 1);
  const hf_duration backoff = TestFixture::kMovesClock ? HF_S : 500 * HF_MS;
  ASSERT_EQ(this->StatusOf(testing::Fail("k", token, HF_EFFECT_RETRYABLE, backoff)), HF_STORE_OK);
  const StoreReply early = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(early.raw.status, HF_STORE_BACKOFF);
  this->ExpectLeft(early.raw.retry_after, backoff);
  this->ReopenIfDurable();
  this->LetBackoffPass("k");
  const StoreReply again = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(again.raw.status, HF_STORE_WON);
  EXPECT_EQ(again.raw.attempt, 2u);
  EXPECT_GT(again.raw.token, token);
}

TYPED_TEST_P(StoreConformance, AmbiguousFailureIsInDoubtOrRetryableByTheOwnersWord) {
  const uint64_t careful = this->Win("a", 1);
  ASSERT_EQ(this->StatusOf(testing::Fail("a", careful, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  EXPECT_EQ(this->StatusOf(testing::Claim("a", 2)), HF_STORE_IN_DOUBT);
  const uint64_t idempotent = this->Win("b", 1, HF_ON_EXPIRY_TAKEOVER);
  ASSERT_EQ(this->StatusOf(testing::Fail("b", idempotent, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  EXPECT_EQ(this->StatusOf(testing::Claim("b", 2)), HF_STORE_WON);
}

TYPED_TEST_P(StoreConformance, AbandonedKeyIsFreeWithAHigherToken) {
  const uint64_t token = this->Win("k", 1);
  ASSERT_EQ(this->StatusOf(testing::Abandon("k", token)), HF_STORE_OK);
  this->ReopenIfDurable();
  EXPECT_EQ(this->StatusOf(testing::Read("k")), HF_STORE_ABSENT);
  const StoreReply again = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(again.raw.status, HF_STORE_WON);
  EXPECT_EQ(again.raw.attempt, 1u);
  EXPECT_GT(again.raw.token, token);
}

TYPED_TEST_P(StoreConformance, PoisonIsCountedAtTheClaim) {
  StoreRequest claim = this->Brief(testing::Claim("k", 1, HF_ON_EXPIRY_TAKEOVER));
  claim.max_attempts = 2;
  ASSERT_EQ(this->StatusOf(claim), HF_STORE_WON);
  this->LetLeaseLapse("k");
  claim.nonce[0] = 2;
  ASSERT_EQ(this->StatusOf(claim), HF_STORE_WON);
  this->LetLeaseLapse("k");
  claim.nonce[0] = 3;
  EXPECT_EQ(this->StatusOf(claim), HF_STORE_POISON);
  EXPECT_EQ(this->StatusOf(claim), HF_STORE_IN_DOUBT);
}

TYPED_TEST_P(StoreConformance, ResolvingEndsTheDoubtInEachWay) {
  for (const std::string key : {"done", "retry", "discard"}) {
    const uint64_t token = this->Win(key, 1);
    ASSERT_EQ(this->StatusOf(testing::Fail(key, token, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  }
  this->ReopenIfDurable();
  EXPECT_EQ(this->StatusOf(testing::Resolve("done", HF_EFFECT_FINAL, "found")), HF_STORE_OK);
  EXPECT_EQ(this->StatusOf(testing::Resolve("retry", HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  EXPECT_EQ(this->StatusOf(testing::Resolve("discard", HF_EFFECT_NOT_STARTED)), HF_STORE_OK);
  EXPECT_EQ(*this->Ask(testing::Claim("done", 2)).body, "found");
  EXPECT_EQ(this->StatusOf(testing::Claim("retry", 2)), HF_STORE_WON);
  EXPECT_EQ(this->StatusOf(testing::Claim("discard", 2)), HF_STORE_WON);
  EXPECT_EQ(this->StatusOf(testing::Resolve("done", HF_EFFECT_FINAL)), HF_STORE_FENCED);
  EXPECT_EQ(this->StatusOf(testing::Resolve("nobody", HF_EFFECT_FINAL)), HF_STORE_ABSENT);
}

TYPED_TEST_P(StoreConformance, ReadSaysWhatAClaimWouldAndChangesNothing) {
  EXPECT_EQ(this->StatusOf(testing::Read("k")), HF_STORE_ABSENT);
  const uint64_t live = this->Win("live", 1);
  const StoreReply busy = this->Ask(testing::Read("live"));
  EXPECT_EQ(busy.raw.status, HF_STORE_BUSY);
  EXPECT_EQ(busy.raw.token, live);
  EXPECT_EQ(busy.raw.changed, 0u);
  const uint64_t token = this->WinBriefly("k", 1);
  this->LetLeaseLapse("k");
  EXPECT_EQ(this->StatusOf(testing::Read("k")), HF_STORE_IN_DOUBT);
  ASSERT_EQ(this->StatusOf(testing::Complete("k", token, "done")), HF_STORE_OK);
  const StoreReply read = this->Ask(testing::Read("k"));
  EXPECT_EQ(read.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*read.body, "done");
}

TYPED_TEST_P(StoreConformance, ResultIsForgottenAfterItsTimeButTheTokenStillRises) {
  const uint64_t token = this->Win("k", 1);
  ASSERT_EQ(this->StatusOf(this->Brief(testing::Complete("k", token, "old"))), HF_STORE_OK);
  if (TestFixture::kMovesClock) {
    this->clock_.Advance(testing::kTtl - 1);
    EXPECT_EQ(this->StatusOf(testing::Claim("k", 2)), HF_STORE_REPLAY);
    this->clock_.Advance(1);
  }
  if (!TestFixture::kMovesClock) this->LetLifePass("k");
  const StoreReply anew = this->Ask(testing::Claim("k", 3));
  EXPECT_EQ(anew.raw.status, HF_STORE_WON);
  EXPECT_EQ(anew.raw.attempt, 1u);
  EXPECT_GT(anew.raw.token, token);
}

TYPED_TEST_P(StoreConformance, TokensRiseWhateverTheStoresClockDoes) {
  uint64_t highest = 0;
  for (int i = 0; i < 20; ++i) {
    const uint64_t token = this->Win("k", static_cast<uint64_t>(i) + 1);
    ASSERT_GT(token, highest);
    highest = token;
    if (i % 2 == 0) {
      ASSERT_EQ(this->StatusOf(testing::Abandon("k", token)), HF_STORE_OK);
    } else {
      ASSERT_EQ(this->StatusOf(testing::Fail("k", token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
    }
    this->clock_.Advance(i % 3 == 0 ? -3600 * HF_S : HF_S);
    if (i % 5 == 0) this->ReopenIfDurable();
  }
}

TYPED_TEST_P(StoreConformance, ClockStepBackLengthensALeaseAndNeverEndsIt) {
  HF_NEEDS_MOVING_CLOCK();
  this->Win("k", 1);
  this->clock_.Advance(-3600 * HF_S);
  const StoreReply busy = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(busy.raw.status, HF_STORE_BUSY);
  EXPECT_EQ(busy.raw.retry_after, 3600 * HF_S + testing::kLease);
}

TYPED_TEST_P(StoreConformance, UnsoundRequestDoesNothing) {
  const uint64_t token = this->Win("k", 1);
  StoreRequest request = testing::Complete("k", token, "x");
  request.verb = 99;
  EXPECT_EQ(this->StatusOf(request), HF_STORE_UNAVAILABLE);
  request = testing::Complete("k", token, "x");
  request.truncated = 1;  // "x" is no digest
  EXPECT_EQ(this->StatusOf(request), HF_STORE_UNAVAILABLE);
  StoreRequest claim = testing::Claim("other", 0);  // no nonce
  EXPECT_EQ(this->StatusOf(claim), HF_STORE_UNAVAILABLE);
  EXPECT_EQ(this->StatusOf(testing::Read("other")), HF_STORE_ABSENT);
  EXPECT_EQ(this->StatusOf(testing::Read("k")), HF_STORE_BUSY);
}

TYPED_TEST_P(StoreConformance, GuaranteeIsWhatTheFactorySays) {
  const Guarantee guarantee = this->store_->guarantee();
  EXPECT_EQ(guarantee.level >= GuaranteeLevel::kDurable, TypeParam::kDurable);
  EXPECT_FALSE(guarantee.why.empty());
}

REGISTER_TYPED_TEST_SUITE_P(
    StoreConformance, FirstClaimWinsAndTheNextIsBusy, LostReplyIsFoundAgainByTheNonce,
    CompletedResultIsReplayedByteForByte, RefusalAndDigestAreReplayedAsTheyAre,
    OtherRequestUnderTheKeyIsAMismatchAndLearnsNothing, SecondCompletionIsAlreadyAndChangesNothing,
    LapsedLeaseIsInDoubtForGood, TakeoverFencesTheOldOwner, RenewalMovesTheLeaseFromTheStoresNow,
    OwnerMayCompleteLateIfNobodyTookTheKey, RetryableFailureHoldsBackAndThenRunsAgain,
    AmbiguousFailureIsInDoubtOrRetryableByTheOwnersWord, AbandonedKeyIsFreeWithAHigherToken,
    PoisonIsCountedAtTheClaim, ResolvingEndsTheDoubtInEachWay,
    ReadSaysWhatAClaimWouldAndChangesNothing, ResultIsForgottenAfterItsTimeButTheTokenStillRises,
    TokensRiseWhateverTheStoresClockDoes, ClockStepBackLengthensALeaseAndNeverEndsIt,
    UnsoundRequestDoesNothing, GuaranteeIsWhatTheFactorySays);

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_STORE_CONFORMANCE_RECORDS_H_
