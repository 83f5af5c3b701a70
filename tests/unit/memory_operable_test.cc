// SPDX-License-Identifier: Apache-2.0
// The memory store for operators: what is its own. The rest is conformance.
#include <gtest/gtest.h>
#include <holdfast/audit_note.h>
#include <holdfast/memory/store.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "store/requests.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;

class MemoryOperable : public ::testing::Test {
 protected:
  void Create(memory::Options options) {
    options.clock = clock_.Function();
    store_ = memory::Store::Create(std::move(options)).value();
  }
  StoreReply Ask(const StoreRequest& request) { return store_->Execute(request, Duration{0}); }
  StoreReply Force(const StoreRequest& request) {
    return store_->ExecuteAudited(request, {.actor = "ops", .reason = "test"}, Duration{0});
  }

  testing::StoreClock clock_;
  std::unique_ptr<memory::Store> store_;
};

TEST_F(MemoryOperable, CursorsOfOtherStoresAreRefused) {
  Create({.shards = 4});
  for (const std::string cursor :
       {"x", "memory/", "memory/4", "memory/4/", "memory/4/9/", "memory/5/0/", "memory/4/0/zz",
        "memory/4/0/ab", "memory/-4/0/", "memory/4/0x/", "memory/4/99999999999999999999999/"}) {
    const auto page = store_->Scan({.cursor = cursor}, Duration{0});
    EXPECT_EQ(page.status().code(), absl::StatusCode::kInvalidArgument) << cursor;
    EXPECT_NE(page.status().message().find("cursor"), absl::string_view::npos);
  }
  EXPECT_TRUE(store_->Scan({.cursor = "memory/4/3/"}, Duration{0}).ok());
}

TEST_F(MemoryOperable, ScanSeesEachRecordExactlyOnceInPagesOfAnySize) {
  Create({.shards = 7});
  for (int i = 0; i < 100; ++i) Ask(Claim("k" + std::to_string(i), 1));
  for (const uint32_t limit : {1u, 3u, 50u, 100u, 10000u}) {
    std::multiset<KeyId> seen;
    ScanQuery query{.limit = limit};
    do {
      const ScanPage page = store_->Scan(query, Duration{0}).value();
      EXPECT_LE(page.records.size(), limit);
      for (const StoredRecord& record : page.records) seen.insert(record.key_id);
      query.cursor = page.cursor;
    } while (!query.cursor.empty());
    EXPECT_EQ(seen.size(), 100u);
    EXPECT_EQ(std::set<KeyId>(seen.begin(), seen.end()).size(), 100u);
  }
}

TEST_F(MemoryOperable, AuditKeepsTheNewestRowsAndCountsThem) {
  Create({.shards = 1, .audit_rows = 3});
  Ask(Claim("k", 1));
  const uint64_t before = store_->stats().bytes;
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(Force(testing::Release("k", HF_EFFECT_RETRYABLE)).raw.changed, 1u);
  const uint64_t full = store_->stats().bytes;
  EXPECT_GT(full, before);
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(Force(testing::Release("k", HF_EFFECT_RETRYABLE)).raw.changed, 1u);
  EXPECT_EQ(store_->stats().bytes, full);
  const auto rows = store_->Audit(std::nullopt, 100, Duration{0}).value();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_GT(rows[0].token_after, rows[1].token_after);
}

TEST_F(MemoryOperable, OperatorIsHeardEvenAboveTheBudget) {
  Create({.max_bytes = 400, .shards = 1});
  Ask(Claim("k", 1));
  ASSERT_EQ(Ask(Claim("other", 1)).raw.status, HF_STORE_OVERLOADED);
  EXPECT_EQ(Force(testing::Release("k", HF_EFFECT_RETRYABLE)).raw.status, HF_STORE_OK);
}

TEST_F(MemoryOperable, CheckpointAboveTheBudgetIsRefusedAndTheLastOneStands) {
  Create({.max_bytes = 3000, .shards = 1});
  const uint64_t token = Ask(Claim("k", 1, HF_ON_EXPIRY_TAKEOVER)).raw.token;
  ASSERT_EQ(Ask(testing::Checkpoint("k", token, "half")).raw.status, HF_STORE_OK);
  const uint64_t bytes = store_->stats().bytes;
  const std::string large(5000, 'x');
  EXPECT_EQ(Ask(testing::Checkpoint("k", token, large)).raw.status, HF_STORE_OVERLOADED);
  EXPECT_EQ(store_->stats().bytes, bytes);
  EXPECT_EQ(store_->stats().refused, 1u);
  clock_.Advance(testing::kLease);
  const StoreReply taken = Ask(Claim("k", 2, HF_ON_EXPIRY_TAKEOVER));
  ASSERT_EQ(taken.raw.status, HF_STORE_WON);
  EXPECT_EQ(*taken.body, "half");
}

TEST_F(MemoryOperable, BytesComeBackWhateverAKeyHasGoneThrough) {
  Create({.shards = 1});
  StoreRequest claim = Claim("k", 1, HF_ON_EXPIRY_TAKEOVER);
  const std::string label(100, 'l'), body(1000, 'b');
  claim.label = {label.data(), label.size()};
  for (int round = 0; round < 50; ++round) {
    const uint64_t token = Ask(claim).raw.token;
    ASSERT_EQ(Ask(testing::Checkpoint("k", token, body)).raw.status, HF_STORE_OK);
    EXPECT_GT(store_->stats().bytes, 1100u);
    if (round % 2 == 0) {
      ASSERT_EQ(Ask(testing::Fail("k", token, HF_EFFECT_RETRYABLE)).raw.status, HF_STORE_OK);
    } else {
      ASSERT_EQ(Ask(Complete("k", token, body)).raw.status, HF_STORE_OK);
      ASSERT_EQ(Ask(testing::Release("k", HF_EFFECT_NOT_STARTED)).raw.status, HF_STORE_OK);
      EXPECT_EQ(store_->stats().bytes, 0u);
    }
  }
}

TEST_F(MemoryOperable, KeyRetriedManyTimesIsPurgedOnceItIsDue) {
  Create({.shards = 1, .purge_per_request = 1000});
  Ask(Claim("other", 1));
  for (uint64_t i = 1; i <= 500; ++i) {
    StoreRequest claim = Claim("k", i);
    claim.max_attempts = 1000;
    const uint64_t token = Ask(claim).raw.token;
    // Every other life is shorter than the one before it.
    StoreRequest fail = testing::Fail("k", token, HF_EFFECT_RETRYABLE);
    fail.ttl = (i % 2 == 0 ? 1 : 2) * testing::kTtl;
    ASSERT_EQ(Ask(fail).raw.status, HF_STORE_OK) << i;
  }
  clock_.Advance(testing::kTtl - 1);
  Ask(testing::Read("nobody"));
  EXPECT_EQ(store_->stats().records, 2u);
  clock_.Advance(1);
  Ask(testing::Read("nobody"));
  EXPECT_EQ(store_->stats().records, 1u);
}

TEST(AuditNoteCheck, TextMustBePrintableUtf8OfALength) {
  const auto ok = [](const std::string& text) {
    return CheckAuditNote({.actor = text, .reason = "r"}).ok() &&
           CheckAuditNote({.actor = "a", .reason = text}).ok();
  };
  for (const std::string& text :
       {std::string("x"), std::string(256, 'x'),
        std::string("J\xC3\xB6rg \xE2\x82\xAC \xF0\x9F\x9A\x80"), std::string("\xC2\xA0"),
        std::string("\xED\x9F\xBF"), std::string("\xF4\x8F\xBF\xBF")}) {
    EXPECT_TRUE(ok(text)) << text;
  }
  for (const std::string& text :
       {std::string(), std::string(257, 'x'), std::string("a\nb"), std::string("\x7F"),
        std::string(1, '\0'), std::string("\x80"), std::string("\xC3"), std::string("\xC3("),
        std::string("\xC0\x80"), std::string("\xE0\x80\x80"), std::string("\xED\xA0\x80"),
        std::string("\xF0\x80\x80\x80"), std::string("\xF4\x90\x80\x80"),
        std::string("\xF8\x88\x80\x80\x80"), std::string("\xFF"), std::string("\xC2\x85"),
        std::string("\xE2\x82")}) {
    EXPECT_FALSE(ok(text)) << text;
  }
  const absl::Status bad = CheckAuditNote({.actor = "a", .reason = ""});
  EXPECT_NE(bad.message().find("reason"), absl::string_view::npos);
  EXPECT_EQ(RejectionOf(bad)->reason, HF_R_OUT_OF_RANGE);
}

}  // namespace
}  // namespace holdfast
