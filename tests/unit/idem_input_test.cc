// SPDX-License-Identifier: Apache-2.0
// What hf_idem_* refuses: options, arguments, steps out of order. Misuse is a code, never a crash.
#include <gtest/gtest.h>
#include <holdfast/c/idempotency.h>

#include <cstring>
#include <functional>

#include "unit/idem_machine.h"

namespace holdfast {
namespace {

using testing::ExpectFinish;
using testing::IdemMachine;

void ExpectRefused(const std::function<void(hf_idem_options&)>& spoil, hf_reason reason) {
  IdemMachine machine;
  spoil(machine.options);
  EXPECT_EQ(machine.Start(), HF_INVALID_ARGUMENT);
  ExpectFinish(machine.action, HF_INVALID_ARGUMENT, reason);
  EXPECT_EQ(machine.Reply(HF_STORE_WON), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.action.reason, HF_R_BAD_STATE);
}

TEST(IdemInput, OptionsAreRefusedByReason) {
  using Options = hf_idem_options;
  ExpectRefused([](Options& o) { o.struct_size = 0; }, HF_R_STRUCT_SIZE);
  ExpectRefused([](Options& o) { o.struct_size = offsetof(Options, label) - 1; }, HF_R_STRUCT_SIZE);
  ExpectRefused([](Options& o) { o.abi_level = 0; }, HF_R_ABI_LEVEL);
  ExpectRefused([](Options& o) { o.key_id[0] = 0; }, HF_R_KEY_MISSING);
  ExpectRefused([](Options& o) { o.fingerprint[0] = 0; }, HF_R_FINGERPRINT_MISSING);
  ExpectRefused([](Options& o) { o.flags = HF_IDEM_NO_FINGERPRINT; }, HF_R_BAD_OPTIONS);
  ExpectRefused([](Options& o) { o.flags = 2; }, HF_R_UNSUPPORTED_FIELD);
  ExpectRefused([](Options& o) { o.nonce[0] = 0; }, HF_R_ZERO_NONCE);
  ExpectRefused([](Options& o) { o.seed = 0; }, HF_R_ZERO_SEED);
  ExpectRefused([](Options& o) { o.deadline = -1; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.lease = -1; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.lease = 10 * HF_MS - 1; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.lease = 24 * 3600 * HF_S + 1; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.ttl = o.lease - 1; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.ttl = HF_INFINITE; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.max_wait = -1; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.max_attempts = 1000001; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.max_body = HF_IDEM_BODY_MAX + 1; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.on_expiry = 4; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.on_expiry = -1; }, HF_R_OUT_OF_RANGE);
  ExpectRefused([](Options& o) { o.label = {nullptr, 1}; }, HF_R_NULL_ARGUMENT);
  ExpectRefused([](Options& o) { o.label = {"x", HF_RECORD_LABEL_MAX + 1}; }, HF_R_OUT_OF_RANGE);
}

TEST(IdemInput, LimitsThemselvesAreAccepted) {
  IdemMachine machine;
  machine.options.lease = 10 * HF_MS;
  machine.options.ttl = machine.options.lease;
  machine.options.max_attempts = 1000000;
  machine.options.max_body = HF_IDEM_BODY_MAX;
  machine.options.deadline = HF_INFINITE;
  machine.options.max_wait = HF_INFINITE;
  EXPECT_EQ(machine.Start(), HF_OK);
  machine.options.lease = machine.options.ttl = 24 * 3600 * HF_S;
  EXPECT_EQ(machine.Start(), HF_OK);
  machine.options.ttl = 0;
  EXPECT_EQ(machine.Start(), HF_OK);
  std::memset(machine.options.fingerprint, 0, 32);
  machine.options.flags = HF_IDEM_NO_FINGERPRINT;
  EXPECT_EQ(machine.Start(), HF_OK);
}

TEST(IdemInput, UnknownTailMustBeZero) {
  struct Newer {
    hf_idem_options options;
    uint64_t future;
  };
  IdemMachine machine;
  Newer newer{machine.options, 0};
  newer.options.struct_size = sizeof(newer);
  EXPECT_EQ(hf_idem_start(&machine.idem, &newer.options, 0, &machine.action), HF_OK);
  newer.future = 1;
  EXPECT_EQ(hf_idem_start(&machine.idem, &newer.options, 0, &machine.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.action.reason, HF_R_UNSUPPORTED_FIELD);
}

TEST(IdemInput, NullIsRefusedEverywhere) {
  IdemMachine m;
  hf_store_request request{};
  hf_store_reply reply{};
  hf_outcome outcome{};
  hf_time until = 0;
  hf_idem_snapshot snapshot{};
  EXPECT_EQ(hf_idem_start(nullptr, &m.options, 0, &m.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(m.action.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_idem_start(&m.idem, nullptr, 0, &m.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_start(&m.idem, &m.options, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_request(nullptr, &request), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_request(&m.idem, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_reply(nullptr, &reply, 0, &m.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_reply(&m.idem, nullptr, 0, &m.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_reply(&m.idem, &reply, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_time(nullptr, 0, &m.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_time(&m.idem, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_wake(nullptr, 0, &m.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_wake(&m.idem, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_reconciled(nullptr, &outcome, nullptr, 0, 0, &m.action),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_reconciled(&m.idem, &outcome, nullptr, 0, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_reconciled(&m.idem, &outcome, nullptr, 1, 0, &m.action),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_spilled(nullptr, &outcome, "x", 1, 0, &m.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_spilled(&m.idem, &outcome, "x", 1, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_checkpoint(nullptr, "x", 1, 0, &request), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_checkpoint(&m.idem, "x", 1, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_checkpointed(nullptr, &reply, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_checkpointed(&m.idem, nullptr, 0), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_checkpointed(&m.idem, &reply, -1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_result(nullptr, &outcome, nullptr, 0, 0, &m.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_result(&m.idem, &outcome, nullptr, 0, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_joined(nullptr, &outcome, 0, &m.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_joined(&m.idem, &outcome, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_renew(nullptr, 0, &request), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_renew(&m.idem, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_renewed(nullptr, &reply, 0, &until), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_renewed(&m.idem, nullptr, 0, &until), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_renewed(&m.idem, &reply, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_abort(nullptr, 0, &request), 0);
  EXPECT_EQ(hf_idem_read(nullptr, &snapshot), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_read(&m.idem, nullptr), HF_INVALID_ARGUMENT);
}

TEST(IdemInput, NegativeTimeIsRefused) {
  IdemMachine machine;
  machine.now = -1;
  EXPECT_EQ(machine.Start(), HF_INVALID_ARGUMENT);
  machine.now = 0;
  machine.options.max_wait = HF_S;
  ASSERT_EQ(machine.Start(), HF_OK);
  machine.now = -1;
  EXPECT_EQ(machine.Reply(HF_STORE_BUSY), HF_INVALID_ARGUMENT);
  machine.now = 0;
  ASSERT_EQ(machine.Reply(HF_STORE_BUSY), HF_OK);
  machine.now = -1;
  EXPECT_EQ(machine.Time(), HF_INVALID_ARGUMENT);
  IdemMachine running;
  running.Win();
  running.now = -1;
  hf_outcome outcome{};
  hf_store_request request{};
  EXPECT_EQ(running.Result(HF_OK), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_joined(&running.idem, &outcome, -1, &running.action), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_renew(&running.idem, -1, &request), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_wake(&machine.idem, -1, &machine.action), HF_INVALID_ARGUMENT);
  running.now = 0;
  running.WinToReconcile();
  running.now = -1;
  EXPECT_EQ(running.Reconciled(HF_OK), HF_INVALID_ARGUMENT);
  EXPECT_EQ(running.Spilled(HF_OK, "place"), HF_INVALID_ARGUMENT);
  EXPECT_EQ(running.action.reason, HF_R_OUT_OF_RANGE);
}

// Every step that does not fit the phase is refused, and the session goes on as if it had not come.
void ExpectOnly(IdemMachine& machine, bool reply, bool time, bool run) {
  hf_outcome outcome{};
  hf_store_reply won{};
  hf_store_request request{};
  hf_time until = 0;
  const hf_action action = machine.action;
  if (!reply) {
    EXPECT_EQ(machine.Reply(HF_STORE_WON), HF_INVALID_ARGUMENT);
    EXPECT_EQ(machine.action.reason, HF_R_BAD_STATE);
    EXPECT_EQ(hf_idem_request(&machine.idem, &request), HF_INVALID_ARGUMENT);
  }
  if (!time) {
    EXPECT_EQ(machine.Time(), HF_INVALID_ARGUMENT);
    EXPECT_EQ(machine.action.reason, HF_R_BAD_STATE);
    EXPECT_EQ(hf_idem_on_wake(&machine.idem, machine.now, &machine.action), HF_INVALID_ARGUMENT);
    EXPECT_EQ(machine.action.reason, HF_R_BAD_STATE);
  }
  EXPECT_EQ(machine.Reconciled(HF_OK), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.action.reason, HF_R_BAD_STATE);
  if (!run) {
    EXPECT_EQ(machine.Spilled(HF_OK, "place"), HF_INVALID_ARGUMENT);
    EXPECT_EQ(machine.action.reason, HF_R_BAD_STATE);
    EXPECT_EQ(hf_idem_checkpoint(&machine.idem, "x", 1, machine.now, &request),
              HF_INVALID_ARGUMENT);
    EXPECT_EQ(machine.Result(HF_OK), HF_INVALID_ARGUMENT);
    EXPECT_EQ(hf_idem_on_joined(&machine.idem, &outcome, machine.now, &machine.action),
              HF_INVALID_ARGUMENT);
    EXPECT_EQ(hf_idem_renew(&machine.idem, machine.now, &request), HF_INVALID_ARGUMENT);
  }
  EXPECT_EQ(hf_idem_on_renewed(&machine.idem, &won, machine.now, &until), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.Checkpointed(HF_STORE_OK), HF_INVALID_ARGUMENT);
  machine.action = action;
}

TEST(IdemInput, StepsOutOfOrderAreRefusedAndChangeNothing) {
  IdemMachine machine;
  ExpectOnly(machine, false, false, false);  // never started
  machine.options.max_wait = HF_S;
  ASSERT_EQ(machine.Start(), HF_OK);
  ExpectOnly(machine, true, false, false);
  ASSERT_EQ(machine.Reply(HF_STORE_BUSY, HF_S), HF_OK);
  ExpectOnly(machine, false, true, false);
  machine.now = machine.action.until;
  ASSERT_EQ(machine.Time(), HF_OK);
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  ExpectOnly(machine, false, false, true);
  ASSERT_EQ(machine.Result(HF_OK), HF_OK);
  ExpectOnly(machine, true, false, false);
  ASSERT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
  ExpectOnly(machine, false, false, false);
  EXPECT_EQ(machine.Snapshot().ran, 1);
}

TEST(IdemInput, CopiedSessionIsNotLive) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  hf_idem copy;
  std::memcpy(&copy, &machine.idem, sizeof(copy));
  hf_store_request request{};
  EXPECT_EQ(hf_idem_request(&copy, &request), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_abort(&copy, machine.now, &request), 0);
}

TEST(IdemInput, RepliesThatNoStoreCanGiveAreRefusedAndMayBeRepeated) {
  IdemMachine machine;
  ASSERT_EQ(machine.Start(), HF_OK);
  hf_store_reply reply{};
  for (const hf_store_status status : {HF_STORE_OK, HF_STORE_FENCED, HF_STORE_ALREADY,
                                       HF_STORE_ABSENT, hf_store_status{0}, hf_store_status{99}}) {
    reply.status = status;
    EXPECT_EQ(machine.Reply(reply), HF_INVALID_ARGUMENT) << status;
  }
  reply.status = HF_STORE_WON;  // without a token
  EXPECT_EQ(machine.Reply(reply), HF_INVALID_ARGUMENT);
  reply.token = 1;  // without an attempt
  EXPECT_EQ(machine.Reply(reply), HF_INVALID_ARGUMENT);
  reply.status = HF_STORE_BUSY;
  reply.retry_after = -1;
  EXPECT_EQ(machine.Reply(reply), HF_INVALID_ARGUMENT);
  ASSERT_EQ(machine.Reply(HF_STORE_WON), HF_OK);
  ASSERT_EQ(machine.Result(HF_UNAVAILABLE), HF_OK);
  EXPECT_EQ(machine.Reply(HF_STORE_ALREADY), HF_INVALID_ARGUMENT);  // only a completion can be
  EXPECT_EQ(machine.Reply(HF_STORE_REPLAY), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.Reply(HF_STORE_OK), HF_OK);
}

TEST(IdemInput, OutcomeThatCannotBeIsRefused) {
  IdemMachine machine;
  machine.Win();
  EXPECT_EQ(machine.Result(17), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.Result(HF_OK, HF_EFFECT_RETRYABLE), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.Result(HF_OK, 9), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_result(&machine.idem, nullptr, nullptr, 0, machine.now, &machine.action),
            HF_INVALID_ARGUMENT);
  hf_outcome outcome{};
  EXPECT_EQ(hf_idem_on_result(&machine.idem, &outcome, nullptr, 1, machine.now, &machine.action),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.Result(HF_OK), HF_OK);
}

TEST(IdemInput, FindingThatCannotBeIsRefused) {
  IdemMachine machine;
  machine.WinToReconcile();
  EXPECT_EQ(machine.Reconciled(17), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.Reconciled(HF_OK, HF_EFFECT_NOT_STARTED), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.Spilled(17, "place"), HF_INVALID_ARGUMENT);
  EXPECT_EQ(machine.action.reason, HF_R_OUT_OF_RANGE);
  EXPECT_EQ(machine.Result(HF_OK), HF_INVALID_ARGUMENT) << "nothing ran";
  EXPECT_EQ(machine.action.reason, HF_R_BAD_STATE);
  EXPECT_EQ(machine.Reconciled(HF_OK), HF_OK);
}

TEST(IdemInput, SnapshotRespectsItsSize) {
  IdemMachine machine;
  machine.Win();
  hf_idem_snapshot snapshot{};
  EXPECT_EQ(hf_idem_read(&machine.idem, &snapshot), HF_INVALID_ARGUMENT);
  snapshot.struct_size = sizeof(snapshot);
  EXPECT_EQ(hf_idem_read(&machine.idem, &snapshot), HF_OK);
  EXPECT_EQ(snapshot.struct_size, sizeof(snapshot));
}

}  // namespace
}  // namespace holdfast
