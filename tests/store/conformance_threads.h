// SPDX-License-Identifier: Apache-2.0
// Store conformance: many threads, few keys.
#ifndef HOLDFAST_TESTS_STORE_CONFORMANCE_THREADS_H_
#define HOLDFAST_TESTS_STORE_CONFORMANCE_THREADS_H_

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "store/conformance_fixture.h"

namespace holdfast {

template <class Factory>
class StoreThreads : public StoreFixture<Factory> {};

TYPED_TEST_SUITE_P(StoreThreads);

// Three generations of 200 keys, claimed by eight threads at once: each has exactly one owner, whose token
// nobody else ever had and which is above those before it.
TYPED_TEST_P(StoreThreads, EachGenerationOfAKeyHasOneOwnerAndTokensRise) {
  constexpr uint64_t kThreads = 8;
  constexpr size_t kKeys = 200;
  std::vector<uint64_t> highest(kKeys, 0);
  for (uint64_t generation = 0; generation < 3; ++generation) {
    std::vector<std::atomic<int>> owners(kKeys);
    std::vector<std::atomic<uint64_t>> tokens(kKeys);
    std::atomic<int> surprises = 0;
    std::vector<std::thread> threads;
    for (uint64_t thread = 1; thread <= kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (size_t i = 0; i < kKeys; ++i) {
          const size_t key = (i * 7 + thread * 13) % kKeys;  // in its own order, so that they meet
          const StoreReply reply =
              this->Ask(testing::Claim("k" + std::to_string(key), generation * 100 + thread));
          if (reply.raw.status == HF_STORE_WON) {
            ++owners[key];
            tokens[key] = reply.raw.token;
          } else if (reply.raw.status != HF_STORE_BUSY) {
            ++surprises;
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(surprises, 0);
    for (size_t key = 0; key < kKeys; ++key) {
      ASSERT_EQ(owners[key], 1) << key;
      EXPECT_GT(tokens[key], highest[key]);
      highest[key] = tokens[key];
      const StoreRequest abandon = testing::Abandon("k" + std::to_string(key), tokens[key]);
      ASSERT_EQ(this->StatusOf(abandon), HF_STORE_OK);
    }
  }
}

TYPED_TEST_P(StoreThreads, HotKeyIsHeldByOneOwnerAtATimeWithRisingTokens) {
  constexpr uint64_t kThreads = 8;
  constexpr int kRounds = 25;
  std::atomic<int> inside = 0;
  std::atomic<int> overlaps = 0;
  std::atomic<uint64_t> highest = 0;
  std::vector<std::thread> threads;
  for (uint64_t thread = 1; thread <= kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int done = 0; done < kRounds;) {
        const StoreReply reply = this->Ask(testing::Claim("hot", thread * 1000 + done));
        if (reply.raw.status != HF_STORE_WON) continue;
        if (++inside > 1) ++overlaps;
        if (highest.exchange(reply.raw.token) >= reply.raw.token) ++overlaps;
        --inside;
        if (this->StatusOf(testing::Abandon("hot", reply.raw.token)) != HF_STORE_OK) ++overlaps;
        ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(overlaps, 0);
}

// A completion races a takeover: whoever loses is told so, and the bytes are the winner's.
TYPED_TEST_P(StoreThreads, LateCompletionAndTakeoverNeverBothSucceed) {
  for (int round = 0; round < 20; ++round) {
    const std::string key = "k" + std::to_string(round);
    const uint64_t token = this->WinBriefly(key, 1, HF_ON_EXPIRY_TAKEOVER);
    this->LetLeaseLapse(key);
    StoreReply late, taken;
    std::thread owner([&] { late = this->Ask(testing::Complete(key, token, "late")); });
    std::thread other([&] { taken = this->Ask(testing::Claim(key, 2, HF_ON_EXPIRY_TAKEOVER)); });
    owner.join();
    other.join();
    if (late.raw.status == HF_STORE_OK) {
      ASSERT_EQ(taken.raw.status, HF_STORE_REPLAY);
      EXPECT_EQ(*taken.body, "late");
    } else {
      EXPECT_EQ(late.raw.status, HF_STORE_FENCED);
      EXPECT_EQ(taken.raw.status, HF_STORE_WON);
    }
  }
}

REGISTER_TYPED_TEST_SUITE_P(StoreThreads, EachGenerationOfAKeyHasOneOwnerAndTokensRise,
                            HotKeyIsHeldByOneOwnerAtATimeWithRisingTokens,
                            LateCompletionAndTakeoverNeverBothSucceed);

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_STORE_CONFORMANCE_THREADS_H_
