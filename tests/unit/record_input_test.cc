// SPDX-License-Identifier: Apache-2.0
// hf_record_apply and what it refuses: unsound requests, and records that cannot be.
#include <gtest/gtest.h>
#include <holdfast/c/record.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "store/requests.h"

namespace holdfast {
namespace {

using testing::kEpochNow;

struct Outcome {
  hf_code code;
  hf_record_change change;
  hf_store_reply reply;
};

Outcome Apply(const hf_record* old, const hf_store_request& request, int64_t now = kEpochNow,
              uint64_t floor = 0) {
  hf_record next{};
  Outcome outcome{};
  outcome.code = hf_record_apply(old, &request, now, floor, &next, &outcome.change, &outcome.reply);
  return outcome;
}

hf_record InProgress() {
  hf_record next{};
  hf_record_change change = 0;
  hf_store_reply reply{};
  const hf_store_request claim = testing::Claim("k", 1);
  hf_record_apply(nullptr, &claim, kEpochNow, 0, &next, &change, &reply);
  return next;
}

hf_record Completed() {
  const hf_record old = InProgress();
  const hf_store_request complete = testing::Complete("k", old.token, "body");
  hf_record next{};
  hf_record_change change = 0;
  hf_store_reply reply{};
  hf_record_apply(&old, &complete, kEpochNow, 0, &next, &change, &reply);
  return next;
}

constexpr char kByte = 'x';
constexpr hf_str kTooLong = {&kByte, HF_IDEM_CHECKPOINT_MAX + 1};  // never read

using Damage = std::function<void(hf_record&)>;

void ExpectCorrupt(hf_record record, const Damage& damage, const char* what) {
  damage(record);
  const Outcome outcome = Apply(&record, testing::Claim("k", 2));
  EXPECT_EQ(outcome.code, HF_DATA_LOSS) << what;
  EXPECT_EQ(outcome.reply.status, HF_STORE_CORRUPT) << what;
  EXPECT_EQ(outcome.change, HF_RECORD_KEEP) << what;
}

TEST(RecordInput, RecordThatCannotBeIsCorruptAndNeverOverwritten) {
  const hf_record live = InProgress();
  ASSERT_EQ(Apply(&live, testing::Claim("k", 2)).code, HF_OK);
  ExpectCorrupt(live, [](hf_record& r) { r.state = HF_RECORD_ABSENT; }, "absent");
  ExpectCorrupt(live, [](hf_record& r) { r.state = 5; }, "state");
  ExpectCorrupt(live, [](hf_record& r) { r.state = -1; }, "state");
  ExpectCorrupt(live, [](hf_record& r) { r.on_expiry = 0; }, "on_expiry");
  ExpectCorrupt(live, [](hf_record& r) { r.on_expiry = 4; }, "on_expiry");
  ExpectCorrupt(live, [](hf_record& r) { r.token = 0; }, "token");
  ExpectCorrupt(live, [](hf_record& r) { r.token = INT64_MAX; }, "last token");
  ExpectCorrupt(live, [](hf_record& r) { r.token = UINT64_MAX; }, "token");
  ExpectCorrupt(live, [](hf_record& r) { r.attempt = 0; }, "attempt");
  ExpectCorrupt(live, [](hf_record& r) { r.code = 17; }, "code");
  ExpectCorrupt(live, [](hf_record& r) { r.code = -1; }, "code");
  ExpectCorrupt(live, [](hf_record& r) { r.reconcile = 2; }, "reconcile");
  ExpectCorrupt(live, [](hf_record& r) { r.lease_until = 0; }, "lease");
  ExpectCorrupt(live, [](hf_record& r) { r.lease_until = -1; }, "lease");
  ExpectCorrupt(live, [](hf_record& r) { r.not_before = -1; }, "not_before");
  ExpectCorrupt(live, [](hf_record& r) { r.expires_at = -1; }, "expires_at");
  ExpectCorrupt(live, [](hf_record& r) { r.completed_at = -1; }, "completed_at");
  ExpectCorrupt(live, [](hf_record& r) { r.body = {nullptr, 1}; }, "checkpoint without bytes");
  ExpectCorrupt(live, [](hf_record& r) { r.body = kTooLong; }, "checkpoint size");
  ExpectCorrupt(live, [](hf_record& r) { r.label = {nullptr, 1}; }, "label without bytes");
  ExpectCorrupt(live, [](hf_record& r) { r.label = kTooLong; }, "label size");
  ExpectCorrupt(live, [](hf_record& r) { r.truncated = 1; }, "truncated in progress");
  ExpectCorrupt(live, [](hf_record& r) { std::fill(r.nonce, r.nonce + 16, uint8_t{0}); }, "nonce");
  const hf_record done = Completed();
  ASSERT_EQ(Apply(&done, testing::Claim("k", 2)).code, HF_OK);
  ExpectCorrupt(done, [](hf_record& r) { r.attempt = 0; }, "attempt");
  ExpectCorrupt(done, [](hf_record& r) { r.expires_at = 0; }, "no expiry");
  ExpectCorrupt(done, [](hf_record& r) { r.truncated = 1; }, "not a digest");
  ExpectCorrupt(done, [](hf_record& r) { r.truncated = 3; }, "truncated");
  ExpectCorrupt(done, [](hf_record& r) { r.body = {}, r.truncated = 2; }, "empty reference");
  ExpectCorrupt(done, [](hf_record& r) { r.reconcile = 1; }, "reconciles what is done");
  ExpectCorrupt(done, [](hf_record& r) { r.body = {nullptr, 1}; }, "body without bytes");
  ExpectCorrupt(done, [](hf_record& r) { r.body.size = HF_IDEM_BODY_MAX + 1; }, "body size");
  for (const hf_record_state state : {HF_RECORD_RETRYABLE, HF_RECORD_IN_DOUBT}) {
    const auto leave = [state](hf_record& r) { r.state = state, r.body = kTooLong; };
    ExpectCorrupt(done, leave, "a result where a checkpoint belongs");
  }
}

TEST(RecordInput, CorruptionIsSeenByEveryVerb) {
  hf_record record = InProgress();
  const uint64_t token = record.token;
  record.state = 9;
  for (const hf_store_request& request :
       {testing::Claim("k", 1), testing::Renew("k", token), testing::Complete("k", token, "x"),
        testing::Fail("k", token, HF_EFFECT_RETRYABLE), testing::Abandon("k", token),
        testing::Read("k"), testing::Resolve("k", HF_EFFECT_FINAL),
        testing::Checkpoint("k", token, "x"), testing::Release("k", HF_EFFECT_NOT_STARTED)}) {
    const Outcome outcome = Apply(&record, request);
    EXPECT_EQ(outcome.code, HF_DATA_LOSS);
    EXPECT_EQ(outcome.change, HF_RECORD_KEEP);
  }
}

using Spoil = std::function<void(hf_store_request&)>;

void ExpectRefused(hf_store_request request, const Spoil& spoil, const char* what) {
  spoil(request);
  const hf_record old = InProgress();
  const Outcome outcome = Apply(&old, request);
  EXPECT_EQ(outcome.code, HF_INVALID_ARGUMENT) << what;
  EXPECT_EQ(outcome.change, HF_RECORD_KEEP) << what;
  EXPECT_EQ(outcome.reply.status, 0) << what;
}

TEST(RecordInput, UnsoundClaimOrRenewalIsRefused) {
  const hf_store_request claim = testing::Claim("k", 2);
  ExpectRefused(claim, [](auto& r) { r.verb = 0; }, "verb");
  ExpectRefused(claim, [](auto& r) { r.verb = 10; }, "verb");
  ExpectRefused(claim, [](auto& r) { r.nonce[0] = 0; }, "nonce");
  ExpectRefused(claim, [](auto& r) { r.on_expiry = 0; }, "on_expiry");
  ExpectRefused(claim, [](auto& r) { r.on_expiry = 4; }, "on_expiry");
  ExpectRefused(claim, [](auto& r) { r.lease = 0; }, "lease");
  ExpectRefused(claim, [](auto& r) { r.lease = -1; }, "lease");
  ExpectRefused(claim, [](auto& r) { r.lease = 25 * 3600 * HF_S; }, "lease");
  ExpectRefused(claim, [](auto& r) { r.max_attempts = 0; }, "max_attempts");
  ExpectRefused(claim, [](auto& r) { r.label = {nullptr, 1}; }, "label");
  ExpectRefused(claim, [](auto& r) { r.label = kTooLong; }, "label");
  ExpectRefused(testing::Renew("k", 1), [](auto& r) { r.lease = 0; }, "renewal");
  ExpectRefused(testing::Renew("k", 1), [](auto& r) { r.lease = HF_INFINITE; }, "renewal");
}

TEST(RecordInput, UnsoundSettlementIsRefused) {
  const hf_store_request complete = testing::Complete("k", 1, "x");
  ExpectRefused(complete, [](auto& r) { r.ttl = 0; }, "ttl");
  ExpectRefused(complete, [](auto& r) { r.code = 17; }, "code");
  ExpectRefused(complete, [](auto& r) { r.truncated = 1; }, "not a digest");
  ExpectRefused(complete, [](auto& r) { r.truncated = 3; }, "truncated");
  ExpectRefused(complete, [](auto& r) { r.truncated = 2, r.body = {}; }, "empty reference");
  ExpectRefused(complete, [](auto& r) { r.truncated = 1, r.body = {}; }, "no digest");
  ExpectRefused(complete, [](auto& r) { r.body.data = nullptr; }, "body");
  ExpectRefused(complete, [](auto& r) { r.body.size = HF_IDEM_BODY_MAX + 1; }, "body size");
  const hf_store_request fail = testing::Fail("k", 1, HF_EFFECT_RETRYABLE);
  ExpectRefused(fail, [](auto& r) { r.effect = HF_EFFECT_DERIVE; }, "effect");
  ExpectRefused(fail, [](auto& r) { r.effect = HF_EFFECT_FINAL; }, "effect");
  ExpectRefused(fail, [](auto& r) { r.ttl = 0; }, "ttl");
  ExpectRefused(fail, [](auto& r) { r.code = -1; }, "code");
  ExpectRefused(fail, [](auto& r) { r.retry_after = -1; }, "retry_after");
  const hf_store_request done = testing::Resolve("k", HF_EFFECT_FINAL);
  ExpectRefused(done, [](auto& r) { r.effect = HF_EFFECT_AMBIGUOUS; }, "effect");
  ExpectRefused(done, [](auto& r) { r.ttl = 0; }, "ttl");
  ExpectRefused(done, [](auto& r) { r.code = 17; }, "code");
  ExpectRefused(done, [](auto& r) { r.body = {nullptr, 1}; }, "body");
  const hf_store_request checkpoint = testing::Checkpoint("k", 1, "x");
  ExpectRefused(checkpoint, [](auto& r) { r.body = {nullptr, 1}; }, "body");
  ExpectRefused(checkpoint, [](auto& r) { r.body = kTooLong; }, "body size");
  const hf_store_request release = testing::Release("k", HF_EFFECT_RETRYABLE);
  ExpectRefused(release, [](auto& r) { r.effect = HF_EFFECT_FINAL; }, "a release is no result");
  ExpectRefused(release, [](auto& r) { r.effect = HF_EFFECT_AMBIGUOUS; }, "effect");
  ExpectRefused(release, [](auto& r) { r.ttl = 0; }, "ttl");
  const hf_store_request retry = testing::Resolve("k", HF_EFFECT_RETRYABLE);
  ExpectRefused(retry, [](auto& r) { r.ttl = -1; }, "ttl");
  ExpectRefused(retry, [](auto& r) { r.code = 17; }, "code");
  ExpectRefused(retry, [](auto& r) { r.retry_after = -1; }, "retry_after");
}

TEST(RecordInput, ClockAndFloorHaveLimits) {
  EXPECT_EQ(Apply(nullptr, testing::Claim("k", 1), -1).code, HF_INVALID_ARGUMENT);
  EXPECT_EQ(Apply(nullptr, testing::Claim("k", 1), 0, INT64_MAX).code, HF_INVALID_ARGUMENT);
  EXPECT_EQ(Apply(nullptr, testing::Claim("k", 1), 0, INT64_MAX - 1).reply.token,
            static_cast<uint64_t>(INT64_MAX));
}

TEST(RecordInput, TimesEndAtTheEndOfTime) {
  hf_record old = InProgress();
  hf_store_request complete = testing::Complete("k", old.token, "x");
  complete.ttl = HF_INFINITE;
  hf_record next{};
  hf_record_change change = 0;
  hf_store_reply reply{};
  ASSERT_EQ(hf_record_apply(&old, &complete, kEpochNow, 0, &next, &change, &reply), HF_OK);
  EXPECT_EQ(next.expires_at, INT64_MAX);
  EXPECT_EQ(Apply(&next, testing::Claim("k", 2), INT64_MAX - 1).reply.status, HF_STORE_REPLAY);
}

TEST(RecordInput, NullIsRefusedAndWhatIsThereIsWritten) {
  const hf_store_request claim = testing::Claim("k", 1);
  hf_record next{};
  hf_record_change change = 77;
  hf_store_reply reply{};
  reply.status = 77;
  EXPECT_EQ(hf_record_apply(nullptr, nullptr, 0, 0, &next, &change, &reply), HF_INVALID_ARGUMENT);
  EXPECT_EQ(change, HF_RECORD_KEEP);
  EXPECT_EQ(reply.status, 0);
  EXPECT_EQ(hf_record_apply(nullptr, &claim, 0, 0, nullptr, &change, &reply), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_record_apply(nullptr, &claim, 0, 0, &next, nullptr, &reply), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_record_apply(nullptr, &claim, 0, 0, &next, &change, nullptr), HF_INVALID_ARGUMENT);
}

TEST(RecordInput, NextMayBeOld) {
  hf_record record = InProgress();
  const hf_store_request renew = testing::Renew("k", record.token);
  hf_record_change change = 0;
  hf_store_reply reply{};
  ASSERT_EQ(hf_record_apply(&record, &renew, kEpochNow + HF_S, 0, &record, &change, &reply), HF_OK);
  EXPECT_EQ(record.lease_until, kEpochNow + HF_S + testing::kLease);
}

}  // namespace
}  // namespace holdfast
