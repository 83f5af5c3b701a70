// SPDX-License-Identifier: Apache-2.0
// The checker on histories written by hand: what unknown outcomes, overlaps, deadlines and late settlements allow,
// and what they do not.
#include "chaos/checker.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "chaos/invariants.h"

namespace holdfast::chaos {
namespace {

// Milliseconds; kNever: no answer ever came.
constexpr int64_t kNever = -1;

class CheckerTest : public ::testing::Test {
 protected:
  Operation& Add(hf_store_verb verb, int64_t from, int64_t to, hf_store_status status,
                 uint64_t token = 0) {
    Operation& operation = history_.emplace_back();
    operation.request.verb = verb;
    operation.request.at = from * HF_MS;
    operation.request.ttl = 3600 * HF_S;
    operation.answered = to != kNever;
    operation.returned = to == kNever ? kForever : to * HF_MS;
    operation.reply.at = operation.returned;
    operation.reply.status = status;
    operation.reply.token = token;
    return operation;
  }
  Operation& Claim(uint8_t who, int64_t from, int64_t to, hf_store_status status,
                   uint64_t token = 0, uint32_t attempt = 0,
                   hf_on_expiry on_expiry = HF_ON_EXPIRY_TAKEOVER) {
    Operation& claim = Add(HF_STORE_CLAIM, from, to, status, token);
    claim.request.nonce[0] = who;
    claim.request.lease = 100 * HF_MS;
    claim.request.on_expiry = on_expiry;
    claim.request.max_attempts = 10;
    claim.request.fingerprint = 1;
    claim.reply.attempt = attempt;
    return claim;
  }
  Operation& Settle(hf_store_verb verb, uint64_t token, int64_t from, int64_t to,
                    hf_store_status status) {
    Operation& settle = Add(verb, from, to, status, token);
    settle.request.token = token;
    return settle;
  }
  Operation& Complete(uint64_t token, uint64_t body, int64_t from, int64_t to,
                      hf_store_status status) {
    Operation& complete = Settle(HF_STORE_COMPLETE, token, from, to, status);
    complete.request.body = body;
    return complete;
  }
  void Replay(uint8_t who, int64_t from, int64_t to, uint64_t token, uint64_t body) {
    Claim(who, from, to, HF_STORE_REPLAY, token).reply.body = body;
  }
  bool Possible() { return Check(history_).sound(); }
  std::string Kind() {
    const CheckResult result = Check(history_);
    return result.violations.empty() ? "" : result.violations.front().kind;
  }

  std::vector<Operation> history_;
};

TEST_F(CheckerTest, OneOwnerAtATime) {
  Claim(1, 0, 1, HF_STORE_WON, 10, 1);
  Claim(2, 2, 3, HF_STORE_BUSY, 10);
  EXPECT_TRUE(Possible());
  Claim(3, 4, 5, HF_STORE_WON, 11, 2);
  EXPECT_EQ(Kind(), "double Won");
}

TEST_F(CheckerTest, ALeaseEndsWithinItsWindow) {
  Claim(1, 0, 5, HF_STORE_WON, 10, 1);
  // 100 ms after 0 at the earliest, less the tolerance of 5.
  Claim(2, 60, 96, HF_STORE_WON, 11, 2);
  EXPECT_TRUE(Possible());
  history_.back().returned = 94 * HF_MS;
  EXPECT_FALSE(Possible());
}

TEST_F(CheckerTest, NobodyIsBusyForEver) {
  Claim(1, 0, 5, HF_STORE_WON, 10, 1);
  Claim(2, 109, 500, HF_STORE_BUSY, 10);
  EXPECT_TRUE(Possible());
  history_.back().request.at = 111 * HF_MS;
  EXPECT_FALSE(Possible());
}

TEST_F(CheckerTest, ConcurrentOperationsMayGoEitherWay) {
  Claim(1, 0, 10, HF_STORE_BUSY, 11);
  Claim(2, 5, 15, HF_STORE_WON, 11, 1);
  EXPECT_TRUE(Possible());
  history_[0].returned = 4 * HF_MS;  // over before the other began
  EXPECT_FALSE(Possible());
}

TEST_F(CheckerTest, AClaimWithoutAnswerMayHaveHappenedOrNot) {
  Claim(1, 0, kNever, 0);
  Claim(2, 5, 6, HF_STORE_WON, 10, 1);
  EXPECT_TRUE(Possible());
  history_.pop_back();
  Claim(2, 5, 6, HF_STORE_BUSY, 10);
  EXPECT_TRUE(Possible());
  Claim(1, 7, 8, HF_STORE_WON, 10, 1);  // asked again: the token that others were told of
  EXPECT_TRUE(Possible());
  history_.back().reply.token = 12;
  EXPECT_FALSE(Possible());
}

TEST_F(CheckerTest, AnUnknownCompletionMayComeLateButOnlyAsItself) {
  Claim(1, 0, 1, HF_STORE_WON, 10, 1);
  Complete(10, 7, 2, kNever, 0);
  Claim(2, 5, 6, HF_STORE_BUSY, 10);
  Replay(2, 20, 21, 10, 7);
  EXPECT_TRUE(Possible());
  history_.back().reply.body = 8;
  EXPECT_EQ(Kind(), "wrong bytes");
}

TEST_F(CheckerTest, TheDeadDoNothingAnyMore) {
  Claim(1, 0, 1, HF_STORE_WON, 10, 1);
  Complete(10, 7, 2, kNever, 0).returned = 4 * HF_MS;
  Claim(2, 5, 6, HF_STORE_BUSY, 10);
  EXPECT_TRUE(Possible());
  Replay(2, 20, 21, 10, 7);
  EXPECT_FALSE(Possible());
}

TEST_F(CheckerTest, AnAcknowledgedCompletionStays) {
  Claim(1, 0, 1, HF_STORE_WON, 10, 1);
  Complete(10, 7, 2, 3, HF_STORE_OK);
  Replay(2, 4, 5, 10, 7);
  Complete(10, 8, 6, 7, HF_STORE_ALREADY);
  Replay(2, 8, 9, 10, 7);
  EXPECT_TRUE(Possible());
  Claim(3, 200, 201, HF_STORE_WON, 11, 2);
  EXPECT_EQ(Kind(), "lost complete");
}

TEST_F(CheckerTest, AZombieIsFencedAndChangesNothing) {
  Claim(1, 0, 1, HF_STORE_WON, 10, 1);
  Claim(2, 150, 151, HF_STORE_WON, 12, 2);
  Complete(10, 7, 160, 161, HF_STORE_FENCED).reply.token = 12;
  Complete(12, 8, 162, 163, HF_STORE_OK);
  Replay(3, 170, 171, 12, 8);
  EXPECT_TRUE(Possible());
  history_[2].reply.status = HF_STORE_OK;
  EXPECT_FALSE(Possible());
}

TEST_F(CheckerTest, TokensRiseAlsoAcrossAnErasure) {
  Claim(1, 0, 1, HF_STORE_WON, 10, 1);
  Settle(HF_STORE_ABANDON, 10, 2, 3, HF_STORE_OK);
  Claim(2, 4, 5, HF_STORE_WON, 11, 1);
  EXPECT_TRUE(Possible());
  history_.back().reply.token = 10;
  EXPECT_EQ(Kind(), "token reuse");
  history_.back().reply.token = 9;
  EXPECT_EQ(Kind(), "token reuse");
}

TEST_F(CheckerTest, ADoubtIsForGoodUntilResolved) {
  Claim(1, 0, 1, HF_STORE_WON, 10, 1, HF_ON_EXPIRY_IN_DOUBT);
  Claim(2, 150, 151, HF_STORE_IN_DOUBT, 10);
  Complete(10, 7, 152, 153, HF_STORE_FENCED);  // of its own token: in doubt is in doubt
  Operation& resolve = Add(HF_STORE_RESOLVE, 160, 161, HF_STORE_OK, 13);
  resolve.request.effect = HF_EFFECT_FINAL;
  resolve.request.body = 9;
  Replay(2, 170, 171, 13, 9);
  EXPECT_TRUE(Possible());
  history_[3].request.effect = HF_EFFECT_RETRYABLE;
  EXPECT_FALSE(Possible());
}

TEST_F(CheckerTest, ACheckpointIsHandedToTheNextOwner) {
  Claim(1, 0, 1, HF_STORE_WON, 10, 1);
  Settle(HF_STORE_CHECKPOINT, 10, 2, 3, HF_STORE_OK).request.body = 5;
  Claim(2, 150, 151, HF_STORE_WON, 12, 2).reply.body = 5;
  EXPECT_TRUE(Possible());
  history_.back().reply.body = 0;
  EXPECT_EQ(Kind(), "lost checkpoint");
}

TEST_F(CheckerTest, WhereTheStoresClockWasMovedDeadlinesAreNotJudged) {
  Claim(1, 0, 1, HF_STORE_WON, 10, 1);
  Claim(2, 2, 3, HF_STORE_WON, 11, 2);
  EXPECT_FALSE(Possible());
  CheckOptions options;
  options.model.judge_time = false;
  EXPECT_TRUE(Check(history_, options).sound());
}

TEST_F(CheckerTest, AHundredUnknownClaimsOfOneKeyAreNoBurden) {
  for (uint8_t i = 1; i <= 100; ++i) Claim(i, i, kNever, 0);
  Claim(200, 200, 201, HF_STORE_BUSY, 50).reply.nonce[0] = 7;
  Claim(201, 202, 203, HF_STORE_BUSY, 50).reply.nonce[0] = 7;
  Claim(7, 204, 205, HF_STORE_WON, 50, 1);
  const CheckResult result = Check(history_);
  EXPECT_TRUE(result.sound());
  EXPECT_LT(result.configurations, 1000u);
}

TEST_F(CheckerTest, TheShortestImpossibleBeginningIsTold) {
  Claim(1, 0, 1, HF_STORE_WON, 10, 1);
  Claim(2, 2, 3, HF_STORE_WON, 11, 2);
  for (int i = 0; i < 50; ++i) Claim(3, 10 + i, 11 + i, HF_STORE_BUSY, 11);
  const CheckResult result = Check(history_);
  ASSERT_EQ(result.violations.size(), 1u);
  EXPECT_EQ(result.violations[0].operations, 2u);
}

}  // namespace
}  // namespace holdfast::chaos
