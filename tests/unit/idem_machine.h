// SPDX-License-Identifier: Apache-2.0
// A run-once session driven step by step from a test, through the C ABI.
#ifndef HOLDFAST_TESTS_UNIT_IDEM_MACHINE_H_
#define HOLDFAST_TESTS_UNIT_IDEM_MACHINE_H_

#include <gtest/gtest.h>
#include <holdfast/c/idempotency.h>

#include <cstdint>
#include <string_view>

namespace holdfast::testing {

struct IdemMachine {
  static constexpr hf_time kStart = 1000 * HF_S;
  static constexpr uint64_t kToken = 41;

  IdemMachine() {
    options.key_id[0] = 1;
    options.fingerprint[0] = 2;
    options.nonce[0] = 3;
    options.seed = 4;
    options.lease = 10 * HF_S;
  }

  hf_code Start() { return hf_idem_start(&idem, &options, now, &action); }

  hf_store_request Asked() {
    hf_store_request request{};
    EXPECT_EQ(hf_idem_request(&idem, &request), HF_OK);
    return request;
  }

  hf_code Reply(const hf_store_reply& reply) {
    return hf_idem_on_reply(&idem, &reply, now, &action);
  }
  hf_code Reply(hf_store_status status, hf_duration retry_after = 0) {
    hf_store_reply reply{};
    reply.status = status;
    reply.retry_after = retry_after;
    if (status == HF_STORE_WON || status == HF_STORE_RECONCILE) {
      reply.token = kToken;
      reply.attempt = 1;
    }
    return Reply(reply);
  }

  // From the start to RUN.
  void Win() {
    ASSERT_EQ(Start(), HF_OK);
    ASSERT_EQ(Reply(HF_STORE_WON), HF_OK);
    ASSERT_EQ(action.kind, HF_DO_RUN);
  }

  // From the start to RECONCILE; `checkpoint` is what the attempt before left.
  void WinToReconcile(std::string_view checkpoint = {}) {
    ASSERT_EQ(Start(), HF_OK);
    hf_store_reply reply{};
    reply.status = HF_STORE_RECONCILE;
    reply.token = kToken;
    reply.attempt = 2;
    reply.body = {checkpoint.data(), checkpoint.size()};
    ASSERT_EQ(Reply(reply), HF_OK);
    ASSERT_EQ(action.kind, HF_DO_RECONCILE);
  }

  hf_code Time() { return hf_idem_on_time(&idem, now, &action); }

  hf_code Result(hf_code code, hf_effect effect = HF_EFFECT_DERIVE, std::string_view body = {},
                 hf_duration retry_after = 0) {
    hf_outcome outcome{};
    outcome.code = code;
    outcome.effect = effect;
    outcome.retry_after = retry_after;
    return hf_idem_on_result(&idem, &outcome, body.data(), body.size(), now, &action);
  }

  hf_code Reconciled(hf_code code, hf_effect effect = HF_EFFECT_DERIVE, std::string_view body = {},
                     hf_duration retry_after = 0) {
    hf_outcome outcome{};
    outcome.code = code;
    outcome.effect = effect;
    outcome.retry_after = retry_after;
    return hf_idem_on_reconciled(&idem, &outcome, body.data(), body.size(), now, &action);
  }

  hf_code Spilled(hf_code code, std::string_view where, hf_effect effect = HF_EFFECT_DERIVE) {
    hf_outcome outcome{};
    outcome.code = code;
    outcome.effect = effect;
    return hf_idem_on_spilled(&idem, &outcome, where.data(), where.size(), now, &action);
  }

  hf_code Checkpointed(hf_store_status status) {
    hf_store_reply reply{};
    reply.status = status;
    return hf_idem_on_checkpointed(&idem, &reply, now);
  }

  hf_idem_snapshot Snapshot() const {
    hf_idem_snapshot snapshot{};
    snapshot.struct_size = sizeof(snapshot);
    EXPECT_EQ(hf_idem_read(&idem, &snapshot), HF_OK);
    return snapshot;
  }

  hf_idem idem{};
  hf_idem_options options = HF_INIT(hf_idem_options);
  hf_action action{};
  hf_time now = kStart;
};

inline void ExpectFinish(const hf_action& action, hf_code code, hf_reason reason,
                         hf_duration retry_after = 0) {
  EXPECT_EQ(action.kind, HF_DO_FINISH);
  EXPECT_EQ(action.code, code);
  EXPECT_EQ(action.reason, reason);
  EXPECT_EQ(action.retry_after, retry_after);
}

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_UNIT_IDEM_MACHINE_H_
