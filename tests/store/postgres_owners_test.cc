// SPDX-License-Identifier: Apache-2.0
// Many clients, each with connections of its own, on the same keys: one owner at a time, tokens that rise
// whatever happens to the rows, batches that meet.
#include <gtest/gtest.h>
#include <holdfast/postgres/store.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "store/postgres_store.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;

class PostgresOwners : public testing::PostgresTest {
 protected:
  static constexpr size_t kClients = 16;

  void SetUp() override {
    for (size_t i = 0; i < kClients; ++i) {
      postgres::Options options = Options();
      options.connections = 1;
      clients_.push_back(postgres::Store::Open(options).value());
    }
  }

  void InParallel(const std::function<void(size_t, postgres::Store&)>& body) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kClients; ++i) threads.emplace_back([&, i] { body(i, *clients_[i]); });
    for (std::thread& thread : threads) thread.join();
  }

  uint64_t WinFirst(std::string_view key) {
    const StoreReply reply = clients_[0]->Execute(Claim(key, 1), Duration{0});
    EXPECT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
    return reply.raw.token;
  }

  std::vector<std::unique_ptr<postgres::Store>> clients_;
};

TEST_F(PostgresOwners, ForcedTakeoversGiveDistinctRisingTokens) {
  constexpr int kRounds = 100;
  std::vector<std::vector<uint64_t>> tokens(kClients);
  InParallel([&](size_t me, postgres::Store& store) {
    for (int i = 0; i < kRounds; ++i) {
      StoreRequest claim =
          Claim("k", me * 1000000 + static_cast<uint64_t>(i) + 1, HF_ON_EXPIRY_TAKEOVER);
      claim.lease = 1;
      claim.max_attempts = 1000000;
      StoreReply reply;
      do {
        clock_.Advance(HF_MS);
        reply = store.Execute(claim, Duration{0});
      } while (reply.raw.status == HF_STORE_BUSY);
      ASSERT_EQ(reply.raw.status, HF_STORE_WON) << reply.detail;
      tokens[me].push_back(reply.raw.token);
    }
  });
  std::set<uint64_t> all;
  for (const std::vector<uint64_t>& mine : tokens) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), kClients * kRounds);
  EXPECT_EQ(Sql("SELECT token FROM $S.record"), std::to_string(*all.rbegin()));
  EXPECT_EQ(Sql("SELECT attempt FROM $S.record"), std::to_string(all.size()));
}

TEST_F(PostgresOwners, HotKeyHasOneWinner) {
  constexpr int kRounds = 300;
  std::atomic<int> won = 0, busy = 0;
  InParallel([&](size_t me, postgres::Store& store) {
    for (int i = 0; i < kRounds; ++i) {
      const uint64_t who = me * 1000000 + static_cast<uint64_t>(i) + 1;
      const hf_store_status status = store.Execute(Claim("hot", who), Duration{0}).raw.status;
      won += status == HF_STORE_WON;
      busy += status == HF_STORE_BUSY;
    }
  });
  EXPECT_EQ(won, 1);
  EXPECT_EQ(busy, static_cast<int>(kClients) * kRounds - 1);
}

// Purges race claims of keys that expire at once: a token never falls, nothing leased or in doubt goes.
TEST_F(PostgresOwners, PurgeRacesClaimsAndTokensStillRise) {
  constexpr int kRounds = 40;
  WinFirst("leased");
  ASSERT_EQ(
      clients_[0]
          ->Execute(testing::Fail("doubt", WinFirst("doubt"), HF_EFFECT_AMBIGUOUS), Duration{0})
          .raw.status,
      HF_STORE_OK);
  std::atomic<uint64_t> highest[4] = {};
  std::atomic<int> fallen = 0;
  std::atomic<uint64_t> purged = 0;
  InParallel([&](size_t me, postgres::Store& store) {
    if (me < 4) {
      for (int i = 0; i < kRounds; ++i) purged += store.Purge(10, Duration{0}).value_or(0);
      return;
    }
    const std::string key = "k" + std::to_string(me % 4);
    for (int i = 0; i < kRounds; ++i) {
      StoreRequest claim = Claim(key, me * 1000 + static_cast<uint64_t>(i) + 1);
      claim.lease = 3600 * HF_S;  // whoever is slow finds that the others have moved the clock
      const StoreReply won = store.Execute(claim, Duration{0});
      if (won.raw.status != HF_STORE_WON) continue;
      if (highest[me % 4].exchange(won.raw.token) >= won.raw.token) ++fallen;
      StoreRequest complete = Complete(key, won.raw.token, "x");
      complete.ttl = 1;
      const hf_store_status done =
          i % 2 == 0 ? store.Execute(complete, Duration{0}).raw.status
                     : store.Execute(testing::Abandon(key, won.raw.token), Duration{0}).raw.status;
      EXPECT_EQ(done, HF_STORE_OK);
      clock_.Advance(HF_MS);  // all of them together: less than a lease
    }
  });
  EXPECT_EQ(fallen, 0);
  EXPECT_GT(purged, 0u);
  EXPECT_EQ(Sql("SELECT count(*) FROM $S.record WHERE state IN (1,4)"), "2");
}

TEST_F(PostgresOwners, TombstoneIsSweptAfterItsTimeAndTheTokenStillRises) {
  postgres::Store& store = *clients_[0];
  const uint64_t token = WinFirst("k");
  ASSERT_EQ(store.Execute(testing::Abandon("k", token), Duration{0}).raw.status, HF_STORE_OK);
  EXPECT_EQ(store.Purge(10, Duration{0}).value(), 0u);
  EXPECT_EQ(Sql("SELECT state FROM $S.record"), "0");
  clock_.Advance(601 * HF_S);
  EXPECT_EQ(store.Purge(10, Duration{0}).value(), 0u);  // no record: it was none any more
  EXPECT_EQ(Sql("SELECT count(*) FROM $S.record"), "0");
  EXPECT_GT(WinFirst("k"), token);
}

// The same keys in batches of every order, claimed, renewed and completed: nobody deadlocks, each key is
// done once.
TEST_F(PostgresOwners, BatchesThatMeetDoNotDeadlock) {
  constexpr size_t kKeys = 64;
  std::atomic<int> won = 0, done = 0, odd = 0;
  InParallel([&](size_t me, postgres::Store& store) {
    std::vector<std::string> names;
    for (size_t i = 0; i < kKeys; ++i) names.push_back("b" + std::to_string((i * 7 + me) % kKeys));
    std::vector<StoreRequest> claims;
    for (const std::string& name : names) claims.push_back(Claim(name, me + 1));
    const std::vector<StoreReply> replies = store.ExecuteMany(claims, std::chrono::seconds(60));
    std::vector<StoreRequest> settles;
    for (size_t i = 0; i < kKeys; ++i) {
      const hf_store_status status = replies[i].raw.status;
      if (status == HF_STORE_WON) {
        ++won;
        settles.push_back(testing::Renew(names[i], replies[i].raw.token));
        settles.push_back(Complete(names[i], replies[i].raw.token, "x"));
      } else if (status != HF_STORE_BUSY && status != HF_STORE_REPLAY) {
        ++odd;
      }
    }
    for (const StoreReply& reply : store.ExecuteMany(settles, std::chrono::seconds(60))) {
      if (reply.raw.status != HF_STORE_OK) ++odd;
      if (reply.raw.state == HF_RECORD_COMPLETED) ++done;
    }
  });
  EXPECT_EQ(won, static_cast<int>(kKeys));
  EXPECT_EQ(done, static_cast<int>(kKeys));
  EXPECT_EQ(odd, 0);
  EXPECT_EQ(Sql("SELECT deadlocks FROM pg_stat_database WHERE datname='postgres'"), "0");
}

TEST_F(PostgresOwners, OldPrimarysTokensAreJumpedOverOnANewTimeline) {
  const uint64_t token = WinFirst("k");
  // What a failover that lost the sequence's last steps looks like.
  Sql("SELECT setval('$S.token', 1000)");
  Sql("UPDATE $S.meta SET value=99 WHERE name='timeline'");
  const auto reopened = postgres::Store::Open(Options()).value();
  EXPECT_GT(reopened->Execute(Claim("other", 1), Duration{0}).raw.token, token);
}

}  // namespace
}  // namespace holdfast
