// SPDX-License-Identifier: Apache-2.0
// Many keys at once: one outcome each, duplicates in the batch, fences per key, and one request for all.
#include <gtest/gtest.h>
#include <holdfast/bulk.h>
#include <holdfast/idempotency.h>
#include <holdfast/memory/store.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "unit/run_once_world.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;
using Results = std::vector<absl::StatusOr<RunOnceResult>>;
using Claims = std::span<BulkClaim* const>;

// Notes how it was asked, and fails on request.
class BatchStore final : public Store {
 public:
  explicit BatchStore(Store& behind) : behind_(behind) {}
  StoreReply Execute(const StoreRequest& request, Duration timeout) override {
    ++single;
    return behind_.Execute(request, timeout);
  }
  std::vector<StoreReply> ExecuteMany(std::span<const StoreRequest> requests,
                                      Duration timeout) override {
    ++batches;
    sorted = sorted && std::is_sorted(requests.begin(), requests.end(), [](auto& a, auto& b) {
               return std::memcmp(a.key_id, b.key_id, 32) < 0;
             });
    if (refuse > 0) {
      --refuse;
      return std::vector<StoreReply>(requests.size(), StorageReply(HF_STORE_UNAVAILABLE, "down"));
    }
    return behind_.ExecuteMany(requests, timeout);
  }
  Guarantee guarantee() const override { return behind_.guarantee(); }

  int single = 0, batches = 0, refuse = 0;
  bool sorted = true;

 private:
  Store& behind_;
};

class Bulk : public ::testing::Test {
 protected:
  std::vector<BulkItem> Items(const std::vector<std::string_view>& keys) {
    std::vector<BulkItem> items;
    for (const std::string_view key : keys) items.push_back({.key = {.key = key}, .request = "r"});
    return items;
  }
  RunOnceOptions Options() {
    RunOnceOptions options;
    options.clock = &clock;
    options.lease = 10s;
    return options;
  }
  Results Run(const std::vector<BulkItem>& items) {
    return RunMany(store, items, Options(), [](Claims won) {
      for (BulkClaim* const claim : won) claim->Finish("item " + std::to_string(claim->index()));
    });
  }
  static hf_reason ReasonOf(const absl::Status& status) {
    const auto rejection = RejectionOf(status);
    return rejection ? rejection->reason : HF_R_NONE;
  }

  testing::HandClock clock;
  testing::StoreClock store_clock;
  std::unique_ptr<memory::Store> memory =
      memory::Store::Create({.clock = store_clock.Function()}).value();
  BatchStore store{*memory};
};

TEST_F(Bulk, ABatchIsOneRequestToClaimAndOneToComplete) {
  const std::vector<BulkItem> items = Items({"c", "a", "d", "b"});
  const Results first = Run(items), second = Run(items);
  for (size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(first[i]->body, "item " + std::to_string(i));
    EXPECT_FALSE(first[i]->replayed);
    EXPECT_EQ(second[i]->body, first[i]->body);
    EXPECT_TRUE(second[i]->replayed);
  }
  EXPECT_EQ(store.batches, 3) << "claim and complete, then claim";
  EXPECT_EQ(store.single, 0);
  EXPECT_TRUE(store.sorted);
}

TEST_F(Bulk, OfKeysThatComeTwiceTheFirstWinsAndTheRestIsBusy) {
  std::vector<BulkClaim> claims = ClaimMany(store, Items({"a", "b", "a", "a"}), Options());
  EXPECT_TRUE(claims[0].won());
  EXPECT_TRUE(claims[1].won());
  for (const size_t i : {2u, 3u}) {
    EXPECT_FALSE(claims[i].won());
    EXPECT_EQ(claims[i].same_as(), 0u);
    EXPECT_EQ(ReasonOf(claims[i].TakeResult().status()), HF_R_IDEM_BUSY);
  }
  EXPECT_EQ(claims[0].same_as(), std::nullopt);
  claims[0].Finish("x");
  claims[1].Finish("y");
  CompleteMany(store, claims, clock);
  const Results again = Run(Items({"a", "a"}));
  EXPECT_EQ(again[0]->body, "x");
  EXPECT_EQ(again[1]->body, "x") << "a replay is for all";
}

TEST_F(Bulk, EachItemHasItsOwnOutcome) {
  ASSERT_TRUE(Run(Items({"done"}))[0].ok());
  std::vector<BulkItem> items = Items({"done", "fails", "fresh", ""});
  items.push_back({.key = {.key = "done"}, .request = "another"});
  items.push_back({.key = {.key = "no fingerprint"}});
  const Results results = RunMany(store, items, Options(), [](Claims won) {
    ASSERT_EQ(won.size(), 2u);
    won[0]->Finish(absl::NotFoundError("no such thing"));
    won[1]->Finish("new");
    won[1]->Finish("twice");
  });
  EXPECT_TRUE(results[0]->replayed);
  EXPECT_EQ(results[1].status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(results[2]->body, "new");
  EXPECT_EQ(ReasonOf(results[3].status()), HF_R_KEY_MISSING);
  EXPECT_EQ(ReasonOf(results[4].status()), HF_R_IDEM_MISMATCH);
  EXPECT_EQ(ReasonOf(results[5].status()), HF_R_FINGERPRINT_MISSING);
}

TEST_F(Bulk, TheFenceIsPerKey) {
  RunOnceOptions options = Options();
  options.on_expiry = OnExpiry::kTakeover;
  const std::vector<BulkItem> items = Items({"a", "b"});
  std::vector<BulkClaim> late = ClaimMany(store, items, options);
  EXPECT_EQ(late[0].ticket().attempt(), 1u);
  store_clock.Advance(20 * HF_S);
  const Results successor = RunMany(store, std::span(items).first(1), options, [&](Claims won) {
    EXPECT_EQ(won[0]->ticket().attempt(), 2u);
    EXPECT_GT(won[0]->ticket().token(), late[0].ticket().token());
    won[0]->Finish("successor's");
  });
  for (BulkClaim& claim : late) claim.Finish("late");
  CompleteMany(store, late, clock);
  EXPECT_EQ(ReasonOf(late[0].TakeResult().status()), HF_R_IDEM_FENCED);
  EXPECT_EQ(late[1].TakeResult()->body, "late");
}

TEST_F(Bulk, AStoreThatIsDownForAWhileIsAskedAgain) {
  std::vector<BulkClaim> claims = ClaimMany(store, Items({"a", "b"}), Options());
  for (BulkClaim& claim : claims) claim.Finish("x");
  store.refuse = 3;
  CompleteMany(store, claims, clock);
  EXPECT_EQ(claims[0].TakeResult()->body, "x");
  EXPECT_EQ(claims[1].TakeResult()->body, "x");
  store.refuse = 1;
  const Results refused = Run(Items({"c", "d"}));
  EXPECT_EQ(ReasonOf(refused[0].status()), HF_R_STORE_UNAVAILABLE);
  EXPECT_EQ(ReasonOf(refused[1].status()), HF_R_STORE_UNAVAILABLE);
}

TEST_F(Bulk, WhatIsNotFinishedIsInDoubt) {
  const Results results =
      RunMany(store, Items({"a", "b"}), Options(), [](Claims won) { won[0]->Finish("x"); });
  EXPECT_TRUE(results[0].ok());
  EXPECT_EQ(results[1].status().code(), absl::StatusCode::kUnknown);
  {
    const std::vector<BulkClaim> dropped = ClaimMany(store, Items({"c"}), Options());
  }
  EXPECT_THROW(
      RunMany(store, Items({"d"}), Options(), [](Claims) { throw std::runtime_error("no"); }),
      std::runtime_error);
  for (const auto& result : Run(Items({"b", "c", "d"}))) {
    EXPECT_EQ(ReasonOf(result.status()), HF_R_IDEM_IN_DOUBT);
  }
}

TEST_F(Bulk, ARecordThatNeedsAReconcilerIsLeftAlone) {
  hf_store_request dead = testing::Claim("a", 1, HF_ON_EXPIRY_RECONCILE);
  hf_idem_fingerprint("r", 1, dead.fingerprint);
  ASSERT_EQ(memory->Execute(dead, Duration{0}).raw.status, HF_STORE_WON);
  store_clock.Advance(20 * HF_S);
  EXPECT_EQ(ReasonOf(Run(Items({"a"}))[0].status()), HF_R_IDEM_IN_DOUBT);
  dead.nonce[0] = 2;
  EXPECT_EQ(memory->Execute(dead, Duration{0}).raw.status, HF_STORE_RECONCILE);
}

TEST_F(Bulk, OptionsOfOneCallAloneAreRefused) {
  const auto reason = [&](const std::function<void(RunOnceOptions&)>& spoil) {
    RunOnceOptions options = Options();
    spoil(options);
    return ReasonOf(ClaimMany(store, Items({"a"}), options)[0].TakeResult().status());
  };
  RunOnceReport report;
  EXPECT_EQ(reason([](auto& o) { o.max_wait = 1s; }), HF_R_BAD_OPTIONS);
  EXPECT_EQ(reason([](auto& o) { o.request = "r"; }), HF_R_BAD_OPTIONS);
  EXPECT_EQ(reason([&](auto& o) { o.report = &report; }), HF_R_BAD_OPTIONS);
  EXPECT_EQ(reason([](auto& o) { o.reconcile = [](Ticket&) { return Finding::Unknown(); }; }),
            HF_R_BAD_OPTIONS);
  EXPECT_EQ(store.batches, 0);
}

TEST_F(Bulk, AnEmptyBatchAsksNothing) {
  EXPECT_TRUE(Run({}).empty());
  EXPECT_EQ(store.batches, 0);
}

}  // namespace
}  // namespace holdfast
