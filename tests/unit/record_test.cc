// SPDX-License-Identifier: Apache-2.0
// The transition table of c/record.h, row by row.
#include <gtest/gtest.h>
#include <holdfast/c/record.h>

#include <cstring>
#include <string>
#include <string_view>

#include "store/requests.h"
#include "unit/record_cell.h"

namespace holdfast {
namespace {

using testing::Abandon;
using testing::Cell;
using testing::Claim;
using testing::Complete;
using testing::Fail;
using testing::kKey;
using testing::kLease;
using testing::kTtl;
using testing::Read;
using testing::Renew;
using testing::Resolve;

TEST(Record, AbsentClaimIsWonAsTheFirstAttempt) {
  Cell cell;
  const hf_store_reply reply = cell.Apply(Claim(kKey, 1));
  EXPECT_EQ(reply.status, HF_STORE_WON);
  EXPECT_EQ(reply.state, HF_RECORD_IN_PROGRESS);
  EXPECT_EQ(reply.attempt, 1u);
  EXPECT_EQ(reply.token, static_cast<uint64_t>(cell.now / 1000));
  EXPECT_EQ(cell.change, HF_RECORD_WRITE);
  EXPECT_EQ(cell.record.lease_until, cell.now + kLease);
  EXPECT_EQ(cell.record.expires_at, 0);
}

TEST(Record, TokenIsAboveTheFloorAndTheClock) {
  Cell cell;
  cell.floor = 9000000000000000;
  EXPECT_EQ(cell.Win(1), cell.floor + 1);
  Cell young;
  young.now = 0;
  EXPECT_EQ(young.Win(1), 1u);
}

TEST(Record, LiveRecordOfAnotherRequestIsAMismatchInEveryState) {
  Cell cell;
  const hf_store_request other = testing::WithFingerprint(Claim(kKey, 2), "other");
  const uint64_t token = cell.Win(1);
  EXPECT_EQ(cell.StatusOf(other), HF_STORE_MISMATCH);
  Cell doubt = cell;
  ASSERT_EQ(doubt.StatusOf(Fail(kKey, token, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  EXPECT_EQ(doubt.StatusOf(other), HF_STORE_MISMATCH);
  Cell retry = cell;
  ASSERT_EQ(retry.StatusOf(Fail(kKey, token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  EXPECT_EQ(retry.StatusOf(other), HF_STORE_MISMATCH);
  ASSERT_EQ(cell.StatusOf(Complete(kKey, token, "secret")), HF_STORE_OK);
  const hf_store_reply reply = cell.Apply(other);
  EXPECT_EQ(reply.status, HF_STORE_MISMATCH);
  EXPECT_EQ(reply.body.data, nullptr);
  EXPECT_EQ(reply.code, HF_OK);
}

TEST(Record, ReplayTellsHowLongTheResultIsStillKept) {
  Cell cell;
  const uint64_t token = cell.Win(1);
  EXPECT_EQ(cell.Apply(Claim(kKey, 2)).expires_in, 0);
  ASSERT_EQ(cell.Apply(Complete(kKey, token, "done")).expires_in, 0);
  EXPECT_EQ(cell.Apply(Claim(kKey, 2)).expires_in, kTtl);
  cell.now += kTtl - 1;
  EXPECT_EQ(cell.Apply(Read(kKey)).expires_in, 1);
  EXPECT_EQ(cell.Apply(testing::WithFingerprint(Claim(kKey, 2), "other")).expires_in, 0);
  cell.now -= 3 * kTtl;  // a clock set back lengthens a life, as it does a lease
  EXPECT_EQ(cell.Apply(Read(kKey)).expires_in, 3 * kTtl + 1);
}

TEST(Record, ZeroFingerprintMatchesAnyOnEitherSide) {
  Cell cell;
  hf_store_request unmarked = Claim(kKey, 1);
  std::memset(unmarked.fingerprint, 0, sizeof(unmarked.fingerprint));
  ASSERT_EQ(cell.StatusOf(unmarked), HF_STORE_WON);
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 2)), HF_STORE_BUSY);
  Cell marked;
  marked.Win(1);
  unmarked.nonce[0] = 2;
  EXPECT_EQ(marked.StatusOf(unmarked), HF_STORE_BUSY);
}

TEST(Record, FingerprintSurvivesATakeoverByAClaimWithoutOne) {
  Cell cell;
  cell.Win(1, HF_ON_EXPIRY_TAKEOVER);
  cell.now += kLease;
  hf_store_request unmarked = Claim(kKey, 2, HF_ON_EXPIRY_TAKEOVER);
  std::memset(unmarked.fingerprint, 0, sizeof(unmarked.fingerprint));
  ASSERT_EQ(cell.StatusOf(unmarked), HF_STORE_WON);
  EXPECT_EQ(cell.StatusOf(testing::WithFingerprint(Claim(kKey, 3), "other")), HF_STORE_MISMATCH);
}

TEST(Record, TakeoverGivesARecordWithoutFingerprintItsOwn) {
  Cell cell;
  hf_store_request unmarked = Claim(kKey, 1, HF_ON_EXPIRY_TAKEOVER);
  std::memset(unmarked.fingerprint, 0, sizeof(unmarked.fingerprint));
  ASSERT_EQ(cell.StatusOf(unmarked), HF_STORE_WON);
  cell.now += kLease;
  ASSERT_EQ(cell.StatusOf(Claim(kKey, 2, HF_ON_EXPIRY_TAKEOVER)), HF_STORE_WON);
  EXPECT_EQ(cell.StatusOf(testing::WithFingerprint(Claim(kKey, 3), "other")), HF_STORE_MISMATCH);
}

TEST(Record, DigestOfATruncatedBodyIsReplayedAsSuch) {
  Cell cell;
  const std::string digest(32, 'd');
  hf_store_request complete = Complete(kKey, cell.Win(1), digest);
  complete.truncated = 1;
  ASSERT_EQ(cell.StatusOf(complete), HF_STORE_OK);
  const hf_store_reply replay = cell.Apply(Claim(kKey, 2));
  EXPECT_EQ(replay.status, HF_STORE_REPLAY);
  EXPECT_EQ(replay.truncated, 1u);
}

TEST(Record, OwnNonceWinsAgainWithTheSameTokenAndLease) {
  Cell cell;
  const uint64_t token = cell.Win(1);
  cell.now += 2 * kLease;  // even after the lease, as long as nobody else came
  const hf_store_reply reply = cell.Apply(Claim(kKey, 1));
  EXPECT_EQ(reply.status, HF_STORE_WON);
  EXPECT_EQ(reply.token, token);
  EXPECT_EQ(reply.attempt, 1u);
  EXPECT_EQ(cell.change, HF_RECORD_KEEP);
}

TEST(Record, LeaseIsLiveToItsLastNanosecond) {
  Cell cell;
  cell.Win(1);
  cell.now += kLease - 1;
  const hf_store_reply busy = cell.Apply(Claim(kKey, 2));
  EXPECT_EQ(busy.status, HF_STORE_BUSY);
  EXPECT_EQ(busy.retry_after, 1);
  cell.now += 1;
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 2)), HF_STORE_IN_DOUBT);
  EXPECT_EQ(cell.record.state, HF_RECORD_IN_DOUBT);
  EXPECT_EQ(cell.record.expires_at, 0);
}

TEST(Record, OnExpiryIsTheOwnersWordNotTheClaimants) {
  Cell careful;
  careful.Win(1, HF_ON_EXPIRY_IN_DOUBT);
  careful.now += kLease;
  EXPECT_EQ(careful.StatusOf(Claim(kKey, 2, HF_ON_EXPIRY_TAKEOVER)), HF_STORE_IN_DOUBT);
  Cell idempotent;
  const uint64_t token = idempotent.Win(1, HF_ON_EXPIRY_TAKEOVER);
  idempotent.now += kLease;
  const hf_store_reply taken = idempotent.Apply(Claim(kKey, 2, HF_ON_EXPIRY_IN_DOUBT));
  EXPECT_EQ(taken.status, HF_STORE_WON);
  EXPECT_EQ(taken.attempt, 2u);
  EXPECT_GT(taken.token, token);
  EXPECT_EQ(idempotent.record.on_expiry, HF_ON_EXPIRY_IN_DOUBT);
}

TEST(Record, MaxAttemptsPoisonsATakeoverAndARetry) {
  Cell taken;
  hf_store_request claim = Claim(kKey, 1, HF_ON_EXPIRY_TAKEOVER);
  claim.max_attempts = 1;
  ASSERT_EQ(taken.StatusOf(claim), HF_STORE_WON);
  taken.now += kLease;
  claim.nonce[0] = 2;
  EXPECT_EQ(taken.StatusOf(claim), HF_STORE_POISON);
  EXPECT_EQ(taken.record.state, HF_RECORD_IN_DOUBT);
  EXPECT_EQ(taken.StatusOf(claim), HF_STORE_IN_DOUBT);
  Cell retried;
  const uint64_t token = retried.Win(1);
  ASSERT_EQ(retried.StatusOf(Fail(kKey, token, HF_EFFECT_RETRYABLE, HF_S)), HF_STORE_OK);
  EXPECT_EQ(retried.StatusOf(claim), HF_STORE_BACKOFF);
  retried.now += HF_S;
  EXPECT_EQ(retried.StatusOf(claim), HF_STORE_POISON);
}

TEST(Record, RetryableHoldsBackUntilNotBefore) {
  Cell cell;
  const uint64_t token = cell.Win(1);
  ASSERT_EQ(cell.StatusOf(Fail(kKey, token, HF_EFFECT_RETRYABLE, HF_S)), HF_STORE_OK);
  EXPECT_EQ(cell.record.state, HF_RECORD_RETRYABLE);
  cell.now += HF_S - 1;
  const hf_store_reply early = cell.Apply(Claim(kKey, 2));
  EXPECT_EQ(early.status, HF_STORE_BACKOFF);
  EXPECT_EQ(early.retry_after, 1);
  cell.now += 1;
  const hf_store_reply won = cell.Apply(Claim(kKey, 2));
  EXPECT_EQ(won.status, HF_STORE_WON);
  EXPECT_EQ(won.attempt, 2u);
  EXPECT_GT(won.token, token);
}

TEST(Record, BackoffOutlivesAShortLife) {
  Cell cell;
  hf_store_request fail = Fail(kKey, cell.Win(1), HF_EFFECT_RETRYABLE, 10 * kTtl);
  ASSERT_EQ(cell.StatusOf(fail), HF_STORE_OK);
  cell.now += kTtl;
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 2)), HF_STORE_BACKOFF);
}

TEST(Record, NoBackoffStaysNoneWhenTheClockStepsBack) {
  Cell cell;
  ASSERT_EQ(cell.StatusOf(Fail(kKey, cell.Win(1), HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  cell.now -= 3600 * HF_S;
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 2)), HF_STORE_WON);
}

TEST(Record, CompletedIsReplayedAndCompletedAgainIsAlready) {
  Cell cell;
  const uint64_t token = cell.Win(1);
  hf_store_request complete = Complete(kKey, token, "answer", HF_NOT_FOUND);
  ASSERT_EQ(cell.StatusOf(complete), HF_STORE_OK);
  EXPECT_EQ(cell.record.expires_at, cell.now + kTtl);
  const int64_t completed_at = cell.now;
  cell.now += HF_S;
  EXPECT_EQ(cell.StatusOf(Complete(kKey, token, "other")), HF_STORE_ALREADY);
  EXPECT_EQ(cell.change, HF_RECORD_KEEP);
  EXPECT_EQ(cell.StatusOf(Complete(kKey, token + 1, "other")), HF_STORE_FENCED);
  const hf_store_reply replay = cell.Apply(Claim(kKey, 2));
  EXPECT_EQ(replay.status, HF_STORE_REPLAY);
  EXPECT_EQ(std::string_view(replay.body.data, replay.body.size), "answer");
  EXPECT_EQ(replay.code, HF_NOT_FOUND);
  EXPECT_EQ(replay.completed_at, completed_at);
}

TEST(Record, ExpiredIsAsAbsentWithAHigherToken) {
  for (const bool completed : {true, false}) {
    Cell cell;
    const uint64_t token = cell.Win(1);
    cell.Apply(completed ? Complete(kKey, token, "x") : Fail(kKey, token, HF_EFFECT_RETRYABLE));
    cell.now += kTtl;
    const hf_store_reply read = cell.Apply(Read(kKey));
    EXPECT_EQ(read.status, HF_STORE_ABSENT);
    EXPECT_EQ(read.state, HF_RECORD_ABSENT);
    cell.now -= 2 * kTtl;  // even if the clock then says that the token is of the future
    cell.record.expires_at = cell.now;
    const hf_store_reply won =
        cell.Apply(testing::WithFingerprint(Claim(kKey, 2), "another request"));
    EXPECT_EQ(won.status, HF_STORE_WON);
    EXPECT_EQ(won.attempt, 1u);
    EXPECT_EQ(won.token, token + 1);
    EXPECT_EQ(cell.record.body.size, 0u);
  }
}

TEST(Record, TimeNeverFreesALeaseOrADoubt) {
  Cell cell;
  cell.Win(1);
  cell.record.expires_at = 1;
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 2)), HF_STORE_BUSY);
  cell.now += 1000 * kTtl;
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 2)), HF_STORE_IN_DOUBT);
  cell.record.expires_at = 1;
  EXPECT_EQ(cell.StatusOf(Claim(kKey, 3)), HF_STORE_IN_DOUBT);
}

TEST(Record, OnlyTheHolderOfTheTokenSettles) {
  Cell cell;
  EXPECT_EQ(cell.StatusOf(Renew(kKey, 1)), HF_STORE_FENCED);
  EXPECT_EQ(cell.StatusOf(Complete(kKey, 1, "x")), HF_STORE_FENCED);
  const uint64_t token = cell.Win(1);
  for (const uint64_t stale : {token - 1, token + 1, uint64_t{0}}) {
    EXPECT_EQ(cell.StatusOf(Renew(kKey, stale)), HF_STORE_FENCED);
    EXPECT_EQ(cell.StatusOf(Complete(kKey, stale, "x")), HF_STORE_FENCED);
    EXPECT_EQ(cell.StatusOf(Fail(kKey, stale, HF_EFFECT_RETRYABLE)), HF_STORE_FENCED);
    EXPECT_EQ(cell.StatusOf(Abandon(kKey, stale)), HF_STORE_FENCED);
    EXPECT_EQ(cell.change, HF_RECORD_KEEP);
  }
  EXPECT_EQ(cell.StatusOf(Complete(kKey, token, "x")), HF_STORE_OK);
  EXPECT_EQ(cell.StatusOf(Fail(kKey, token, HF_EFFECT_RETRYABLE)), HF_STORE_FENCED);
  EXPECT_EQ(cell.StatusOf(Abandon(kKey, token)), HF_STORE_FENCED);
  EXPECT_EQ(cell.StatusOf(Renew(kKey, token)), HF_STORE_FENCED);
}

TEST(Record, RenewalIsFromTheStoresNow) {
  Cell cell;
  const uint64_t token = cell.Win(1);
  cell.now += kLease + HF_S;
  EXPECT_EQ(cell.StatusOf(Renew(kKey, token)), HF_STORE_OK);
  EXPECT_EQ(cell.record.lease_until, cell.now + kLease);
}

TEST(Record, AbandonErasesAndTheTokenIsRemembered) {
  Cell cell;
  const uint64_t token = cell.Win(1);
  EXPECT_EQ(cell.StatusOf(Abandon(kKey, token)), HF_STORE_OK);
  EXPECT_EQ(cell.change, HF_RECORD_ERASE);
  EXPECT_EQ(cell.floor, token);
  cell.now -= HF_S;
  EXPECT_EQ(cell.Win(2), token + 1);
}

TEST(Record, AmbiguousFailureFollowsTheOwnersWord) {
  Cell careful;
  ASSERT_EQ(careful.StatusOf(Fail(kKey, careful.Win(1), HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  EXPECT_EQ(careful.record.state, HF_RECORD_IN_DOUBT);
  EXPECT_EQ(careful.record.code, HF_UNAVAILABLE);
  Cell idempotent;
  const uint64_t token = idempotent.Win(1, HF_ON_EXPIRY_TAKEOVER);
  ASSERT_EQ(idempotent.StatusOf(Fail(kKey, token, HF_EFFECT_AMBIGUOUS, HF_S)), HF_STORE_OK);
  EXPECT_EQ(idempotent.record.state, HF_RECORD_RETRYABLE);
  EXPECT_EQ(idempotent.record.not_before, idempotent.now + HF_S);
}

TEST(Record, ResolvingADoubtRaisesTheTokenAndFencesItsOwner) {
  for (const hf_effect effect : {HF_EFFECT_FINAL, HF_EFFECT_RETRYABLE, HF_EFFECT_NOT_STARTED}) {
    Cell cell;
    const uint64_t token = cell.Win(1);
    ASSERT_EQ(cell.StatusOf(Fail(kKey, token, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
    const hf_store_reply reply = cell.Apply(Resolve(kKey, effect, "found"));
    EXPECT_EQ(reply.status, HF_STORE_OK);
    EXPECT_GT(reply.token, token);
    EXPECT_EQ(cell.StatusOf(Complete(kKey, token, "late")), HF_STORE_FENCED);
    EXPECT_EQ(cell.StatusOf(Resolve(kKey, effect)),
              effect == HF_EFFECT_NOT_STARTED ? HF_STORE_ABSENT : HF_STORE_FENCED);
  }
}

TEST(Record, ResolvingAsRetryGivesAFreshAllowanceOfAttempts) {
  Cell cell;
  hf_store_request claim = Claim(kKey, 1);
  claim.max_attempts = 1;
  const hf_store_reply won = cell.Apply(claim);
  ASSERT_EQ(cell.StatusOf(Fail(kKey, won.token, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  ASSERT_EQ(cell.StatusOf(Resolve(kKey, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  claim.nonce[0] = 2;
  const hf_store_reply again = cell.Apply(claim);
  EXPECT_EQ(again.status, HF_STORE_WON);
  EXPECT_EQ(again.attempt, 1u);
}

TEST(Record, LapsedLeaseNobodyAskedAboutCanBeResolved) {
  Cell careful;
  careful.Win(1);
  EXPECT_EQ(careful.StatusOf(Resolve(kKey, HF_EFFECT_FINAL)), HF_STORE_FENCED);
  careful.now += kLease;
  EXPECT_EQ(careful.StatusOf(Resolve(kKey, HF_EFFECT_FINAL, "found")), HF_STORE_OK);
  EXPECT_EQ(careful.body, "found");
  Cell idempotent;
  idempotent.Win(1, HF_ON_EXPIRY_TAKEOVER);
  idempotent.now += kLease;
  EXPECT_EQ(idempotent.StatusOf(Resolve(kKey, HF_EFFECT_FINAL)), HF_STORE_FENCED);
}

TEST(Record, ReadChangesNothing) {
  Cell cell;
  hf_store_request read = Claim(kKey, 2);
  read.verb = HF_STORE_READ;
  EXPECT_EQ(cell.StatusOf(read), HF_STORE_ABSENT);
  EXPECT_FALSE(cell.present);
  cell.Win(1, HF_ON_EXPIRY_TAKEOVER);
  EXPECT_EQ(cell.StatusOf(read), HF_STORE_BUSY);
  read.nonce[0] = 1;
  EXPECT_EQ(cell.StatusOf(read), HF_STORE_WON);
  read.nonce[0] = 2;
  read.nonce[0] = 0;  // nobody's: never the owner's
  EXPECT_EQ(cell.StatusOf(read), HF_STORE_BUSY);
  cell.now += kLease;
  EXPECT_EQ(cell.StatusOf(read), HF_STORE_ABSENT);
  read.max_attempts = 0;  // a reader that does not care
  EXPECT_EQ(cell.StatusOf(read), HF_STORE_ABSENT);
  read.max_attempts = 1;
  EXPECT_EQ(cell.StatusOf(read), HF_STORE_POISON);
  EXPECT_EQ(cell.change, HF_RECORD_KEEP);
  EXPECT_EQ(cell.record.state, HF_RECORD_IN_PROGRESS);
  EXPECT_EQ(cell.StatusOf(testing::WithFingerprint(read, "other")), HF_STORE_MISMATCH);
}

constexpr int64_t kNow = 1700000000 * HF_S;

// Applies to `old`, into memory full of something else.
hf_record ApplyElsewhere(const hf_record* old, const hf_store_request& request, int64_t now) {
  hf_record next;
  std::memset(&next, 0x5a, sizeof(next));
  hf_record_change change;
  hf_store_reply reply;
  EXPECT_EQ(hf_record_apply(old, &request, now, 0, &next, &change, &reply), HF_OK);
  EXPECT_EQ(change, HF_RECORD_WRITE);
  return next;
}

TEST(Record, NewRecordOwesNothingToTheMemoryItIsWrittenTo) {
  const hf_record fresh = ApplyElsewhere(nullptr, Claim(kKey, 1), kNow);
  hf_record clean{};
  hf_record_change change;
  hf_store_reply reply;
  const hf_store_request claim = Claim(kKey, 1);
  ASSERT_EQ(hf_record_apply(nullptr, &claim, kNow, 0, &clean, &change, &reply), HF_OK);
  EXPECT_EQ(std::memcmp(&fresh, &clean, sizeof(clean)), 0);
}

TEST(Record, NextMayBeTheOldRecordItself) {
  const hf_store_request claim = Claim(kKey, 1, HF_ON_EXPIRY_TAKEOVER);
  const hf_record won = ApplyElsewhere(nullptr, claim, kNow);
  const hf_store_request requests[] = {
      Renew(kKey, won.token),
      testing::Checkpoint(kKey, won.token, "half"),
      Complete(kKey, won.token, "result"),
      Fail(kKey, won.token, HF_EFFECT_RETRYABLE),
      Fail(kKey, won.token, HF_EFFECT_AMBIGUOUS),
      testing::Release(kKey, HF_EFFECT_RETRYABLE),
      Claim(kKey, 2, HF_ON_EXPIRY_RECONCILE),
  };
  for (const hf_store_request& request : requests) {
    const int64_t now = kNow + (request.verb == HF_STORE_CLAIM ? 2 * kLease : 1);
    const hf_record elsewhere = ApplyElsewhere(&won, request, now);
    hf_record in_place = won;
    hf_record_change change;
    hf_store_reply reply;
    ASSERT_EQ(hf_record_apply(&in_place, &request, now, 0, &in_place, &change, &reply), HF_OK);
    EXPECT_EQ(std::memcmp(&in_place, &elsewhere, sizeof(in_place)), 0) << request.verb;
  }
}

TEST(Record, NextIsUntouchedWhereNothingIsToBeWritten) {
  const hf_record won = ApplyElsewhere(nullptr, Claim(kKey, 1), kNow);
  hf_store_request read = Claim(kKey, 2);
  read.verb = HF_STORE_READ;
  hf_record untouched;
  std::memset(&untouched, 0x5a, sizeof(untouched));
  for (const hf_record* old : {static_cast<const hf_record*>(nullptr), &won}) {
    for (const hf_store_request& request : {read, Renew(kKey, won.token + 1), Read(kKey)}) {
      hf_record next = untouched;
      hf_record_change change;
      hf_store_reply reply;
      ASSERT_EQ(hf_record_apply(old, &request, kNow, 0, &next, &change, &reply), HF_OK);
      EXPECT_EQ(change, HF_RECORD_KEEP);
      EXPECT_EQ(std::memcmp(&next, &untouched, sizeof(next)), 0);
    }
  }
}

}  // namespace
}  // namespace holdfast
