// SPDX-License-Identifier: Apache-2.0
// What a local tier keeps, serves, drops and passes on. "Remote" is a memory store that counts what it is asked, and
// another process is whoever asks it directly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/memory/local_tier.h>
#include <holdfast/memory/store.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/requests.h"
#include "unit/probe_store.h"

namespace holdfast {
namespace {

using memory::LocalTier;
using testing::Claim;
using testing::Complete;
using testing::ProbeStore;
using testing::Read;
using testing::WithFingerprint;

class LocalTierTest : public ::testing::Test {
 protected:
  explicit LocalTierTest(LocalTier::Options options = {}) {
    options.clock = clock_.Function();
    if (options.max_age == Duration{0}) options.max_age = std::chrono::minutes(1);
    tier_ = LocalTier::Create(remote_, std::move(options)).value();
  }

  StoreReply Ask(const StoreRequest& request) { return tier_->Execute(request, Duration{0}); }
  StoreReply Elsewhere(const StoreRequest& request) {
    return remote_->Execute(request, Duration{0});
  }
  uint64_t Run(std::string_view key, std::string_view body) {
    const uint64_t token = Elsewhere(Claim(key, 1)).raw.token;
    EXPECT_EQ(Elsewhere(Complete(key, token, body)).raw.status, HF_STORE_OK);
    return token;
  }
  // How often the remote is asked for one claim.
  uint64_t AskedBy(const StoreRequest& request, hf_store_status status) {
    const uint64_t before = remote_->asked();
    EXPECT_EQ(Ask(request).raw.status, status);
    return remote_->asked() - before;
  }

  testing::StoreClock clock_;
  std::shared_ptr<ProbeStore> remote_ =
      std::make_shared<ProbeStore>(memory::Store::Create({.clock = clock_.Function()}).value());
  std::unique_ptr<LocalTier> tier_;
};

TEST_F(LocalTierTest, SecondReplayIsServedHereAndCopiesNothing) {
  const uint64_t token = Run("k", "result");
  const StoreReply first = Ask(Claim("k", 2));
  ASSERT_EQ(first.raw.status, HF_STORE_REPLAY);
  const uint64_t asked = remote_->asked();
  clock_.Advance(HF_S);
  const StoreReply second = Ask(Claim("k", 3));
  EXPECT_EQ(remote_->asked(), asked);
  ASSERT_EQ(second.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(second.body, first.body);  // the same object
  EXPECT_EQ(second.raw.body.data, first.raw.body.data);
  EXPECT_EQ(second.raw.token, token);
  EXPECT_EQ(second.raw.state, HF_RECORD_COMPLETED);
  EXPECT_EQ(second.raw.attempt, first.raw.attempt);
  EXPECT_EQ(second.raw.completed_at, first.raw.completed_at);
  EXPECT_EQ(second.raw.expires_in, first.raw.expires_in - HF_S);
  EXPECT_EQ(std::memcmp(second.raw.owner, first.raw.owner, sizeof(first.raw.owner)), 0);
  EXPECT_EQ(tier_->stats().hits, 1u);
  EXPECT_EQ(tier_->stats().misses, 1u);
}

TEST_F(LocalTierTest, NothingNegativeIsKept) {
  EXPECT_EQ(AskedBy(Read("k"), HF_STORE_ABSENT), 1u);
  EXPECT_EQ(AskedBy(Claim("k", 1), HF_STORE_WON), 1u);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(AskedBy(Claim("k", 2), HF_STORE_BUSY), 1u);
  clock_.Advance(testing::kLease);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(AskedBy(Claim("k", 2), HF_STORE_IN_DOUBT), 1u);
  EXPECT_EQ(tier_->stats().records, 0u);
}

TEST_F(LocalTierTest, MismatchIsTheStoresToTell) {
  Run("k", "secret");
  ASSERT_EQ(Ask(Claim("k", 2)).raw.status, HF_STORE_REPLAY);
  const StoreRequest other = WithFingerprint(Claim("k", 3), "other");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(AskedBy(other, HF_STORE_MISMATCH), 1u);
  EXPECT_EQ(AskedBy(Claim("k", 4), HF_STORE_REPLAY), 0u);  // and it did not cost the entry
}

TEST_F(LocalTierTest, EntryLearntWithoutAFingerprintServesOnlyThoseWithout) {
  Run("k", "result");
  StoreRequest unmarked = Claim("k", 2);
  std::memset(unmarked.fingerprint, 0, sizeof(unmarked.fingerprint));
  EXPECT_EQ(AskedBy(unmarked, HF_STORE_REPLAY), 1u);
  EXPECT_EQ(AskedBy(unmarked, HF_STORE_REPLAY), 0u);
  EXPECT_EQ(AskedBy(WithFingerprint(Claim("k", 3), "other"), HF_STORE_MISMATCH), 1u);
  EXPECT_EQ(AskedBy(Claim("k", 4), HF_STORE_REPLAY), 1u);  // and now the fingerprint is known
  EXPECT_EQ(AskedBy(Claim("k", 5), HF_STORE_REPLAY), 0u);
  EXPECT_EQ(AskedBy(unmarked, HF_STORE_REPLAY), 0u);  // zero matches any
}

TEST_F(LocalTierTest, EntryNeverOutlivesTheRecord) {
  const uint64_t token = Elsewhere(Claim("k", 1)).raw.token;
  StoreRequest complete = Complete("k", token, "short-lived");
  complete.ttl = 10 * HF_S;
  ASSERT_EQ(Elsewhere(complete).raw.status, HF_STORE_OK);
  clock_.Advance(4 * HF_S);
  ASSERT_EQ(Ask(Claim("k", 2)).raw.expires_in, 6 * HF_S);
  clock_.Advance(6 * HF_S - 1);
  EXPECT_EQ(AskedBy(Claim("k", 2), HF_STORE_REPLAY), 0u);
  clock_.Advance(1);
  EXPECT_EQ(AskedBy(Claim("k", 3), HF_STORE_WON), 1u);
}

TEST_F(LocalTierTest, TimeOnTheWayCountsAgainstTheEntry) {
  const uint64_t token = Elsewhere(Claim("k", 1)).raw.token;
  StoreRequest complete = Complete("k", token, "x");
  complete.ttl = 10 * HF_S;
  ASSERT_EQ(Elsewhere(complete).raw.status, HF_STORE_OK);
  remote_->after = [&](const StoreRequest&, StoreReply&) { clock_.Advance(9 * HF_S); };
  ASSERT_EQ(Ask(Claim("k", 2)).raw.status, HF_STORE_REPLAY);  // 10 s left when it was said
  remote_->after = nullptr;
  clock_.Advance(HF_S - 1);
  EXPECT_EQ(AskedBy(Claim("k", 2), HF_STORE_REPLAY), 0u);
  clock_.Advance(1);
  EXPECT_EQ(AskedBy(Claim("k", 2), HF_STORE_WON), 1u);
}

TEST_F(LocalTierTest, ReleaseByAnotherProcessIsSeenAfterMaxAgeAndTheTokenTellsBefore) {
  const uint64_t token = Run("k", "old");
  ASSERT_EQ(Ask(Claim("k", 2)).raw.status, HF_STORE_REPLAY);
  StoreRequest release = testing::Request(HF_STORE_RELEASE, "k");
  release.effect = HF_EFFECT_NOT_STARTED;
  ASSERT_EQ(Elsewhere(release).raw.status, HF_STORE_OK);
  const StoreReply won = Elsewhere(Claim("k", 3));
  ASSERT_EQ(won.raw.status, HF_STORE_WON);
  clock_.Advance(60 * HF_S - 1);
  const StoreReply stale = Ask(Claim("k", 4));
  ASSERT_EQ(stale.raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(stale.raw.token, token);
  EXPECT_LT(stale.raw.token, won.raw.token);
  clock_.Advance(1);
  EXPECT_NE(Ask(Claim("k", 4)).raw.status, HF_STORE_REPLAY);
}

TEST_F(LocalTierTest, OtherNewsOfTheKeyDropsTheEntry) {
  Run("k", "old");
  ASSERT_EQ(Ask(Claim("k", 2)).raw.status, HF_STORE_REPLAY);
  StoreRequest release = testing::Request(HF_STORE_RELEASE, "k");
  release.effect = HF_EFFECT_NOT_STARTED;
  ASSERT_EQ(Elsewhere(release).raw.status, HF_STORE_OK);
  EXPECT_EQ(AskedBy(Read("k"), HF_STORE_ABSENT), 1u);  // a read is never served here
  EXPECT_EQ(tier_->stats().dropped, 1u);
  EXPECT_EQ(AskedBy(Claim("k", 3), HF_STORE_WON), 1u);
}

TEST_F(LocalTierTest, ReleaseThroughThisProcessDropsTheEntryWhateverComesOfIt) {
  for (const hf_store_status lost : {HF_STORE_OK, HF_STORE_INDETERMINATE}) {
    const std::string key = "k" + std::to_string(lost);
    Run(key, "old");
    ASSERT_EQ(Ask(Claim(key, 2)).raw.status, HF_STORE_REPLAY);
    StoreRequest release = testing::Request(HF_STORE_RELEASE, key);
    release.effect = HF_EFFECT_NOT_STARTED;
    remote_->after = [&](const StoreRequest&, StoreReply& reply) { reply.raw.status = lost; };
    EXPECT_EQ(Ask(release).raw.status, lost);
    remote_->after = nullptr;
    EXPECT_EQ(Ask(Claim(key, 3)).raw.status, HF_STORE_WON);
  }
}

TEST_F(LocalTierTest, ReplyThatAReleaseOvertookIsNotKept) {
  Run("k", "old");
  // The claim's reply is on its way when somebody releases the key through this tier.
  remote_->after = [&](const StoreRequest& request, StoreReply&) {
    if (request.verb != HF_STORE_CLAIM) return;
    remote_->after = nullptr;
    StoreRequest release = testing::Request(HF_STORE_RELEASE, "k");
    release.effect = HF_EFFECT_NOT_STARTED;
    EXPECT_EQ(Ask(release).raw.status, HF_STORE_OK);
  };
  ASSERT_EQ(Ask(Claim("k", 2)).raw.status, HF_STORE_REPLAY);  // true when it was said
  EXPECT_EQ(tier_->stats().records, 0u);
  EXPECT_EQ(Ask(Claim("k", 3)).raw.status, HF_STORE_WON);
}

TEST_F(LocalTierTest, BatchIsServedInItsOrder) {
  Run("a", "first");
  Run("b", "second");
  ASSERT_EQ(Ask(Claim("a", 2)).raw.status, HF_STORE_REPLAY);
  StoreRequest release = testing::Request(HF_STORE_RELEASE, "a");
  release.effect = HF_EFFECT_NOT_STARTED;
  const std::vector<StoreRequest> batch = {Claim("a", 3), Claim("b", 3), release, Claim("a", 4)};
  const uint64_t before = remote_->asked();
  const std::vector<StoreReply> replies = tier_->ExecuteMany(batch, Duration{0});
  ASSERT_EQ(replies.size(), 4u);
  EXPECT_EQ(replies[0].raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*replies[1].body, "second");
  EXPECT_EQ(replies[2].raw.status, HF_STORE_OK);
  EXPECT_EQ(replies[3].raw.status, HF_STORE_WON);  // not the entry that the release made untrue
  EXPECT_EQ(remote_->asked() - before, 3u);
}

TEST_F(LocalTierTest, SubmitIsServedHereOrPassedOn) {
  Run("k", "result");
  testing::KeptReply waiter;
  ASSERT_TRUE(tier_->Submit(Claim("k", 2), Duration{0}, waiter));
  ASSERT_EQ(waiter.replies.size(), 1u);
  const uint64_t asked = remote_->asked();
  ASSERT_TRUE(tier_->Submit(Claim("k", 3), Duration{0}, waiter));
  EXPECT_EQ(remote_->asked(), asked);
  ASSERT_EQ(waiter.replies.size(), 2u);
  EXPECT_EQ(*waiter.replies[1].body, "result");
  remote_->submits = false;
  const uint64_t misses = tier_->stats().misses;
  EXPECT_FALSE(tier_->Submit(Claim("absent", 3), Duration{0}, waiter));
  EXPECT_EQ(tier_->stats().misses, misses);
  EXPECT_EQ(waiter.replies.size(), 2u);
}

TEST_F(LocalTierTest, DefaultsAreNamedWhereTheyAreOutOfRange) {
  EXPECT_EQ(LocalTier::Create(nullptr).status().code(), absl::StatusCode::kInvalidArgument);
  const auto shards = LocalTier::Create(remote_, {.shards = 65537});
  EXPECT_THAT(std::string(shards.status().message()), ::testing::HasSubstr("shards"));
  const auto age = LocalTier::Create(remote_, {.max_age = std::chrono::hours(25)});
  EXPECT_THAT(std::string(age.status().message()), ::testing::HasSubstr("max_age"));
}

class SmallLocalTierTest : public LocalTierTest {
 protected:
  SmallLocalTierTest() : LocalTierTest({.max_bytes = 64 << 10, .shards = 1}) {}
};

TEST_F(SmallLocalTierTest, BudgetHoldsAndWhatIsAskedForStays) {
  Run("hot", std::string(1000, 'h'));
  ASSERT_EQ(Ask(Claim("hot", 2)).raw.status, HF_STORE_REPLAY);
  for (int i = 0; i < 500; ++i) {
    const std::string key = "cold" + std::to_string(i);
    Run(key, std::string(1000, 'c'));
    ASSERT_EQ(Ask(Claim(key, 2)).raw.status, HF_STORE_REPLAY);
    ASSERT_EQ(AskedBy(Claim("hot", 3), HF_STORE_REPLAY), 0u) << i;
    ASSERT_LE(tier_->stats().bytes, size_t{64} << 10);
  }
  EXPECT_GT(tier_->stats().evicted, 400u);
  EXPECT_GT(tier_->stats().records, 30u);
}

TEST_F(SmallLocalTierTest, ResultAboveTheBudgetIsReplayedAndNotKept) {
  Run("k", std::string(65 << 10, 'x'));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(AskedBy(Claim("k", 2), HF_STORE_REPLAY), 1u);
  EXPECT_EQ(tier_->stats().bytes, 0u);
}

TEST_F(SmallLocalTierTest, ThreadsSeeOnlyWholeResults) {
  constexpr int kKeys = 64;
  for (int i = 0; i < kKeys; ++i) {
    Run("k" + std::to_string(i), std::string(2000, static_cast<char>('A' + i)));
  }
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 2000; ++i) {
        const int key = (i * 7 + thread * 13) % kKeys;
        const StoreReply reply = Ask(Claim("k" + std::to_string(key), 2));
        if (reply.body == nullptr || *reply.body != std::string(2000, static_cast<char>('A' + key)))
          ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(tier_->stats().hits + tier_->stats().misses, 8000u);
}

}  // namespace
}  // namespace holdfast
