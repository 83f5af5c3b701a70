// SPDX-License-Identifier: Apache-2.0
// What every store must do, as one typed suite. A store passes it by:
//
//   struct MyFactory {
//     static constexpr bool kDurable = true;  // what is stored outlives the object
//     std::unique_ptr<Store> Make(testing::StoreClockFn clock);  // again: reopens the same place
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(MyStore, StoreConformance, MyFactory);
//
// A factory lives as long as one test; the previous store is gone before Make is called again.
#ifndef HOLDFAST_TESTS_STORE_CONFORMANCE_H_
#define HOLDFAST_TESTS_STORE_CONFORMANCE_H_

#include <gtest/gtest.h>
#include <holdfast/store.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "store/requests.h"

namespace holdfast {

template <class Factory>
class StoreConformance : public ::testing::Test {
 protected:
  StoreConformance() : store_(factory_.Make(clock_.Function())) {}

  StoreReply Ask(const StoreRequest& request) { return store_->Execute(request, Duration{0}); }
  hf_store_status StatusOf(const StoreRequest& request) { return Ask(request).raw.status; }

  // Claims as `who` and gives the token; 0 unless won.
  uint64_t Win(std::string_view key, uint64_t who, hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
    const StoreReply reply = Ask(testing::Claim(key, who, on_expiry));
    EXPECT_EQ(reply.raw.status, HF_STORE_WON);
    return reply.raw.status == HF_STORE_WON ? reply.raw.token : 0;
  }

  void ReopenIfDurable() {
    if (!Factory::kDurable) return;
    store_.reset();
    store_ = factory_.Make(clock_.Function());
  }

  testing::StoreClock clock_;
  Factory factory_;
  std::unique_ptr<Store> store_;
};

TYPED_TEST_SUITE_P(StoreConformance);

TYPED_TEST_P(StoreConformance, FirstClaimWinsAndTheNextIsBusy) {
  const StoreReply won = this->Ask(testing::Claim("k", 1));
  ASSERT_EQ(won.raw.status, HF_STORE_WON);
  EXPECT_EQ(won.raw.state, HF_RECORD_IN_PROGRESS);
  EXPECT_EQ(won.raw.attempt, 1u);
  EXPECT_GE(won.raw.token, static_cast<uint64_t>(testing::kEpochNow / 1000));
  this->clock_.Advance(HF_S);
  const StoreReply busy = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(busy.raw.status, HF_STORE_BUSY);
  EXPECT_EQ(busy.raw.retry_after, testing::kLease - HF_S);
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
    EXPECT_EQ(replay.raw.completed_at, this->clock_.Now());
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
  const uint64_t token = this->Win("k", 1);
  this->clock_.Advance(testing::kLease);
  EXPECT_EQ(this->StatusOf(testing::Claim("k", 2)), HF_STORE_IN_DOUBT);
  this->clock_.Advance(100 * testing::kTtl);
  this->ReopenIfDurable();
  EXPECT_EQ(this->StatusOf(testing::Claim("k", 3)), HF_STORE_IN_DOUBT);
  EXPECT_EQ(this->StatusOf(testing::Complete("k", token, "late")), HF_STORE_FENCED);
}

TYPED_TEST_P(StoreConformance, TakeoverFencesTheOldOwner) {
  const uint64_t old_token = this->Win("k", 1, HF_ON_EXPIRY_TAKEOVER);
  this->clock_.Advance(testing::kLease);
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
  const uint64_t token = this->Win("k", 1);
  this->clock_.Advance(testing::kLease - HF_S);
  ASSERT_EQ(this->StatusOf(testing::Renew("k", token)), HF_STORE_OK);
  this->clock_.Advance(2 * HF_S);
  const StoreReply busy = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(busy.raw.status, HF_STORE_BUSY);
  EXPECT_EQ(busy.raw.retry_after, testing::kLease - 2 * HF_S);
}

TYPED_TEST_P(StoreConformance, OwnerMayCompleteLateIfNobodyTookTheKey) {
  const uint64_t token = this->Win("k", 1);
  this->clock_.Advance(10 * testing::kLease);
  EXPECT_EQ(this->StatusOf(testing::Complete("k", token, "late")), HF_STORE_OK);
}

TYPED_TEST_P(StoreConformance, RetryableFailureHoldsBackAndThenRunsAgain) {
  const uint64_t token = this->Win("k", 1);
  ASSERT_EQ(this->StatusOf(testing::Fail("k", token, HF_EFFECT_RETRYABLE, HF_S)), HF_STORE_OK);
  this->ReopenIfDurable();
  const StoreReply early = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(early.raw.status, HF_STORE_BACKOFF);
  EXPECT_EQ(early.raw.retry_after, HF_S);
  this->clock_.Advance(HF_S);
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
  StoreRequest claim = testing::Claim("k", 1, HF_ON_EXPIRY_TAKEOVER);
  claim.max_attempts = 2;
  ASSERT_EQ(this->StatusOf(claim), HF_STORE_WON);
  this->clock_.Advance(testing::kLease);
  claim.nonce[0] = 2;
  ASSERT_EQ(this->StatusOf(claim), HF_STORE_WON);
  this->clock_.Advance(testing::kLease);
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
  const uint64_t token = this->Win("k", 1);
  EXPECT_EQ(this->StatusOf(testing::Read("k")), HF_STORE_BUSY);
  this->clock_.Advance(testing::kLease);
  EXPECT_EQ(this->StatusOf(testing::Read("k")), HF_STORE_IN_DOUBT);
  ASSERT_EQ(this->StatusOf(testing::Complete("k", token, "done")), HF_STORE_OK);
  const StoreReply read = this->Ask(testing::Read("k"));
  EXPECT_EQ(read.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*read.body, "done");
}

TYPED_TEST_P(StoreConformance, ResultIsForgottenAfterItsTimeButTheTokenStillRises) {
  const uint64_t token = this->Win("k", 1);
  ASSERT_EQ(this->StatusOf(testing::Complete("k", token, "old")), HF_STORE_OK);
  this->clock_.Advance(testing::kTtl - 1);
  EXPECT_EQ(this->StatusOf(testing::Claim("k", 2)), HF_STORE_REPLAY);
  this->clock_.Advance(1);
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
  this->Win("k", 1);
  this->clock_.Advance(-3600 * HF_S);
  const StoreReply busy = this->Ask(testing::Claim("k", 2));
  EXPECT_EQ(busy.raw.status, HF_STORE_BUSY);
  EXPECT_EQ(busy.raw.retry_after, 3600 * HF_S + testing::kLease);
}

TYPED_TEST_P(StoreConformance, HostileKeysAreKeysLikeAnyOther) {
  const std::vector<std::string> keys = {
      std::string("\0", 1), std::string("\0\0", 2), "{}", "{a}b", "a:b", "'; DROP TABLE hf_idem;--",
      "\xFF\xFE\x80",       std::string(1024, 'k'), " ",  "\n",   "A",   "a"};
  for (size_t i = 0; i < keys.size(); ++i) this->Win(keys[i], i + 1);
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(this->StatusOf(testing::Claim(keys[i], 100)), HF_STORE_BUSY) << i;
  }
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

TYPED_TEST_P(StoreConformance, SixteenThreadsGiveEachKeyExactlyOneOwner) {
  constexpr uint64_t kThreads = 16;
  constexpr size_t kKeys = 200;
  std::vector<std::atomic<int>> owners(kKeys);
  std::atomic<int> surprises = 0;
  std::vector<std::thread> threads;
  for (uint64_t thread = 1; thread <= kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (size_t i = 0; i < kKeys; ++i) {
        // Each thread in its own order, so that they meet.
        const size_t key = (i * 7 + thread * 13) % kKeys;
        const hf_store_status status =
            this->StatusOf(testing::Claim("k" + std::to_string(key), thread));
        if (status == HF_STORE_WON) ++owners[key];
        if (status != HF_STORE_WON && status != HF_STORE_BUSY) ++surprises;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t key = 0; key < kKeys; ++key) EXPECT_EQ(owners[key], 1) << key;
  EXPECT_EQ(surprises, 0);
}

TYPED_TEST_P(StoreConformance, HotKeyIsHeldByOneOwnerAtATimeWithRisingTokens) {
  constexpr uint64_t kThreads = 8;
  constexpr int kRounds = 25;
  std::atomic<int> inside = 0;
  std::atomic<int> overlaps = 0;
  std::atomic<uint64_t> highest = 0;
  std::vector<std::thread> threads;
  for (uint64_t thread = 1; thread <= kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int done = 0; done < kRounds;) {
        const StoreReply reply = this->Ask(testing::Claim("hot", thread * 1000 + done));
        if (reply.raw.status != HF_STORE_WON) continue;
        if (++inside > 1) ++overlaps;
        if (highest.exchange(reply.raw.token) >= reply.raw.token) ++overlaps;
        --inside;
        if (this->StatusOf(testing::Abandon("hot", reply.raw.token)) != HF_STORE_OK) ++overlaps;
        ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(overlaps, 0);
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
    HostileKeysAreKeysLikeAnyOther, UnsoundRequestDoesNothing,
    SixteenThreadsGiveEachKeyExactlyOneOwner, HotKeyIsHeldByOneOwnerAtATimeWithRisingTokens,
    GuaranteeIsWhatTheFactorySays);

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_STORE_CONFORMANCE_H_
