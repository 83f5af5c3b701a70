// SPDX-License-Identifier: Apache-2.0
// The packed form of a record in Redis: what is written can be read, and what was not is not believed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "adapters/redis/audit_codec.h"
#include "adapters/redis/record_codec.h"

namespace holdfast::redis {
namespace {

using Kind = Unpacked::Kind;

constexpr int64_t kNow = 1700000000 * HF_S;
const std::string kLabel = "label";
const std::string kBody = "body";
const std::string kNothing;

hf_record Sample(const std::string& label, const std::string& body) {
  hf_record record{};
  record.state = HF_RECORD_COMPLETED;
  record.on_expiry = HF_ON_EXPIRY_RECONCILE;
  for (uint8_t i = 0; i < 32; ++i) record.fingerprint[i] = static_cast<uint8_t>(0xA0 + i);
  for (uint8_t i = 0; i < 16; ++i) record.nonce[i] = static_cast<uint8_t>(0x10 + i);
  record.token = 0x0102030405060708;
  record.attempt = 3;
  record.truncated = HF_BODY_REFERENCE;
  record.code = HF_NOT_FOUND;
  record.lease_until = kNow + 30 * HF_S;
  record.not_before = kNow + HF_S;
  record.expires_at = kNow + 3600 * HF_S;
  record.completed_at = kNow;
  record.label = {label.data(), label.size()};
  record.body = {body.data(), body.size()};
  return record;
}

void ExpectSame(const hf_record& a, const hf_record& b) {
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.on_expiry, b.on_expiry);
  EXPECT_TRUE(std::equal(a.fingerprint, a.fingerprint + 32, b.fingerprint));
  EXPECT_TRUE(std::equal(a.nonce, a.nonce + 16, b.nonce));
  EXPECT_EQ(a.token, b.token);
  EXPECT_EQ(a.attempt, b.attempt);
  EXPECT_EQ(a.truncated, b.truncated);
  EXPECT_EQ(a.code, b.code);
  EXPECT_EQ(a.reconcile, b.reconcile);
  EXPECT_EQ(a.lease_until, b.lease_until);
  EXPECT_EQ(a.not_before, b.not_before);
  EXPECT_EQ(a.expires_at, b.expires_at);
  EXPECT_EQ(a.completed_at, b.completed_at);
  EXPECT_EQ(std::string(a.label.data, a.label.size), std::string(b.label.data, b.label.size));
  EXPECT_EQ(std::string(a.body.data, a.body.size), std::string(b.body.data, b.body.size));
}

std::string Golden(const std::string& name) {
  const char* const source = std::getenv("HF_SOURCE_DIR");
  const std::filesystem::path tests =
      source == nullptr ? std::filesystem::path(__FILE__).parent_path().parent_path()
                        : std::filesystem::path(source) / "tests";
  std::ifstream in(tests / "store/golden" / name, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

TEST(RedisRecordCodec, WhatIsPackedIsUnpacked) {
  for (const std::string& label :
       {std::string(), std::string("l\0abel", 6), std::string(2048, 'L')}) {
    for (const std::string& body : {std::string(), std::string("\0", 1), std::string(70000, 'b')}) {
      hf_record record = Sample(label, body);
      const std::string bytes = Pack(record, {.checkpoints = 9, .px = 5000, .lease = HF_S});
      EXPECT_EQ(bytes.size(), kHeaderSize + label.size() + body.size());
      const Unpacked back = Unpack(bytes, 1);
      ASSERT_EQ(back.kind, Kind::kRecord);
      ExpectSame(back.record, record);
      EXPECT_EQ(back.packing.checkpoints, 9u);
      EXPECT_EQ(back.packing.px, 5000);
      EXPECT_EQ(back.packing.lease, HF_S);
    }
  }
}

TEST(RedisRecordCodec, TimesAreRoundedUpToMicroseconds) {
  hf_record record = Sample(kNothing, kNothing);
  record.state = HF_RECORD_IN_PROGRESS;
  record.lease_until = kNow + 1;
  record.expires_at = INT64_MAX;
  const Unpacked back = Unpack(Pack(record, {}), 1);
  EXPECT_EQ(back.record.lease_until, kNow + HF_US);
  EXPECT_GT(back.record.expires_at, INT64_MAX - HF_US);
}

TEST(RedisRecordCodec, LeaseThatCountsFromItsSetEndsByTheServersClock) {
  hf_record record = Sample(kNothing, kNothing);
  record.state = HF_RECORD_IN_PROGRESS;
  const std::string bytes = Pack(record, {.px = 60000, .lease_from_set = true, .lease = 10 * HF_S});
  const int64_t set_ms = kNow / HF_MS;
  const Unpacked back = Unpack(bytes, set_ms + 60000);
  ASSERT_EQ(back.kind, Kind::kRecord);
  EXPECT_TRUE(back.packing.lease_from_set);
  EXPECT_EQ(back.record.lease_until, kNow + 10 * HF_S + HF_MS);
  EXPECT_EQ(Unpack(bytes, std::nullopt).record.lease_until, INT64_MAX);
  // Somebody took its time to live away: when it began is no longer known.
  EXPECT_EQ(Unpack(bytes, -1).kind, Kind::kDamaged);
  EXPECT_EQ(Unpack(bytes, 59999).kind, Kind::kDamaged);
}

TEST(RedisRecordCodec, TombstoneHasATokenAndNothingElse) {
  const Unpacked back = Unpack(PackToken(77, 10000), 1);
  ASSERT_EQ(back.kind, Kind::kTombstone);
  EXPECT_EQ(back.record.token, 77u);
  EXPECT_EQ(Unpack(PackToken(0, 10000), 1).kind, Kind::kDamaged);
}

TEST(RedisRecordCodec, FilesOfVersionOneAreReadAsTheyWereWritten) {
  const std::string label = "tenant acme", body("result \xFF\0 bytes", 14);
  const hf_record record = Sample(label, body);
  const std::string completed = Golden("redis_v1_completed.bin");
  ASSERT_FALSE(completed.empty());
  EXPECT_EQ(Pack(record, {.checkpoints = 2, .px = 3610000, .lease = 30 * HF_S}), completed);
  const Unpacked back = Unpack(completed, 1);
  ASSERT_EQ(back.kind, Kind::kRecord);
  ExpectSame(back.record, record);
  const Unpacked claimed = Unpack(Golden("redis_v1_claimed.bin"), kNow / HF_MS + 2592000000);
  ASSERT_EQ(claimed.kind, Kind::kRecord);
  EXPECT_EQ(claimed.record.state, HF_RECORD_IN_PROGRESS);
  EXPECT_EQ(claimed.record.lease_until, kNow + 30 * HF_S + HF_MS);
  EXPECT_EQ(Unpack(Golden("redis_v1_tombstone.bin"), 1).kind, Kind::kTombstone);
}

TEST(RedisRecordCodec, OtherVersionsAreForeignWhateverFollows) {
  std::string bytes = Pack(Sample(kNothing, kNothing), {});
  for (int version = 0; version < 256; ++version) {
    if (version == kRecordVersion) continue;
    bytes[0] = static_cast<char>(version);
    EXPECT_EQ(Unpack(bytes, 1).kind, Kind::kForeign) << version;
    EXPECT_EQ(Unpack(bytes.substr(0, 1), 1).kind, Kind::kForeign) << version;
  }
}

TEST(RedisRecordCodec, EveryTruncationOfAHeaderIsDamage) {
  const std::string bytes = Pack(Sample(kLabel, kBody), {});
  for (size_t size = 0; size < kHeaderSize + 5; ++size) {
    EXPECT_EQ(Unpack(bytes.substr(0, size), 1).kind, Kind::kDamaged) << size;
  }
}

TEST(RedisRecordCodec, FlippedBytesAreReadOrRefusedButNeverRunAway) {
  std::mt19937_64 random(20260817);
  const std::string bytes = Pack(Sample(kLabel, kBody), {.px = 1000, .lease = HF_S});
  for (int i = 0; i < 20000; ++i) {
    std::string spoilt = bytes;
    for (int flips = 0; flips < 3; ++flips) {
      spoilt[random() % spoilt.size()] = static_cast<char>(random());
    }
    const Unpacked back = Unpack(spoilt, static_cast<int64_t>(random()));
    if (back.kind != Kind::kRecord) continue;
    EXPECT_EQ(kHeaderSize + back.record.label.size + back.record.body.size, spoilt.size());
    EXPECT_GE(back.record.lease_until, 0);
    EXPECT_GE(back.record.expires_at, 0);
  }
}

TEST(RedisAuditCodec, RowComesBackAsItWas) {
  AuditRow row;
  row.at = kNow;
  row.verb = HF_STORE_RELEASE;
  row.effect = HF_EFFECT_NOT_STARTED;
  row.before = HF_RECORD_IN_DOUBT;
  row.token_before = 5;
  row.token_after = UINT64_MAX;
  row.note = {"J\xC3\xB6rg", "stuck"};
  AuditRow back;
  const std::string bytes = PackAudit(row);
  ASSERT_TRUE(UnpackAudit(bytes, &back));
  EXPECT_EQ(back.at, row.at);
  EXPECT_EQ(back.verb, row.verb);
  EXPECT_EQ(back.effect, row.effect);
  EXPECT_EQ(back.before, row.before);
  EXPECT_EQ(back.token_before, row.token_before);
  EXPECT_EQ(back.token_after, row.token_after);
  EXPECT_EQ(back.note.actor, row.note.actor);
  EXPECT_EQ(back.note.reason, row.note.reason);
  for (size_t size = 0; size < 30; ++size) EXPECT_FALSE(UnpackAudit(bytes.substr(0, size), &back));
  std::string other = bytes;
  other[0] = 2;
  EXPECT_FALSE(UnpackAudit(other, &back));
}

}  // namespace
}  // namespace holdfast::redis
