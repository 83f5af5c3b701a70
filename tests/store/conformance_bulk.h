// SPDX-License-Identifier: Apache-2.0
// Store conformance: many requests at once, and requests whose answers come later.
#ifndef HOLDFAST_TESTS_STORE_CONFORMANCE_BULK_H_
#define HOLDFAST_TESTS_STORE_CONFORMANCE_BULK_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/conformance_fixture.h"

namespace holdfast {

namespace testing {

// Hears one answer; and counts, because a second one would be a defect.
class OneAnswer final : public StoreWaiter {
 public:
  void OnReply(StoreReply reply) override {
    const std::lock_guard lock(mutex_);
    reply_ = std::move(reply);
    ++heard_;
    changed_.notify_all();
  }

  bool Wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return heard_ > 0; });
  }
  int heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  const StoreReply& reply() const { return reply_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int heard_ = 0;
  StoreReply reply_;
};

}  // namespace testing

template <class Factory>
class StoreBulk : public StoreFixture<Factory> {
 protected:
  std::vector<StoreReply> Many(const std::vector<StoreRequest>& requests) {
    std::vector<StoreReply> replies = this->store_->ExecuteMany(requests, Duration{0});
    EXPECT_EQ(replies.size(), requests.size());
    replies.resize(requests.size());
    return replies;
  }
};

TYPED_TEST_SUITE_P(StoreBulk);

TYPED_TEST_P(StoreBulk, NoRequestsAreNoReplies) { EXPECT_TRUE(this->Many({}).empty()); }

TYPED_TEST_P(StoreBulk, RepliesStandInTheOrderOfTheirRequests) {
  constexpr size_t kCount = 300;
  std::vector<StoreRequest> claims, completions;
  std::vector<std::string> keys, bodies;
  for (size_t i = 0; i < kCount; ++i) {
    keys.push_back("k" + std::to_string(i));
    bodies.push_back("body " + std::to_string(i));
    claims.push_back(testing::Claim(keys[i], i + 1));
  }
  const std::vector<StoreReply> won = this->Many(claims);
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(won[i].raw.status, HF_STORE_WON) << i;
    completions.push_back(testing::Complete(keys[i], won[i].raw.token, bodies[i]));
  }
  for (const StoreReply& reply : this->Many(completions)) EXPECT_EQ(reply.raw.status, HF_STORE_OK);
  this->ReopenIfDurable();
  std::reverse(claims.begin(), claims.end());
  for (StoreRequest& claim : claims) claim.nonce[15] = 1;
  const std::vector<StoreReply> replays = this->Many(claims);
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(replays[i].raw.status, HF_STORE_REPLAY) << i;
    EXPECT_EQ(*replays[i].body, bodies[kCount - 1 - i]);
  }
}

TYPED_TEST_P(StoreBulk, RequestsOfOneKeyAreExecutedInTheirOrder) {
  const std::vector<StoreReply> replies =
      this->Many({testing::Claim("k", 1), testing::Claim("k", 2), testing::Claim("k", 1),
                  testing::Read("k"), testing::Claim("other", 2)});
  EXPECT_EQ(replies[0].raw.status, HF_STORE_WON);
  EXPECT_EQ(replies[0].raw.changed, 1u);
  EXPECT_EQ(replies[1].raw.status, HF_STORE_BUSY);
  EXPECT_EQ(replies[2].raw.status, HF_STORE_WON);
  EXPECT_EQ(replies[2].raw.changed, 0u);
  EXPECT_EQ(replies[2].raw.token, replies[0].raw.token);
  EXPECT_EQ(replies[3].raw.status, HF_STORE_BUSY);
  EXPECT_EQ(replies[4].raw.status, HF_STORE_WON);
  const uint64_t token = replies[0].raw.token;
  const std::vector<StoreReply> ends =
      this->Many({testing::Checkpoint("k", token, "half"), testing::Complete("k", token, "first"),
                  testing::Complete("k", token, "second"), testing::Claim("k", 3)});
  EXPECT_EQ(ends[0].raw.status, HF_STORE_OK);
  EXPECT_EQ(ends[1].raw.status, HF_STORE_OK);
  EXPECT_EQ(ends[2].raw.status, HF_STORE_ALREADY);
  ASSERT_EQ(ends[3].raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*ends[3].body, "first");
}

TYPED_TEST_P(StoreBulk, EveryVerbMayStandBesideEveryOther) {
  const auto win = [&](const char* key) { return this->Win(key, 1); };
  const uint64_t renew = win("renew"), complete = win("complete"), fail = win("fail"),
                 abandon = win("abandon"), checkpoint = win("checkpoint"), doubt = win("doubt");
  win("release");
  ASSERT_EQ(this->StatusOf(testing::Fail("doubt", doubt, HF_EFFECT_AMBIGUOUS)), HF_STORE_OK);
  StoreRequest unsound = testing::Claim("unsound", 1);
  unsound.lease = -1;
  const std::vector<StoreReply> replies = this->Many(
      {testing::Claim("claim", 1), testing::Renew("renew", renew),
       testing::Complete("complete", complete, "x"), unsound,
       testing::Fail("fail", fail, HF_EFFECT_RETRYABLE), testing::Abandon("abandon", abandon),
       testing::Read("nobody"), testing::Resolve("doubt", HF_EFFECT_FINAL, "found"),
       testing::Checkpoint("checkpoint", checkpoint, "half"),
       testing::Release("release", HF_EFFECT_NOT_STARTED), testing::Renew("renew", renew + 1)});
  const hf_store_status expected[] = {
      HF_STORE_WON,    HF_STORE_OK, HF_STORE_OK, HF_STORE_UNAVAILABLE, HF_STORE_OK,    HF_STORE_OK,
      HF_STORE_ABSENT, HF_STORE_OK, HF_STORE_OK, HF_STORE_OK,          HF_STORE_FENCED};
  for (size_t i = 0; i < replies.size(); ++i) EXPECT_EQ(replies[i].raw.status, expected[i]) << i;
  this->ReopenIfDurable();
  EXPECT_EQ(*this->Ask(testing::Claim("doubt", 2)).body, "found");
  EXPECT_EQ(*this->Ask(testing::Claim("complete", 2)).body, "x");
  EXPECT_EQ(this->StatusOf(testing::Read("release")), HF_STORE_ABSENT);
  EXPECT_EQ(this->StatusOf(testing::Read("unsound")), HF_STORE_ABSENT);
}

TYPED_TEST_P(StoreBulk, BatchesOfManyThreadsGiveEachKeyOneOwner) {
  constexpr uint64_t kThreads = 4;
  constexpr size_t kKeys = 64;
  std::vector<std::vector<StoreReply>> replies(kThreads);
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::vector<StoreRequest> claims;
      for (size_t i = 0; i < kKeys; ++i) {
        const size_t key =
            thread % 2 == 0 ? i : kKeys - 1 - i;  // against the grain, as deadlocks like it
        claims.push_back(testing::Claim("k" + std::to_string(key), thread + 1));
      }
      replies[thread] = this->store_->ExecuteMany(claims, Duration{0});
      if (thread % 2 == 1) std::reverse(replies[thread].begin(), replies[thread].end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t key = 0; key < kKeys; ++key) {
    int owners = 0;
    for (const std::vector<StoreReply>& of_thread : replies) {
      ASSERT_EQ(of_thread.size(), kKeys);
      const hf_store_status status = of_thread[key].raw.status;
      EXPECT_TRUE(status == HF_STORE_WON || status == HF_STORE_BUSY) << status;
      owners += status == HF_STORE_WON ? 1 : 0;
    }
    EXPECT_EQ(owners, 1) << key;
  }
}

TYPED_TEST_P(StoreBulk, StoreWithoutSubmitSaysSoAndDoesNothing) {
  if (Submits<TypeParam>()) GTEST_SKIP() << "this store has it";
  testing::OneAnswer answer;
  EXPECT_FALSE(this->store_->Submit(testing::Claim("k", 1), Duration{0}, answer));
  EXPECT_EQ(this->StatusOf(testing::Read("k")), HF_STORE_ABSENT);
  EXPECT_EQ(answer.heard(), 0);
}

TYPED_TEST_P(StoreBulk, SubmittedRequestsAreAnsweredOnceEach) {
  if (!Submits<TypeParam>()) GTEST_SKIP() << "this store has no such form";
  constexpr size_t kCount = 50;
  std::vector<StoreRequest> claims;
  for (size_t i = 0; i < kCount; ++i) claims.push_back(testing::Claim("k" + std::to_string(i), 1));
  std::deque<testing::OneAnswer> answers(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(this->store_->Submit(claims[i], Duration{0}, answers[i]));
  }
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(answers[i].Wait()) << i;
    EXPECT_EQ(answers[i].reply().raw.status, HF_STORE_WON) << answers[i].reply().detail;
  }
  const std::string body(100000, 'b');
  const uint64_t token = answers[0].reply().raw.token;
  const StoreRequest complete = testing::Complete("k0", token, body),
                     claim = testing::Claim("k0", 2);
  testing::OneAnswer completed, replayed, unsound_answer;
  ASSERT_TRUE(this->store_->Submit(complete, Duration{0}, completed));
  ASSERT_TRUE(completed.Wait());
  EXPECT_EQ(completed.reply().raw.status, HF_STORE_OK);
  ASSERT_TRUE(this->store_->Submit(claim, Duration{0}, replayed));
  ASSERT_TRUE(replayed.Wait());
  ASSERT_EQ(replayed.reply().raw.status, HF_STORE_REPLAY);
  EXPECT_EQ(*replayed.reply().body, body);
  StoreRequest unsound = claim;
  unsound.verb = 99;
  ASSERT_TRUE(this->store_->Submit(unsound, Duration{0}, unsound_answer));
  ASSERT_TRUE(unsound_answer.Wait());
  EXPECT_EQ(unsound_answer.reply().raw.status, HF_STORE_UNAVAILABLE);
  this->store_.reset();
  for (testing::OneAnswer& answer : answers) EXPECT_EQ(answer.heard(), 1);
}

TYPED_TEST_P(StoreBulk, StoreThatGoesAnswersWhatItWasAskedBefore) {
  if (!Submits<TypeParam>()) GTEST_SKIP() << "this store has no such form";
  constexpr size_t kCount = 100;
  std::vector<StoreRequest> claims;
  for (size_t i = 0; i < kCount; ++i) claims.push_back(testing::Claim("k" + std::to_string(i), 1));
  std::deque<testing::OneAnswer> answers(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(this->store_->Submit(claims[i], Duration{0}, answers[i]));
  }
  this->store_.reset();
  for (testing::OneAnswer& answer : answers) {
    ASSERT_EQ(answer.heard(), 1);
    const hf_store_status status = answer.reply().raw.status;
    EXPECT_TRUE(status == HF_STORE_WON || status == HF_STORE_UNAVAILABLE ||
                status == HF_STORE_INDETERMINATE)
        << status;
  }
}

REGISTER_TYPED_TEST_SUITE_P(
    StoreBulk, NoRequestsAreNoReplies, RepliesStandInTheOrderOfTheirRequests,
    RequestsOfOneKeyAreExecutedInTheirOrder, EveryVerbMayStandBesideEveryOther,
    BatchesOfManyThreadsGiveEachKeyOneOwner, StoreWithoutSubmitSaysSoAndDoesNothing,
    SubmittedRequestsAreAnsweredOnceEach, StoreThatGoesAnswersWhatItWasAskedBefore);

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_STORE_CONFORMANCE_BULK_H_
