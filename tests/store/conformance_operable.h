// SPDX-License-Identifier: Apache-2.0
// Store conformance: what operators see and do.
#ifndef HOLDFAST_TESTS_STORE_CONFORMANCE_OPERABLE_H_
#define HOLDFAST_TESTS_STORE_CONFORMANCE_OPERABLE_H_

#include <gtest/gtest.h>
#include <holdfast/operable_store.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "store/conformance_fixture.h"

namespace holdfast {

template <class Factory>
class StoreOperable : public StoreFixture<Factory> {
 protected:
  static KeyId IdOf(std::string_view key) {
    KeyId id;
    const StoreRequest request = testing::Read(key);
    std::copy_n(request.key_id, id.size(), id.begin());
    return id;
  }

  static StoreRequest Labelled(StoreRequest claim, std::string_view label) {
    claim.label = {label.data(), label.size()};
    return claim;
  }

  StoreReply Force(const StoreRequest& request, const AuditNote& note = {"ops", "ticket 7"}) {
    return this->operable().ExecuteAudited(request, note, Duration{0});
  }

  // All pages of `query`, by key; counts in *pages.
  std::map<KeyId, StoredRecord> ScanAll(ScanQuery query, int* pages = nullptr) {
    std::map<KeyId, StoredRecord> all;
    for (int page_number = 1;; ++page_number) {
      const auto page = this->operable().Scan(query, Duration{0});
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return all;
      EXPECT_GT(page->store_now, 0);
      for (const StoredRecord& record : page->records) all.insert_or_assign(record.key_id, record);
      if (pages != nullptr) *pages = page_number;
      if (page->cursor.empty()) return all;
      EXPECT_LT(page_number, 100000) << "a scan without an end";
      if (page_number >= 100000) return all;
      query.cursor = page->cursor;
    }
  }

  std::vector<AuditRow> AuditOf(std::string_view key, uint32_t limit = 100) {
    return this->operable().Audit(IdOf(key), limit, Duration{0}).value();
  }
};

TYPED_TEST_SUITE_P(StoreOperable);

TYPED_TEST_P(StoreOperable, FindShowsTheRecordAsItIsStored) {
  const auto nobody = this->operable().Find(this->IdOf("k"), Duration{0});
  EXPECT_EQ(nobody.status().code(), absl::StatusCode::kNotFound);
  const StoreReply won = this->Ask(this->Labelled(testing::Claim("k", 7), "acme pay"));
  ASSERT_EQ(this->StatusOf(testing::Checkpoint("k", won.raw.token, "half")), HF_STORE_OK);
  this->ReopenIfDurable();
  StoredRecord found = this->operable().Find(this->IdOf("k"), Duration{0}).value();
  EXPECT_EQ(found.key_id, this->IdOf("k"));
  EXPECT_EQ(found.record.state, HF_RECORD_IN_PROGRESS);
  EXPECT_EQ(found.record.on_expiry, HF_ON_EXPIRY_IN_DOUBT);
  EXPECT_EQ(found.record.token, won.raw.token);
  EXPECT_EQ(found.record.attempt, 1u);
  EXPECT_EQ(found.record.nonce[0], 7);
  EXPECT_GT(found.record.lease_until, 0);
  EXPECT_EQ(found.label, "acme pay");
  EXPECT_EQ(found.body, "half");
  EXPECT_EQ(found.body_bytes, 4u);
  EXPECT_FALSE(found.damaged);
  EXPECT_EQ(found.record.body.size, 0u);
  EXPECT_EQ(found.record.label.size, 0u);
  ASSERT_EQ(this->StatusOf(testing::Complete("k", won.raw.token, "result", HF_NOT_FOUND)),
            HF_STORE_OK);
  found = this->operable().Find(this->IdOf("k"), Duration{0}).value();
  EXPECT_EQ(found.record.state, HF_RECORD_COMPLETED);
  EXPECT_EQ(found.record.code, HF_NOT_FOUND);
  EXPECT_EQ(found.body, "result");
  EXPECT_EQ(found.label, "acme pay");
}

TYPED_TEST_P(StoreOperable, LabelIsTheLastWinnersAndStaysInEveryState) {
  const std::string first("first\0\xFF", 7), second(HF_RECORD_LABEL_MAX, 'L');
  StoreRequest claim = this->Labelled(testing::Claim("k", 1), first);
  const auto label = [&] { return this->operable().Find(this->IdOf("k"), Duration{0})->label; };
  const uint64_t token = this->Ask(claim).raw.token;
  EXPECT_EQ(label(), first);
  ASSERT_EQ(this->StatusOf(this->Labelled(testing::Claim("k", 2), "loser")), HF_STORE_BUSY);
  ASSERT_EQ(this->StatusOf(testing::Renew("k", token)), HF_STORE_OK);
  EXPECT_EQ(label(), first);
  ASSERT_EQ(this->StatusOf(testing::Fail("k", token, HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  this->ReopenIfDurable();
  EXPECT_EQ(label(), first);
  const StoreReply again = this->Ask(this->Labelled(testing::Claim("k", 2), second));
  EXPECT_EQ(label(), second);
  ASSERT_EQ(this->StatusOf(testing::Fail("k", again.raw.token, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  EXPECT_EQ(label(), second);
  ASSERT_EQ(this->StatusOf(testing::Resolve("k", HF_EFFECT_RETRYABLE)), HF_STORE_OK);
  EXPECT_EQ(label(), second);
  ASSERT_EQ(this->StatusOf(testing::Claim("k", 3)), HF_STORE_WON);
  EXPECT_EQ(label(), "");
}

TYPED_TEST_P(StoreOperable, ScanSeesEveryRecordInPagesOfAnySize) {
  constexpr size_t kRecords = 120;
  for (size_t i = 0; i < kRecords; ++i) this->Win("k" + std::to_string(i), 1);
  this->ReopenIfDurable();
  for (const uint32_t limit : {7u, 119u, 120u, 10000u}) {
    int pages = 0;
    EXPECT_EQ(this->ScanAll({.limit = limit}, &pages).size(), kRecords) << limit;
    EXPECT_GE(pages, static_cast<int>(kRecords / std::min<size_t>(limit, kRecords)) / 2);
  }
}

TYPED_TEST_P(StoreOperable, ScanOfAnEmptyStoreIsOneEmptyPage) {
  EXPECT_TRUE(this->ScanAll({}).empty());
}

TYPED_TEST_P(StoreOperable, ScanFiltersByStateAndGivesBodiesIfAsked) {
  const std::string body(70000, 'b');
  ASSERT_EQ(this->StatusOf(testing::Complete("done", this->Win("done", 1), body)), HF_STORE_OK);
  ASSERT_EQ(this->StatusOf(testing::Fail("doubt", this->Win("doubt", 1), HF_EFFECT_AMBIGUOUS)),
            HF_STORE_OK);
  this->Win("live", 1);
  const auto doubts = this->ScanAll({.state = HF_RECORD_IN_DOUBT});
  ASSERT_EQ(doubts.size(), 1u);
  EXPECT_EQ(doubts.begin()->first, this->IdOf("doubt"));
  const auto bare = this->ScanAll({.state = HF_RECORD_COMPLETED});
  ASSERT_EQ(bare.size(), 1u);
  EXPECT_EQ(bare.begin()->second.body, "");
  EXPECT_EQ(bare.begin()->second.body_bytes, body.size());
  const auto full = this->ScanAll({.state = HF_RECORD_COMPLETED, .bodies = true});
  EXPECT_EQ(full.begin()->second.body, body);
  EXPECT_EQ(this->ScanAll({.bodies = true}).size(), 3u);
}

TYPED_TEST_P(StoreOperable, UnsoundQueryIsRefusedByName) {
  for (const uint32_t limit : {0u, 10001u}) {
    const auto page = this->operable().Scan({.limit = limit}, Duration{0});
    EXPECT_EQ(page.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(page.status().message().find("limit"), absl::string_view::npos);
  }
  const auto page = this->operable().Scan({.cursor = "no cursor of mine"}, Duration{0});
  EXPECT_EQ(page.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(page.status().message().find("cursor"), absl::string_view::npos);
}

TYPED_TEST_P(StoreOperable, ScanWhileOthersWriteMissesNothingThatStays) {
  std::set<KeyId> staying;
  for (int i = 0; i < 60; ++i) {
    const std::string key = "stay" + std::to_string(i);
    this->Win(key, 1);
    staying.insert(this->IdOf(key));
  }
  std::atomic<bool> over = false;
  std::atomic<int> rounds = 0;
  std::thread writer([&] {
    for (int i = 0; !over; ++i) {
      const std::string key = "go" + std::to_string(i % 200);
      const StoreReply reply = this->Ask(testing::Claim(key, 1));
      if (reply.raw.status == HF_STORE_WON && i % 3 != 0) {
        this->Ask(testing::Abandon(key, reply.raw.token));
      }
      ++rounds;
    }
  });
  while (rounds < 20) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) {
    const auto seen = this->ScanAll({.limit = 5});
    for (const KeyId& id : staying) EXPECT_TRUE(seen.contains(id));
  }
  over = true;
  writer.join();
}

TYPED_TEST_P(StoreOperable, ChangeByHandLeavesARowAndARefusedOneNone) {
  const uint64_t token = this->Win("k", 1);
  EXPECT_EQ(this->Force(testing::Resolve("k", HF_EFFECT_FINAL)).raw.status, HF_STORE_FENCED);
  EXPECT_EQ(this->Force(testing::Release("nobody", HF_EFFECT_RETRYABLE)).raw.status,
            HF_STORE_ABSENT);
  EXPECT_TRUE(this->AuditOf("k").empty());
  EXPECT_TRUE(this->AuditOf("nobody").empty());
  const AuditNote note{"J\xC3\xB6rg", "stuck since 10:40"};
  const StoreReply released = this->Force(testing::Release("k", HF_EFFECT_RETRYABLE), note);
  ASSERT_EQ(released.raw.status, HF_STORE_OK) << released.detail;
  EXPECT_EQ(released.raw.changed, 1u);
  this->ReopenIfDurable();
  const std::vector<AuditRow> rows = this->AuditOf("k");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].key_id, this->IdOf("k"));
  EXPECT_EQ(rows[0].verb, HF_STORE_RELEASE);
  EXPECT_EQ(rows[0].effect, HF_EFFECT_RETRYABLE);
  EXPECT_EQ(rows[0].before, HF_RECORD_IN_PROGRESS);
  EXPECT_EQ(rows[0].token_before, token);
  EXPECT_EQ(rows[0].token_after, released.raw.token);
  EXPECT_EQ(rows[0].note.actor, note.actor);
  EXPECT_EQ(rows[0].note.reason, note.reason);
  EXPECT_GT(rows[0].at, 0);
}

TYPED_TEST_P(StoreOperable, AuditIsNewestFirstOfOneKeyOrOfAll) {
  for (const std::string key : {"a", "b", "a", "c", "a"}) {
    this->Win(key, 1);
    ASSERT_EQ(this->Force(testing::Release(key, HF_EFFECT_NOT_STARTED)).raw.status, HF_STORE_OK);
  }
  const std::vector<AuditRow> of_a = this->AuditOf("a");
  ASSERT_EQ(of_a.size(), 3u);
  EXPECT_GT(of_a[0].token_after, of_a[1].token_after);
  EXPECT_GT(of_a[1].token_after, of_a[2].token_after);
  EXPECT_EQ(this->AuditOf("a", 2).size(), 2u);
  const auto all = this->operable().Audit(std::nullopt, 4, Duration{0}).value();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].key_id, this->IdOf("a"));
  EXPECT_EQ(all[1].key_id, this->IdOf("c"));
}

TYPED_TEST_P(StoreOperable, ResolvingByHandEndsADoubtAndSaysSo) {
  const uint64_t token = this->Win("k", 1);
  ASSERT_EQ(this->StatusOf(testing::Fail("k", token, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  ASSERT_EQ(this->Force(testing::Resolve("k", HF_EFFECT_FINAL, "found")).raw.status, HF_STORE_OK);
  EXPECT_EQ(*this->Ask(testing::Claim("k", 2)).body, "found");
  const std::vector<AuditRow> rows = this->AuditOf("k");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].verb, HF_STORE_RESOLVE);
  EXPECT_EQ(rows[0].effect, HF_EFFECT_FINAL);
  EXPECT_EQ(rows[0].before, HF_RECORD_IN_DOUBT);
}

TYPED_TEST_P(StoreOperable, UnsoundNoteOrVerbChangesNothing) {
  const uint64_t token = this->Win("k", 1);
  const StoreRequest release = testing::Release("k", HF_EFFECT_NOT_STARTED);
  for (const AuditNote& note :
       {AuditNote{"", "why"}, AuditNote{"ops", ""}, AuditNote{"ops", "two\nlines"},
        AuditNote{std::string(257, 'x'), "why"}, AuditNote{"ops", "\xFF"}}) {
    const StoreReply reply = this->Force(release, note);
    EXPECT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE);
    EXPECT_FALSE(reply.detail.empty());
  }
  EXPECT_EQ(this->Force(testing::Abandon("k", token)).raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_EQ(this->StatusOf(testing::Read("k")), HF_STORE_BUSY);
  EXPECT_TRUE(this->AuditOf("k").empty());
}

TYPED_TEST_P(StoreOperable, PurgeErasesWhatIsPastItsTimeAndNothingElse) {
  const uint64_t doubt = this->Win("doubt", 1);
  ASSERT_EQ(this->StatusOf(this->Brief(testing::Fail("doubt", doubt, HF_EFFECT_AMBIGUOUS))),
            HF_STORE_OK);
  this->WinBriefly("lapsed", 1);
  this->LetLeaseLapse("lapsed");
  uint64_t done_token = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string key = "done" + std::to_string(i);
    done_token = this->Win(key, 1);
    ASSERT_EQ(this->StatusOf(this->Brief(testing::Complete(key, done_token, "x"))), HF_STORE_OK);
  }
  StoreRequest lasting = testing::Complete("lasting", this->Win("lasting", 1), "x");
  lasting.ttl = 100 * testing::kTtl;
  ASSERT_EQ(this->StatusOf(lasting), HF_STORE_OK);
  this->LetLifePass("done9");
  const uint64_t few = this->operable().Purge(3, Duration{0}).value();
  EXPECT_LE(few, 3u);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(this->operable().Purge(1000, Duration{0}).ok());
  EXPECT_EQ(this->operable().Purge(1000, Duration{0}).value(), 0u);
  const auto left = this->ScanAll({});
  EXPECT_EQ(left.size(), 3u);
  EXPECT_TRUE(left.contains(this->IdOf("doubt")));
  EXPECT_TRUE(left.contains(this->IdOf("lapsed")));
  EXPECT_TRUE(left.contains(this->IdOf("lasting")));
  EXPECT_GT(this->Win("done9", 2), done_token);
  EXPECT_EQ(this->StatusOf(testing::Claim("doubt", 2)), HF_STORE_IN_DOUBT);
}

TYPED_TEST_P(StoreOperable, InfoNamesTheKindAndCounts) {
  for (int i = 0; i < 5; ++i) this->Win("k" + std::to_string(i), 1);
  const StoreInfo info = this->operable().Info(Duration{0}).value();
  EXPECT_FALSE(info.kind.empty());
  EXPECT_EQ(info.schema, info.schema_newest);
}

REGISTER_TYPED_TEST_SUITE_P(StoreOperable, FindShowsTheRecordAsItIsStored,
                            LabelIsTheLastWinnersAndStaysInEveryState,
                            ScanSeesEveryRecordInPagesOfAnySize, ScanOfAnEmptyStoreIsOneEmptyPage,
                            ScanFiltersByStateAndGivesBodiesIfAsked, UnsoundQueryIsRefusedByName,
                            ScanWhileOthersWriteMissesNothingThatStays,
                            ChangeByHandLeavesARowAndARefusedOneNone,
                            AuditIsNewestFirstOfOneKeyOrOfAll, ResolvingByHandEndsADoubtAndSaysSo,
                            UnsoundNoteOrVerbChangesNothing,
                            PurgeErasesWhatIsPastItsTimeAndNothingElse, InfoNamesTheKindAndCounts);

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_STORE_CONFORMANCE_OPERABLE_H_
