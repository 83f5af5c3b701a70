// SPDX-License-Identifier: Apache-2.0
// The way to RUN: claiming, waiting, what each answer of the store means.
#include <gtest/gtest.h>
#include <holdfast/c/idempotency.h>

#include <cstring>
#include <set>
#include <string>

#include "unit/idem_machine.h"

namespace holdfast {
namespace {

using testing::ExpectFinish;
using testing::IdemMachine;

TEST(Idem, ClaimsFirstWithWhatTheOptionsSay) {
  IdemMachine machine;
  machine.options.ttl = 60 * HF_S;
  machine.options.max_attempts = 3;
  machine.options.on_expiry = HF_ON_EXPIRY_TAKEOVER;
  ASSERT_EQ(machine.Start(), HF_OK);
  EXPECT_EQ(machine.action.kind, HF_DO_STORE);
  const hf_store_request request = machine.Asked();
  EXPECT_EQ(request.verb, HF_STORE_CLAIM);
  EXPECT_EQ(std::memcmp(request.key_id, machine.options.key_id, 32), 0);
  EXPECT_EQ(std::memcmp(request.fingerprint, machine.options.fingerprint, 32), 0);
  EXPECT_EQ(std::memcmp(request.nonce, machine.options.nonce, 16), 0);
  EXPECT_EQ(request.lease, 10 * HF_S);
  EXPECT_EQ(request.ttl, 60 * HF_S);
  EXPECT_EQ(request.max_attempts, 3u);
  EXPECT_EQ(request.on_expiry, HF_ON_EXPIRY_TAKEOVER);
}

TEST(Idem, DefaultsAreTheDocumentedOnes) {
  IdemMachine machine;
  machine.options.lease = 0;
  ASSERT_EQ(machine.Start(), HF_OK);
  const hf_store_request request = machine.Asked();
  EXPECT_EQ(request.lease, 30 * HF_S);
  EXPECT_EQ(request.ttl, 24 * 3600 * HF_S);
  EXPECT_EQ(request.max_attempts, 10u);
  EXPECT_EQ(request.on_expiry, HF_ON_EXPIRY_IN_DOUBT);
}

TEST(Idem, LeaseIsCountedFromBeforeTheClaimLessATenth) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  machine.now += 2 * HF_S;  // the store took its time
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  EXPECT_EQ(machine.action.kind, HF_DO_RUN);
  EXPECT_EQ(machine.action.until, IdemMachine::kStart + 9 * HF_S);
  EXPECT_EQ(machine.action.attempt, 1u);
  const hf_idem_snapshot snapshot = machine.Snapshot();
  EXPECT_EQ(snapshot.token, IdemMachine::kToken);
  EXPECT_EQ(snapshot.lease_until, IdemMachine::kStart + 9 * HF_S);
  EXPECT_EQ(snapshot.ran, 0);
}

TEST(Idem, StoreIsNotWaitedForBeyondTheLeaseOrTheDeadline) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  EXPECT_EQ(machine.action.until, IdemMachine::kStart + 9 * HF_S);
  IdemMachine hurried;
  hurried.options.deadline = IdemMachine::kStart + HF_S;
  ASSERT_EQ(hurried.Start(), HF_OK);
  EXPECT_EQ(hurried.action.until, IdemMachine::kStart + HF_S);
}

TEST(Idem, PastDeadlineFinishesWithoutAsking) {
  IdemMachine machine;
  machine.options.deadline = machine.now;
  ASSERT_EQ(machine.Start(), HF_OK);
  ExpectFinish(machine.action, HF_DEADLINE_EXCEEDED, HF_R_DEADLINE);
}

TEST(Idem, ReplayCarriesTheStoredCode) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  hf_store_reply reply{};
  reply.status = HF_STORE_REPLAY;
  reply.token = 7;
  reply.attempt = 2;
  ASSERT_EQ(machine.Reply(reply), HF_OK);
  ExpectFinish(machine.action, HF_OK, HF_R_NONE);
  EXPECT_EQ(machine.Snapshot().replayed, 1);
  EXPECT_EQ(machine.Snapshot().ran, 0);
  EXPECT_EQ(machine.Snapshot().token, 7u);
  EXPECT_EQ(machine.action.attempt, 2u);
  IdemMachine refused;
  ASSERT_EQ(refused.Start(), HF_OK);
  reply.code = HF_NOT_FOUND;
  ASSERT_EQ(refused.Reply(reply), HF_OK);
  ExpectFinish(refused.action, HF_NOT_FOUND, HF_R_NOT_RETRYABLE);
  EXPECT_EQ(refused.Snapshot().result_code, HF_NOT_FOUND);
  IdemMachine oversize;
  ASSERT_EQ(oversize.Start(), HF_OK);
  reply.code = HF_OK;
  reply.truncated = 1;
  ASSERT_EQ(oversize.Reply(reply), HF_OK);
  ExpectFinish(oversize.action, HF_OK, HF_R_IDEM_OVERSIZE);
}

TEST(Idem, EachRefusalOfAClaimHasItsOwnCodeAndReason) {
  struct Row {
    hf_store_status status;
    hf_code code;
    hf_reason reason;
    hf_duration retry_after;
  };
  for (const Row& row :
       {Row{HF_STORE_BUSY, HF_ABORTED, HF_R_IDEM_BUSY, HF_S},
        Row{HF_STORE_BACKOFF, HF_UNAVAILABLE, HF_R_IDEM_BACKOFF, HF_S},
        Row{HF_STORE_MISMATCH, HF_INVALID_ARGUMENT, HF_R_IDEM_MISMATCH, 0},
        Row{HF_STORE_IN_DOUBT, HF_FAILED_PRECONDITION, HF_R_IDEM_IN_DOUBT, 0},
        Row{HF_STORE_POISON, HF_FAILED_PRECONDITION, HF_R_IDEM_POISON, 0},
        Row{HF_STORE_UNAVAILABLE, HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, HF_S},
        Row{HF_STORE_LOCKED, HF_UNAVAILABLE, HF_R_STORE_LOCKED, HF_S},
        Row{HF_STORE_OVERLOADED, HF_RESOURCE_EXHAUSTED, HF_R_STORE_OVERLOADED, HF_S},
        Row{HF_STORE_FULL, HF_RESOURCE_EXHAUSTED, HF_R_STORE_FULL, HF_S},
        Row{HF_STORE_CORRUPT, HF_DATA_LOSS, HF_R_STORE_CORRUPT, 0},
        Row{HF_STORE_ERASED, HF_FAILED_PRECONDITION, HF_R_STORE_ERASED, 0}}) {
    IdemMachine machine;
    ASSERT_EQ(machine.Start(), HF_OK);
    ASSERT_EQ(machine.Reply(row.status, HF_S), HF_OK) << row.status;
    ExpectFinish(machine.action, row.code, row.reason, row.retry_after);
    EXPECT_EQ(machine.Snapshot().ran, 0);
  }
}

TEST(Idem, IndeterminateClaimIsAskedAgainTwiceUnderTheSameNonce) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
    ASSERT_EQ(machine.action.kind, HF_DO_STORE);
    EXPECT_EQ(machine.Asked().verb, HF_STORE_CLAIM);
    EXPECT_EQ(std::memcmp(machine.Asked().nonce, machine.options.nonce, 16), 0);
  }
  ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
  ExpectFinish(machine.action, HF_UNKNOWN, HF_R_STORE_INDETERMINATE);
  EXPECT_EQ(machine.Snapshot().ran, 0);
}

TEST(Idem, ClaimThatMayStandIsNeverReportedAsUnavailable) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_UNAVAILABLE), HF_OK);
  ASSERT_EQ(machine.action.kind, HF_DO_STORE);
  ASSERT_EQ(machine.Reply(HF_STORE_LOCKED), HF_OK);
  ExpectFinish(machine.action, HF_UNKNOWN, HF_R_STORE_INDETERMINATE);
}

TEST(Idem, IndeterminateClaimPastTheDeadlineIsNotAskedAgain) {
  IdemMachine machine;
  machine.options.deadline = machine.now + HF_S;
  ASSERT_EQ(machine.Start(), HF_OK);
  machine.now += HF_S;
  ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
  ExpectFinish(machine.action, HF_UNKNOWN, HF_R_STORE_INDETERMINATE);
}

TEST(Idem, LeaseOfAReaskedClaimIsCountedFromTheFirst) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  machine.now += 4 * HF_S;
  ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  EXPECT_EQ(machine.action.until, IdemMachine::kStart + 9 * HF_S);
}

TEST(Idem, ClaimWonTooLateIsRenewedBeforeTheWorkRuns) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  machine.now += 9 * HF_S;
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  ASSERT_EQ(machine.action.kind, HF_DO_STORE);
  EXPECT_EQ(machine.Asked().verb, HF_STORE_RENEW);
  EXPECT_EQ(machine.Asked().token, IdemMachine::kToken);
  machine.now += HF_S;
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  EXPECT_EQ(machine.action.kind, HF_DO_RUN);
  EXPECT_EQ(machine.action.until, IdemMachine::kStart + 18 * HF_S);
}

TEST(Idem, LateClaimThatCannotBeRenewedIsGivenBackUnrun) {
  for (const hf_store_status status : {HF_STORE_UNAVAILABLE, HF_STORE_INDETERMINATE}) {
    IdemMachine machine;
    ASSERT_EQ(machine.Start(), HF_OK);
    machine.now += 9 * HF_S;
    ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
    ASSERT_EQ(machine.Reply(status), HF_OK);
    EXPECT_EQ(machine.Asked().verb, HF_STORE_ABANDON);
    ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
    ExpectFinish(machine.action, HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE);
  }
  IdemMachine slow;
  ASSERT_EQ(slow.Start(), HF_OK);
  slow.now += 9 * HF_S;
  ASSERT_EQ(slow.Reply(HF_STORE_WON), HF_OK);
  slow.now += 9 * HF_S;
  ASSERT_EQ(slow.Reply(HF_STORE_OK), HF_OK);
  EXPECT_EQ(slow.Asked().verb, HF_STORE_ABANDON);
  IdemMachine fenced;
  ASSERT_EQ(fenced.Start(), HF_OK);
  fenced.now += 9 * HF_S;
  ASSERT_EQ(fenced.Reply(HF_STORE_WON), HF_OK);
  ASSERT_EQ(fenced.Reply(HF_STORE_FENCED), HF_OK);
  ExpectFinish(fenced.action, HF_ABORTED, HF_R_IDEM_FENCED);
  IdemMachine corrupt;
  ASSERT_EQ(corrupt.Start(), HF_OK);
  corrupt.now += 9 * HF_S;
  ASSERT_EQ(corrupt.Reply(HF_STORE_WON), HF_OK);
  EXPECT_EQ(corrupt.Reply(HF_STORE_REPLAY), HF_INVALID_ARGUMENT);
  ASSERT_EQ(corrupt.Reply(HF_STORE_CORRUPT), HF_OK);
  ExpectFinish(corrupt.action, HF_DATA_LOSS, HF_R_STORE_CORRUPT);
}

TEST(Idem, WinAfterTheDeadlineIsGivenBackUnrun) {
  IdemMachine machine;
  machine.options.deadline = machine.now + HF_S;
  ASSERT_EQ(machine.Start(), HF_OK);
  machine.now += HF_S;
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  EXPECT_EQ(machine.Asked().verb, HF_STORE_ABANDON);
  EXPECT_EQ(machine.Asked().token, IdemMachine::kToken);
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  ExpectFinish(machine.action, HF_DEADLINE_EXCEEDED, HF_R_DEADLINE);
  EXPECT_EQ(machine.Snapshot().ran, 0);
}

TEST(Idem, WinAfterBothTheLeaseAndTheDeadlineIsNotRenewed) {
  IdemMachine machine;
  machine.options.deadline = machine.now + HF_S;
  ASSERT_EQ(machine.Start(), HF_OK);
  machine.now += 20 * HF_S;
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  EXPECT_EQ(machine.Asked().verb, HF_STORE_ABANDON);
}

TEST(Idem, BusyIsWaitedForWithinMaxWaitOnly) {
  IdemMachine machine;
  machine.options.max_wait = 2 * HF_S;
  ASSERT_EQ(machine.Start(), HF_OK);
  int polls = 0;
  while (true) {
    ASSERT_EQ(machine.Reply(HF_STORE_BUSY, 5 * HF_S), HF_OK);
    if (machine.action.kind == HF_DO_FINISH) break;
    ASSERT_EQ(machine.action.kind, HF_DO_SLEEP);
    ASSERT_GT(machine.action.until, machine.now);
    ASSERT_LE(machine.action.until - machine.now, 250 * HF_MS);
    machine.now = machine.action.until;
    ASSERT_EQ(machine.Time(), HF_OK);
    EXPECT_EQ(machine.Asked().verb, HF_STORE_CLAIM);
    ++polls;
  }
  ExpectFinish(machine.action, HF_ABORTED, HF_R_IDEM_BUSY, 5 * HF_S);
  EXPECT_EQ(machine.now, IdemMachine::kStart + 2 * HF_S);
  EXPECT_GE(polls, 10);
}

TEST(Idem, WaitingIsJitteredBySeedAndNoLongerThanTheLease) {
  std::set<hf_time> wakes;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    IdemMachine machine;
    machine.options.seed = seed;
    machine.options.max_wait = HF_S;
    ASSERT_EQ(machine.Start(), HF_OK);
    ASSERT_EQ(machine.Reply(HF_STORE_BUSY, HF_S), HF_OK);
    EXPECT_GE(machine.action.until - machine.now, 2500 * HF_US);
    EXPECT_LE(machine.action.until - machine.now, 5 * HF_MS);
    wakes.insert(machine.action.until);
  }
  EXPECT_GT(wakes.size(), 40u);
  IdemMachine ending;
  ending.options.max_wait = HF_S;
  ASSERT_EQ(ending.Start(), HF_OK);
  ASSERT_EQ(ending.Reply(HF_STORE_BUSY, 1), HF_OK);
  EXPECT_EQ(ending.action.until, ending.now + HF_MS);
}

TEST(Idem, EarlyWakeSleepsOn) {
  IdemMachine machine;
  machine.options.max_wait = HF_S;
  ASSERT_EQ(machine.Start(), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_BUSY, HF_S), HF_OK);
  const hf_time until = machine.action.until;
  machine.now = until - 1;
  ASSERT_EQ(machine.Time(), HF_OK);
  EXPECT_EQ(machine.action.kind, HF_DO_SLEEP);
  EXPECT_EQ(machine.action.until, until);
}

TEST(Idem, DeadlineEndsTheWait) {
  IdemMachine machine;
  machine.options.max_wait = HF_INFINITE;
  machine.options.deadline = machine.now + HF_MS;
  ASSERT_EQ(machine.Start(), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_BUSY, 5 * HF_S), HF_OK);
  EXPECT_EQ(machine.action.until, machine.options.deadline);
  machine.now = machine.action.until;
  ASSERT_EQ(machine.Time(), HF_OK);
  ExpectFinish(machine.action, HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 5 * HF_S);
}

TEST(Idem, LeaseWonAfterALostClaimAndAWaitIsRenewedFirst) {
  IdemMachine machine;
  machine.options.max_wait = 60 * HF_S;
  ASSERT_EQ(machine.Start(), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_BUSY, 5 * HF_S), HF_OK);
  machine.now += 20 * HF_S;
  ASSERT_EQ(machine.Time(), HF_OK);
  // The lost claim may have arrived only now, and this may be its lease.
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  EXPECT_EQ(machine.Asked().verb, HF_STORE_RENEW);
}

TEST(Idem, ClockThatStepsBackStandsStill) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  machine.now -= 100 * HF_S;
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  EXPECT_EQ(machine.action.until, IdemMachine::kStart + 9 * HF_S);
}

TEST(Idem, WakeAsksAtOnceAndLeavesOtherSleepsAlone) {
  IdemMachine machine;
  machine.options.max_wait = 60 * HF_S;
  machine.options.deadline = IdemMachine::kStart + 60 * HF_S;
  ASSERT_EQ(machine.Start(), HF_OK);
  EXPECT_EQ(hf_idem_on_wake(&machine.idem, machine.now, &machine.action), HF_INVALID_ARGUMENT);
  ASSERT_EQ(machine.Reply(HF_STORE_BUSY, 10 * HF_S), HF_OK);
  ASSERT_EQ(machine.action.kind, HF_DO_SLEEP);
  ASSERT_EQ(hf_idem_on_wake(&machine.idem, machine.now, &machine.action), HF_OK);
  ASSERT_EQ(machine.action.kind, HF_DO_STORE);
  EXPECT_EQ(machine.Asked().verb, HF_STORE_CLAIM);
  ASSERT_EQ(machine.Reply(HF_STORE_BUSY, 10 * HF_S), HF_OK);
  machine.now += 60 * HF_S;
  ASSERT_EQ(hf_idem_on_wake(&machine.idem, machine.now, &machine.action), HF_OK);
  ExpectFinish(machine.action, HF_DEADLINE_EXCEEDED, HF_R_DEADLINE, 10 * HF_S);
  IdemMachine pausing;
  pausing.Win();
  ASSERT_EQ(pausing.Result(HF_OK), HF_OK);
  ASSERT_EQ(pausing.Reply(HF_STORE_UNAVAILABLE), HF_OK);
  ASSERT_EQ(pausing.action.kind, HF_DO_SLEEP);
  const hf_time until = pausing.action.until;
  ASSERT_EQ(hf_idem_on_wake(&pausing.idem, until, &pausing.action), HF_OK);
  EXPECT_EQ(pausing.action.kind, HF_DO_SLEEP);
  EXPECT_EQ(pausing.action.until, until);
}

TEST(Idem, LabelGoesWithTheClaimOnly) {
  IdemMachine machine;
  machine.options.label = {"tenant", 6};
  ASSERT_EQ(machine.Start(), HF_OK);
  const hf_str label = machine.Asked().label;
  EXPECT_EQ(std::string_view(label.data, label.size), "tenant");
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  ASSERT_EQ(machine.Result(HF_OK), HF_OK);
  EXPECT_EQ(machine.Asked().label.size, 0u);
}

}  // namespace
}  // namespace holdfast
