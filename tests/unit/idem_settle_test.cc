// SPDX-License-Identifier: Apache-2.0
// The way from RUN to FINISH: results, renewals, lost replies, aborts.
#include <gtest/gtest.h>
#include <holdfast/c/idempotency.h>

#include <cstring>
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

TEST(IdemSettle, ResultIsCompletedWithItsBytes) {
  IdemMachine machine;
  machine.Win();
  ASSERT_EQ(machine.Result(HF_OK, HF_EFFECT_DERIVE, "answer"), HF_OK);
  ASSERT_EQ(machine.action.kind, HF_DO_STORE);
  EXPECT_EQ(machine.action.until, 0);
  const hf_store_request request = machine.Asked();
  EXPECT_EQ(request.verb, HF_STORE_COMPLETE);
  EXPECT_EQ(request.token, IdemMachine::kToken);
  EXPECT_EQ(BodyOf(request), "answer");
  EXPECT_EQ(request.truncated, 0u);
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  ExpectFinish(machine.action, HF_OK, HF_R_NONE);
  EXPECT_EQ(machine.Snapshot().ran, 1);
  EXPECT_EQ(machine.Snapshot().replayed, 0);
}

TEST(IdemSettle, IdentityIsFrozenAtTheStart) {
  IdemMachine machine;
  const hf_idem_options original = machine.options;
  machine.Win();
  std::memset(machine.options.key_id, 9, sizeof(machine.options.key_id));
  std::memset(machine.options.fingerprint, 9, sizeof(machine.options.fingerprint));
  ASSERT_EQ(machine.Result(HF_OK), HF_OK);
  EXPECT_EQ(std::memcmp(machine.Asked().key_id, original.key_id, 32), 0);
  EXPECT_EQ(std::memcmp(machine.Asked().fingerprint, original.fingerprint, 32), 0);
}

TEST(IdemSettle, EachEffectIsStoredInItsWay) {
  struct Row {
    hf_code code;
    hf_effect effect;
    hf_on_expiry on_expiry;
    hf_store_verb verb;
    hf_reason reason;
    int32_t ran;
  };
  constexpr hf_on_expiry kDoubt = HF_ON_EXPIRY_IN_DOUBT, kTake = HF_ON_EXPIRY_TAKEOVER;
  for (const Row& row :
       {Row{HF_NOT_FOUND, HF_EFFECT_DERIVE, kDoubt, HF_STORE_COMPLETE, HF_R_NOT_RETRYABLE, 1},
        Row{HF_UNAVAILABLE, HF_EFFECT_FINAL, kDoubt, HF_STORE_COMPLETE, HF_R_NOT_RETRYABLE, 1},
        Row{HF_RESOURCE_EXHAUSTED, HF_EFFECT_DERIVE, kDoubt, HF_STORE_FAIL, HF_R_IDEM_BACKOFF, 1},
        Row{HF_UNAVAILABLE, HF_EFFECT_DERIVE, kDoubt, HF_STORE_FAIL, HF_R_IDEM_IN_DOUBT, 1},
        Row{HF_UNAVAILABLE, HF_EFFECT_DERIVE, kTake, HF_STORE_FAIL, HF_R_IDEM_BACKOFF, 1},
        Row{HF_UNAVAILABLE, HF_EFFECT_NOT_STARTED, kDoubt, HF_STORE_ABANDON, HF_R_NONE, 0}}) {
    IdemMachine machine;
    machine.options.on_expiry = row.on_expiry;
    machine.Win();
    ASSERT_EQ(machine.Result(row.code, row.effect, "text", HF_S), HF_OK);
    const hf_store_request request = machine.Asked();
    EXPECT_EQ(request.verb, row.verb);
    EXPECT_EQ(BodyOf(request), row.verb == HF_STORE_COMPLETE ? "text" : "");
    if (row.verb == HF_STORE_FAIL) {
      EXPECT_EQ(request.retry_after, HF_S);
      EXPECT_EQ(request.code, row.code);
    }
    ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
    ExpectFinish(machine.action, row.code, row.reason, row.verb == HF_STORE_COMPLETE ? 0 : HF_S);
    EXPECT_EQ(machine.Snapshot().ran, row.ran);
  }
}

TEST(IdemSettle, OversizeBodyIsStoredAsItsDigestAndNeverAnError) {
  IdemMachine machine;
  machine.options.max_body = 100;
  machine.Win();
  const std::string body(101, 'x');
  ASSERT_EQ(machine.Result(HF_OK, HF_EFFECT_DERIVE, body), HF_OK);
  uint8_t digest[32];
  hf_idem_fingerprint(body.data(), body.size(), digest);
  const hf_store_request request = machine.Asked();
  EXPECT_EQ(request.truncated, 1u);
  ASSERT_EQ(request.body.size, 32u);
  EXPECT_EQ(std::memcmp(request.body.data, digest, 32), 0);
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  ExpectFinish(machine.action, HF_OK, HF_R_IDEM_OVERSIZE);
  IdemMachine exact;
  exact.options.max_body = 101;
  exact.Win();
  ASSERT_EQ(exact.Result(HF_OK, HF_EFFECT_DERIVE, body), HF_OK);
  EXPECT_EQ(exact.Asked().truncated, 0u);
  IdemMachine by_default;
  by_default.Win();
  const std::string large(64 * 1024 + 1, 'x');
  ASSERT_EQ(by_default.Result(HF_OK, HF_EFFECT_DERIVE, large), HF_OK);
  EXPECT_EQ(by_default.Asked().truncated, 1u);
}

TEST(IdemSettle, FencedResultIsReportedAndNotStored) {
  for (const hf_code code : {HF_OK, HF_UNAVAILABLE}) {
    IdemMachine machine;
    machine.Win();
    ASSERT_EQ(machine.Result(code), HF_OK);
    ASSERT_EQ(machine.Reply(HF_STORE_FENCED), HF_OK);
    ExpectFinish(machine.action, HF_ABORTED, HF_R_IDEM_FENCED);
    EXPECT_EQ(machine.Snapshot().ran, 1);
    EXPECT_EQ(machine.Snapshot().result_code, code);
  }
}

TEST(IdemSettle, FencedAbandonIsNoLossBecauseNothingRan) {
  IdemMachine machine;
  machine.Win();
  ASSERT_EQ(machine.Result(HF_UNAVAILABLE, HF_EFFECT_NOT_STARTED), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_FENCED), HF_OK);
  ExpectFinish(machine.action, HF_UNAVAILABLE, HF_R_NONE);
}

TEST(IdemSettle, LostCompletionIsAskedAgainAndAlreadyIsSuccess) {
  IdemMachine machine;
  machine.Win();
  ASSERT_EQ(machine.Result(HF_OK, HF_EFFECT_DERIVE, "answer"), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
  ASSERT_EQ(machine.action.kind, HF_DO_STORE);
  EXPECT_EQ(BodyOf(machine.Asked()), "answer");
  ASSERT_EQ(machine.Reply(HF_STORE_ALREADY), HF_OK);
  ExpectFinish(machine.action, HF_OK, HF_R_NONE);
}

TEST(IdemSettle, LostFailureIsRecognisedByItsTraces) {
  hf_store_reply fenced{};
  fenced.status = HF_STORE_FENCED;
  fenced.state = HF_RECORD_IN_DOUBT;
  fenced.token = IdemMachine::kToken;
  IdemMachine machine;
  machine.Win();
  ASSERT_EQ(machine.Result(HF_UNAVAILABLE), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
  ASSERT_EQ(machine.Reply(fenced), HF_OK);
  ExpectFinish(machine.action, HF_UNAVAILABLE, HF_R_IDEM_IN_DOUBT);
  IdemMachine retryable;
  retryable.Win();
  ASSERT_EQ(retryable.Result(HF_ABORTED), HF_OK);
  ASSERT_EQ(retryable.Reply(HF_STORE_INDETERMINATE), HF_OK);
  fenced.state = HF_RECORD_RETRYABLE;
  ASSERT_EQ(retryable.Reply(fenced), HF_OK);
  ExpectFinish(retryable.action, HF_ABORTED, HF_R_IDEM_BACKOFF);
  IdemMachine gone;
  gone.Win();
  ASSERT_EQ(gone.Result(HF_ABORTED), HF_OK);
  ASSERT_EQ(gone.Reply(HF_STORE_INDETERMINATE), HF_OK);
  fenced.state = HF_RECORD_ABSENT;
  ASSERT_EQ(gone.Reply(fenced), HF_OK);
  ExpectFinish(gone.action, HF_ABORTED, HF_R_IDEM_FENCED);
  IdemMachine other;  // another owner's token
  other.Win();
  ASSERT_EQ(other.Result(HF_UNAVAILABLE), HF_OK);
  ASSERT_EQ(other.Reply(HF_STORE_INDETERMINATE), HF_OK);
  fenced.state = HF_RECORD_IN_DOUBT;
  fenced.token = IdemMachine::kToken + 1;
  ASSERT_EQ(other.Reply(fenced), HF_OK);
  ExpectFinish(other.action, HF_ABORTED, HF_R_IDEM_FENCED);
}

TEST(IdemSettle, UnavailableCompletionIsAskedAgainAfterPausesThenUnknown) {
  IdemMachine machine;
  machine.options.deadline = machine.now + 1;  // completing is never cut short
  machine.Win();
  machine.now += HF_S;
  ASSERT_EQ(machine.Result(HF_OK, HF_EFFECT_DERIVE, "answer"), HF_OK);
  int pauses = 0;
  while (true) {
    ASSERT_EQ(machine.Reply(pauses % 2 == 0 ? HF_STORE_UNAVAILABLE : HF_STORE_FULL), HF_OK);
    if (machine.action.kind == HF_DO_FINISH) break;
    ASSERT_EQ(machine.action.kind, HF_DO_SLEEP);
    ASSERT_GT(machine.action.until, machine.now);
    machine.now = machine.action.until;
    ASSERT_EQ(machine.Time(), HF_OK);
    EXPECT_EQ(BodyOf(machine.Asked()), "answer");
    ++pauses;
  }
  EXPECT_EQ(pauses, 6);
  ExpectFinish(machine.action, HF_UNKNOWN, HF_R_STORE_INDETERMINATE);
  EXPECT_EQ(machine.Snapshot().ran, 1);
}

TEST(IdemSettle, IndeterminateCompletionIsAskedAgainTwiceThenUnknown) {
  IdemMachine machine;
  machine.Win();
  ASSERT_EQ(machine.Result(HF_OK), HF_OK);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
    ASSERT_EQ(machine.action.kind, HF_DO_STORE);
  }
  ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
  ExpectFinish(machine.action, HF_UNKNOWN, HF_R_STORE_INDETERMINATE);
  EXPECT_EQ(machine.Snapshot().ran, 1);
}

TEST(IdemSettle, CorruptStoreEndsTheSession) {
  IdemMachine machine;
  machine.Win();
  ASSERT_EQ(machine.Result(HF_OK), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_CORRUPT), HF_OK);
  ExpectFinish(machine.action, HF_DATA_LOSS, HF_R_STORE_CORRUPT);
  EXPECT_EQ(machine.Snapshot().ran, 1);
}

TEST(IdemSettle, AbandonThatGetsLostIsLeftToTheLease) {
  IdemMachine machine;
  machine.Win();
  ASSERT_EQ(machine.Result(HF_ABORTED, HF_EFFECT_NOT_STARTED), HF_OK);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(machine.Reply(HF_STORE_INDETERMINATE), HF_OK);
  ExpectFinish(machine.action, HF_ABORTED, HF_R_NONE);
}

TEST(IdemSettle, JoinedResultFinishesAtOnce) {
  IdemMachine machine;
  machine.Win();
  hf_outcome outcome{};
  outcome.code = HF_UNAVAILABLE;  // ambiguous: nothing that a transaction can have stored
  EXPECT_EQ(hf_idem_on_joined(&machine.idem, &outcome, machine.now, &machine.action),
            HF_INVALID_ARGUMENT);
  outcome.code = HF_OK;
  ASSERT_EQ(hf_idem_on_joined(&machine.idem, &outcome, machine.now, &machine.action), HF_OK);
  ExpectFinish(machine.action, HF_OK, HF_R_NONE);
  EXPECT_EQ(machine.Snapshot().ran, 1);
}

TEST(IdemSettle, RenewalMovesTheLimitFromBeforeItWasAsked) {
  IdemMachine machine;
  machine.Win();
  machine.now += 3 * HF_S;
  hf_store_request request{};
  ASSERT_EQ(hf_idem_renew(&machine.idem, machine.now, &request), HF_OK);
  EXPECT_EQ(request.verb, HF_STORE_RENEW);
  EXPECT_EQ(request.token, IdemMachine::kToken);
  EXPECT_EQ(hf_idem_renew(&machine.idem, machine.now, &request), HF_INVALID_ARGUMENT);
  machine.now += HF_S;
  hf_store_reply reply{};
  hf_time until = 0;
  reply.status = HF_STORE_WON;  // no store answers so
  EXPECT_EQ(hf_idem_on_renewed(&machine.idem, &reply, machine.now, &until), HF_INVALID_ARGUMENT);
  reply.status = HF_STORE_OK;
  ASSERT_EQ(hf_idem_on_renewed(&machine.idem, &reply, machine.now, &until), HF_OK);
  EXPECT_EQ(until, IdemMachine::kStart + 3 * HF_S + 9 * HF_S);
  EXPECT_EQ(machine.Snapshot().lease_until, until);
  EXPECT_EQ(hf_idem_on_renewed(&machine.idem, &reply, machine.now, &until), HF_INVALID_ARGUMENT);
}

TEST(IdemSettle, FailedRenewalKeepsTheOldLimitAndAFencedOneEndsIt) {
  struct Row {
    hf_store_status status;
    hf_code code;
    hf_time until;
  };
  const hf_time old_limit = IdemMachine::kStart + 9 * HF_S, now = IdemMachine::kStart + HF_S;
  for (const Row& row :
       {Row{HF_STORE_UNAVAILABLE, HF_UNAVAILABLE, old_limit},
        Row{HF_STORE_OVERLOADED, HF_UNAVAILABLE, old_limit},
        Row{HF_STORE_INDETERMINATE, HF_UNKNOWN, old_limit},
        Row{HF_STORE_CORRUPT, HF_DATA_LOSS, old_limit}, Row{HF_STORE_FENCED, HF_ABORTED, now}}) {
    IdemMachine machine;
    machine.Win();
    machine.now = now;
    hf_store_request request{};
    ASSERT_EQ(hf_idem_renew(&machine.idem, machine.now, &request), HF_OK);
    hf_store_reply reply{};
    reply.status = row.status;
    hf_time until = 0;
    EXPECT_EQ(hf_idem_on_renewed(&machine.idem, &reply, machine.now, &until), row.code);
    EXPECT_EQ(until, row.until) << row.status;
  }
}

TEST(IdemSettle, AbortSaysWhatIsStillOwed) {
  hf_store_request request{};
  IdemMachine claiming;
  ASSERT_EQ(claiming.Start(), HF_OK);
  EXPECT_EQ(hf_idem_abort(&claiming.idem, claiming.now, &request), 0);
  EXPECT_EQ(claiming.Reply(HF_STORE_WON), HF_INVALID_ARGUMENT);

  IdemMachine running;
  running.Win();
  EXPECT_EQ(hf_idem_abort(&running.idem, running.now, &request), 1);
  EXPECT_EQ(request.verb, HF_STORE_FAIL);
  EXPECT_EQ(request.effect, HF_EFFECT_AMBIGUOUS);
  EXPECT_EQ(request.token, IdemMachine::kToken);
  EXPECT_EQ(request.code, HF_CANCELLED);
  EXPECT_EQ(hf_idem_abort(&running.idem, running.now, &request), 0);
  EXPECT_EQ(request.verb, 0);

  IdemMachine renewing;
  ASSERT_EQ(renewing.Start(), HF_OK);
  renewing.now += 9 * HF_S;
  ASSERT_EQ(renewing.Reply(HF_STORE_WON), HF_OK);
  EXPECT_EQ(hf_idem_abort(&renewing.idem, renewing.now, &request), 1);
  EXPECT_EQ(request.verb, HF_STORE_ABANDON);

  IdemMachine settling;
  settling.Win();
  ASSERT_EQ(settling.Result(HF_OK, HF_EFFECT_DERIVE, "answer"), HF_OK);
  ASSERT_EQ(settling.Reply(HF_STORE_UNAVAILABLE), HF_OK);
  ASSERT_EQ(settling.action.kind, HF_DO_SLEEP);
  EXPECT_EQ(hf_idem_abort(&settling.idem, settling.now, &request), 1);
  EXPECT_EQ(request.verb, HF_STORE_COMPLETE);
  EXPECT_EQ(BodyOf(request), "answer");

  IdemMachine finished;
  finished.Win();
  ASSERT_EQ(finished.Result(HF_OK), HF_OK);
  ASSERT_EQ(finished.Reply(HF_STORE_OK), HF_OK);
  EXPECT_EQ(hf_idem_abort(&finished.idem, finished.now, &request), 0);
  IdemMachine unasked;
  unasked.Win();
  EXPECT_EQ(hf_idem_abort(&unasked.idem, unasked.now, nullptr), 0);
}

}  // namespace
}  // namespace holdfast
