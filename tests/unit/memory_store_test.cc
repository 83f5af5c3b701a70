// SPDX-License-Identifier: Apache-2.0
// What is the memory store's own: the budget, the purge, shared bodies. The rest is conformance.
#include <gtest/gtest.h>
#include <holdfast/memory/store.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/requests.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;
using testing::kTtl;

class MemoryStore : public ::testing::Test {
 protected:
  void Create(memory::Options options) {
    options.clock = clock_.Function();
    store_ = memory::Store::Create(std::move(options)).value();
  }
  StoreReply Ask(const StoreRequest& request) { return store_->Execute(request, Duration{0}); }
  void CompleteKey(const std::string& key, const std::string& body) {
    const uint64_t token = Ask(Claim(key, 1)).raw.token;
    ASSERT_EQ(Ask(Complete(key, token, body)).raw.status, HF_STORE_OK);
  }

  testing::StoreClock clock_;
  std::unique_ptr<memory::Store> store_;
};

TEST_F(MemoryStore, RefusesNewKeysWhenTheBudgetIsSpentAndForgetsNone) {
  Create({.max_bytes = 20000, .shards = 2});
  int stored = 0;
  while (Ask(Claim("k" + std::to_string(stored), 1)).raw.status == HF_STORE_WON) ++stored;
  ASSERT_GT(stored, 10);
  EXPECT_EQ(Ask(Claim("new", 1)).raw.status, HF_STORE_OVERLOADED);
  EXPECT_EQ(store_->stats().refused, 2u);
  EXPECT_LE(store_->stats().bytes, 20000u);
  for (int i = 0; i < stored; ++i) {
    EXPECT_EQ(Ask(Claim("k" + std::to_string(i), 2)).raw.status, HF_STORE_BUSY);
  }
}

TEST_F(MemoryStore, KeyThatExistsIsSettledEvenAboveTheBudget) {
  Create({.max_bytes = 3000});
  const uint64_t token = Ask(Claim("k", 1)).raw.token;
  const std::string body(10000, 'x');
  EXPECT_EQ(Ask(Complete("k", token, body)).raw.status, HF_STORE_OK);
  EXPECT_EQ(*Ask(Claim("k", 2)).body, body);
  EXPECT_EQ(Ask(Claim("other", 1)).raw.status, HF_STORE_OVERLOADED);
}

TEST_F(MemoryStore, RoomComesBackWithAbandonAndExpiry) {
  Create({.max_bytes = 1 << 20, .shards = 1});
  CompleteKey("a", std::string(1000, 'x'));
  const uint64_t token = Ask(Claim("b", 1)).raw.token;
  EXPECT_EQ(Ask(testing::Abandon("b", token)).raw.status, HF_STORE_OK);
  EXPECT_EQ(store_->stats().records, 1u);
  clock_.Advance(kTtl);
  Ask(testing::Read("nobody"));
  EXPECT_EQ(store_->stats().records, 0u);
  EXPECT_EQ(store_->stats().bytes, 0u);
  EXPECT_EQ(store_->stats().purged, 1u);
}

TEST_F(MemoryStore, ExpiredRecordsMakeRoomForANewKeyAtOnce) {
  Create({.max_bytes = 3000, .shards = 1});
  CompleteKey("old", std::string(3000, 'x'));
  ASSERT_EQ(Ask(Claim("new", 1)).raw.status, HF_STORE_OVERLOADED);
  clock_.Advance(kTtl);
  EXPECT_EQ(Ask(Claim("new", 1)).raw.status, HF_STORE_WON);
}

TEST_F(MemoryStore, PurgeIsBoundedPerRequest) {
  Create({.shards = 1, .purge_per_request = 3});
  for (int i = 0; i < 10; ++i) CompleteKey("k" + std::to_string(i), "x");
  clock_.Advance(kTtl);
  Ask(testing::Read("nobody"));
  EXPECT_EQ(store_->stats().purged, 3u);
  Ask(testing::Read("nobody"));
  EXPECT_EQ(store_->stats().purged, 6u);
}

TEST_F(MemoryStore, PurgeNeverTakesWhatIsLeasedOrInDoubt) {
  Create({.shards = 1});
  Ask(Claim("leased", 1));
  const uint64_t token = Ask(Claim("doubt", 1)).raw.token;
  Ask(testing::Fail("doubt", token, HF_EFFECT_AMBIGUOUS));
  clock_.Advance(1000 * kTtl);
  for (int i = 0; i < 10; ++i) Ask(testing::Read("nobody"));
  EXPECT_EQ(store_->stats().records, 2u);
  EXPECT_EQ(Ask(Claim("doubt", 2)).raw.status, HF_STORE_IN_DOUBT);
}

TEST_F(MemoryStore, RetriedKeyIsNotPurgedByItsOldExpiry) {
  Create({.shards = 1});
  const uint64_t token = Ask(Claim("k", 1)).raw.token;
  ASSERT_EQ(Ask(testing::Fail("k", token, HF_EFFECT_RETRYABLE)).raw.status, HF_STORE_OK);
  ASSERT_EQ(Ask(Claim("k", 2)).raw.status, HF_STORE_WON);
  clock_.Advance(2 * kTtl);
  Ask(testing::Read("nobody"));
  EXPECT_EQ(store_->stats().records, 1u);
}

TEST_F(MemoryStore, TokenRisesAfterAPurgeAndAClockStepBack) {
  Create({.shards = 1});
  const uint64_t token = Ask(Claim("k", 1)).raw.token;
  ASSERT_EQ(Ask(Complete("k", token, "x")).raw.status, HF_STORE_OK);
  clock_.Advance(kTtl);
  Ask(testing::Read("nobody"));
  ASSERT_EQ(store_->stats().records, 0u);
  clock_.Advance(-2 * kTtl);
  EXPECT_GT(Ask(Claim("k", 2)).raw.token, token);
}

TEST_F(MemoryStore, ReplayedBodyIsSharedAndOutlivesTheRecord) {
  Create({.shards = 1});
  CompleteKey("k", "body");
  const StoreReply first = Ask(Claim("k", 2)), second = Ask(Claim("k", 3));
  EXPECT_EQ(first.body.get(), second.body.get());
  clock_.Advance(kTtl);
  ASSERT_EQ(Ask(Claim("k", 4)).raw.status, HF_STORE_WON);
  EXPECT_EQ(*first.body, "body");
  EXPECT_EQ(std::string(first.raw.body.data, first.raw.body.size), "body");
}

TEST_F(MemoryStore, MixedLoadFromManyThreadsLeavesNothingBehind) {
  Create({.shards = 4});
  std::vector<std::thread> threads;
  for (uint64_t who = 1; who <= 8; ++who) {
    threads.emplace_back([&, who] {
      for (int i = 0; i < 500; ++i) {
        const std::string key = "k" + std::to_string(i % 20);
        const StoreReply reply = Ask(Claim(key, who * 1000 + i));
        if (reply.raw.status == HF_STORE_WON) Ask(testing::Abandon(key, reply.raw.token));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store_->stats().records, 0u);
  EXPECT_EQ(store_->stats().bytes, 0u);
}

TEST_F(MemoryStore, OptionsOutOfRangeAreRefusedByName) {
  const auto refused = memory::Store::Create({.shards = 65537});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("shards"), absl::string_view::npos);
  EXPECT_EQ(RejectionOf(refused.status())->reason, HF_R_OUT_OF_RANGE);
}

TEST_F(MemoryStore, RunsOnTheSystemClockByDefault) {
  const auto store = memory::Store::Create().value();
  EXPECT_EQ(store->Execute(Claim("k", 1), Duration{0}).raw.status, HF_STORE_WON);
  EXPECT_EQ(store->guarantee().level, GuaranteeLevel::kProcess);
}

}  // namespace
}  // namespace holdfast
