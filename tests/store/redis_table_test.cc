// SPDX-License-Identifier: Apache-2.0
// The scripts held to the table: whatever record is stored, a request leaves what hf_record_apply would have left.
#include <gtest/gtest.h>
#include <holdfast/redis/store.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "adapters/redis/core.h"
#include "adapters/redis/record_codec.h"
#include "store/redis_server.h"
#include "store/requests.h"

namespace holdfast {
namespace {

using testing::RedisServer;

constexpr int64_t kNow = testing::kEpochNow;

class RedisTable : public ::testing::Test {
 protected:
  uint64_t Draw(uint64_t below) { return random_() % below; }
  int64_t Moment() { return kNow + (static_cast<int64_t>(Draw(2000)) - 1000) * HF_MS; }

  // Any record that the table could have written.
  hf_record AnyRecord(const std::string& label, const std::string& body) {
    hf_record record{};
    record.state = static_cast<hf_record_state>(1 + Draw(4));
    if (Draw(2) == 0) record.state = HF_RECORD_IN_PROGRESS;
    record.on_expiry = static_cast<hf_on_expiry>(1 + Draw(3));
    record.nonce[0] = static_cast<uint8_t>(1 + Draw(3));
    record.fingerprint[0] = static_cast<uint8_t>(Draw(3));
    record.token = 1 + Draw(3);
    record.attempt = 1 + static_cast<uint32_t>(Draw(4));
    record.code = static_cast<hf_code>(Draw(17));
    record.lease_until = Moment();
    record.reconcile = record.state == HF_RECORD_IN_PROGRESS ? static_cast<uint32_t>(Draw(2)) : 0;
    if (record.state == HF_RECORD_RETRYABLE) record.not_before = Moment();
    if (record.state == HF_RECORD_COMPLETED || record.state == HF_RECORD_RETRYABLE) {
      record.expires_at = kNow + 3600 * HF_S;
    }
    if (record.state == HF_RECORD_COMPLETED) record.completed_at = Moment();
    record.label = {label.data(), label.size()};
    record.body = {body.data(), body.size()};
    return record;
  }

  StoreRequest AnyRequest(const std::string& key, const std::string& body) {
    StoreRequest request = testing::Request(static_cast<hf_store_verb>(1 + Draw(9)), key);
    request.on_expiry = static_cast<hf_on_expiry>(1 + Draw(3));
    request.nonce[0] = static_cast<uint8_t>(1 + Draw(3));
    request.fingerprint[0] = static_cast<uint8_t>(Draw(3));
    request.token = 1 + Draw(3);
    request.lease = static_cast<hf_duration>(1 + Draw(1000)) * HF_MS;
    request.ttl = static_cast<hf_duration>(1 + Draw(1000)) * HF_S;
    request.retry_after = Draw(2) == 0 ? 0 : static_cast<hf_duration>(Draw(5000)) * HF_S;
    request.code = static_cast<hf_code>(Draw(17));
    request.effect = static_cast<hf_effect>(1 + Draw(4));
    request.max_attempts = 1 + static_cast<uint32_t>(Draw(4));
    request.body = {body.data(), body.size()};
    if (request.verb == HF_STORE_CLAIM) request.label = request.body;
    return request;
  }

  static std::string Bytes(const hf_str& bytes) { return std::string(bytes.data, bytes.size); }

  static void ExpectSame(const StoredRecord& found, const hf_record& wanted) {
    const hf_record& got = found.record;
    EXPECT_EQ(got.state, wanted.state);
    EXPECT_EQ(got.on_expiry, wanted.on_expiry);
    EXPECT_EQ(got.token, wanted.token);
    EXPECT_EQ(got.attempt, wanted.attempt);
    EXPECT_EQ(got.truncated, wanted.truncated);
    EXPECT_EQ(got.code, wanted.code);
    EXPECT_EQ(got.reconcile, wanted.reconcile);
    EXPECT_EQ(got.lease_until, wanted.lease_until);
    EXPECT_EQ(got.not_before, wanted.not_before);
    EXPECT_EQ(got.expires_at, wanted.expires_at);
    EXPECT_EQ(got.completed_at, wanted.completed_at);
    EXPECT_TRUE(std::equal(got.nonce, got.nonce + 16, wanted.nonce));
    EXPECT_TRUE(std::equal(got.fingerprint, got.fingerprint + 32, wanted.fingerprint));
    EXPECT_EQ(found.label, Bytes(wanted.label));
    EXPECT_EQ(found.body, Bytes(wanted.body));
  }

  std::mt19937_64 random_{20260817};
  RedisServer server_;
};

TEST_F(RedisTable, AnyRequestLeavesWhatTheTableSays) {
  redis::Options options = server_.Options();
  options.clock = [] { return kNow; };
  const auto store = redis::Store::Open(options).value();
  int written = 0;
  for (int i = 0; i < 6000 && !HasFailure(); ++i) {
    const std::string key = "k" + std::to_string(i);
    const std::string label(Draw(20), 'l'), old_body(Draw(30), 'o'), new_body(Draw(30), 'n');
    const hf_record old = AnyRecord(label, old_body);
    const StoreRequest request = AnyRequest(key, new_body);
    const bool empty = Draw(10) == 0;
    if (!empty) {
      ASSERT_EQ(server_.Command({"SET", redis::RecordKey("hf:", request.key_id),
                                 redis::Pack(old, {.px = 100000, .lease = HF_S}), "PX", "100000"}),
                "OK");
    }
    hf_record next{};
    hf_record_change change = HF_RECORD_KEEP;
    hf_store_reply wanted{};
    const hf_code code =
        hf_record_apply(empty ? nullptr : &old, &request, kNow, 0, &next, &change, &wanted);
    const StoreReply got = store->Execute(request, Duration{0});
    SCOPED_TRACE("verb " + std::to_string(request.verb) + " state " + std::to_string(old.state));
    if (code != HF_OK) {
      EXPECT_GE(got.raw.status, HF_STORE_UNAVAILABLE);
      continue;
    }
    EXPECT_EQ(got.raw.status, wanted.status) << got.detail;
    EXPECT_EQ(got.raw.state, wanted.state);
    EXPECT_EQ(got.raw.token, wanted.token);
    EXPECT_EQ(got.raw.attempt, wanted.attempt);
    EXPECT_EQ(got.raw.changed, wanted.changed);
    EXPECT_EQ(got.raw.retry_after, wanted.retry_after);
    EXPECT_EQ(got.raw.completed_at, wanted.completed_at);
    EXPECT_TRUE(std::equal(got.raw.owner, got.raw.owner + 16, wanted.owner));
    EXPECT_EQ(Bytes(got.raw.body), Bytes(wanted.body));
    KeyId id;
    std::copy_n(request.key_id, id.size(), id.begin());
    const auto found = store->Find(id, Duration{0});
    const bool there = change == HF_RECORD_WRITE || (change == HF_RECORD_KEEP && !empty);
    ASSERT_EQ(found.ok(), there) << found.status();
    if (there) ExpectSame(*found, change == HF_RECORD_WRITE ? next : old);
    written += change == HF_RECORD_KEEP ? 0 : 1;
  }
  EXPECT_GT(written, 1000);
}

// By the server's own clock the script for completions is another one. Its time is read off what it wrote.
TEST_F(RedisTable, SettlementByTheServersClockLeavesWhatTheTableSays) {
  const auto store = redis::Store::Open(server_.Options()).value();
  int settled = 0;
  for (int i = 0; i < 3000 && !HasFailure(); ++i) {
    const std::string key = "k" + std::to_string(i);
    const std::string label(Draw(20), 'l'), old_body(Draw(30), 'o'), new_body(Draw(30), 'n');
    hf_record old = AnyRecord(label, old_body);
    old.state = HF_RECORD_IN_PROGRESS;
    old.not_before = old.expires_at = old.completed_at = 0;
    StoreRequest request = AnyRequest(key, new_body);
    const hf_store_verb verbs[] = {HF_STORE_COMPLETE, HF_STORE_FAIL, HF_STORE_RENEW,
                                   HF_STORE_CHECKPOINT};
    request.verb = verbs[Draw(4)];
    request.effect = HF_EFFECT_RETRYABLE;
    request.token = old.token;
    ASSERT_EQ(server_.Command({"SET", redis::RecordKey("hf:", request.key_id),
                               redis::Pack(old, {.px = 100000, .lease = HF_S}), "PX", "100000"}),
              "OK");
    const StoreReply got = store->Execute(request, Duration{0});
    ASSERT_EQ(got.raw.status, HF_STORE_OK) << got.detail;
    KeyId id;
    std::copy_n(request.key_id, id.size(), id.begin());
    const auto found = store->Find(id, Duration{0});
    ASSERT_TRUE(found.ok()) << found.status();
    int64_t now = kNow;
    if (request.verb == HF_STORE_COMPLETE) now = found->record.completed_at;
    if (request.verb == HF_STORE_RENEW) now = found->record.lease_until - request.lease;
    if (request.verb == HF_STORE_FAIL) {
      now = found->record.expires_at - std::max(request.ttl, request.retry_after);
    }
    hf_record next{};
    hf_record_change change = HF_RECORD_KEEP;
    hf_store_reply wanted{};
    ASSERT_EQ(hf_record_apply(&old, &request, now, 0, &next, &change, &wanted), HF_OK);
    SCOPED_TRACE("verb " + std::to_string(request.verb));
    ExpectSame(*found, next);
    EXPECT_EQ(got.raw.attempt, wanted.attempt);
    EXPECT_EQ(got.raw.completed_at, wanted.completed_at);
    EXPECT_TRUE(std::equal(got.raw.owner, got.raw.owner + 16, wanted.owner));
    ++settled;
  }
  EXPECT_EQ(store->stats().settled, static_cast<uint64_t>(settled));
  EXPECT_EQ(store->stats().swaps, 0u);
}

// The table's times end; the server's clock, to which its script adds what is left until then, has moved on.
TEST_F(RedisTable, LifeWithoutEndStaysOneAndIsReplayed) {
  const auto store = redis::Store::Open(server_.Options()).value();
  const uint64_t token = store->Execute(testing::Claim("done", 1), Duration{0}).raw.token;
  StoreRequest complete = testing::Complete("done", token, "result");
  complete.ttl = INT64_MAX;
  ASSERT_EQ(store->Execute(complete, Duration{0}).raw.status, HF_STORE_OK);
  const StoreReply replay = store->Execute(testing::Claim("done", 2), Duration{0});
  EXPECT_EQ(replay.raw.status, HF_STORE_REPLAY) << replay.detail;
  EXPECT_EQ(Bytes(replay.raw.body), "result");
  const uint64_t failed = store->Execute(testing::Claim("failed", 1), Duration{0}).raw.token;
  const StoreRequest fail = testing::Fail("failed", failed, HF_EFFECT_RETRYABLE, INT64_MAX);
  ASSERT_EQ(store->Execute(fail, Duration{0}).raw.status, HF_STORE_OK);
  const StoreReply later = store->Execute(testing::Claim("failed", 2), Duration{0});
  EXPECT_EQ(later.raw.status, HF_STORE_BACKOFF) << later.detail;
}

TEST_F(RedisTable, SweepWritesDownLapsedDoubtsAndNothingElse) {
  const auto store = redis::Store::Open(server_.Options()).value();
  for (int i = 0; i < 30; ++i) {
    StoreRequest claim = testing::Claim("k" + std::to_string(i), 1,
                                        i % 3 == 0 ? HF_ON_EXPIRY_IN_DOUBT : HF_ON_EXPIRY_TAKEOVER);
    if (i % 2 == 0) claim.lease = HF_MS;
    ASSERT_EQ(store->Execute(claim, Duration{0}).raw.status, HF_STORE_WON);
  }
  ASSERT_TRUE(testing::Eventually([&] {
    return store->Execute(testing::Read("k24"), Duration{0}).raw.status == HF_STORE_IN_DOUBT;
  }));
  // Again and again: what a sweep takes for its time lags a little.
  uint64_t swept = 0;
  std::string cursor;
  EXPECT_TRUE(testing::Eventually([&] {
    do {
      swept += store->Sweep(&cursor, 7, Duration{0}).value();
    } while (!cursor.empty());
    return swept >= 5;
  }));
  EXPECT_EQ(swept, 5u);  // those of both 2 and 3: 0, 6, 12, 18, 24
  ScanQuery doubts;
  doubts.state = HF_RECORD_IN_DOUBT;
  doubts.limit = 10000;
  EXPECT_EQ(store->Scan(doubts, Duration{0})->records.size(), 5u);
  EXPECT_EQ(store->Sweep(&cursor, 10000, Duration{0}).value(), 0u);
}

}  // namespace
}  // namespace holdfast
