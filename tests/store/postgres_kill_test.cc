// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL server that is killed or frozen: what was answered stands, and INDETERMINATE is told by asking
// again.
#include <gtest/gtest.h>
#include <holdfast/postgres/store.h>

#include <string>
#include <thread>
#include <vector>

#include "store/postgres_store.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;
using testing::Eventually;
using testing::Read;

constexpr Duration kShort = std::chrono::milliseconds(300);
constexpr Duration kLong = std::chrono::seconds(20);

class PostgresKills : public testing::PostgresServerTest {
 protected:
  // From now on commits wait for a standby that does not exist: written, and never answered.
  void HoldCommits() {
    Sql("ALTER SYSTEM SET synchronous_standby_names='nobody'");
    Sql("SELECT pg_reload_conf()");
    EXPECT_TRUE(Eventually([&] { return Sql("SHOW synchronous_standby_names") == "nobody"; }));
  }
};

TEST_F(PostgresKills, KilledInTheMiddleOfACommitIsIndeterminateAndReadingBackTells) {
  HoldCommits();
  StoreReply reply;
  std::thread asking([&] { reply = Ask(Claim("k", 1), kLong); });
  ASSERT_TRUE(Eventually([&] {
    return Sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event='SyncRep'") == "1";
  }));
  server_.Stop(SIGKILL);
  asking.join();
  EXPECT_EQ(reply.raw.status, HF_STORE_INDETERMINATE) << reply.detail;
  server_.Configure({"synchronous_standby_names=''"});
  std::filesystem::remove(server_.data() + "/postgresql.auto.conf");
  server_.Start();
  const StoreReply again = Ask(Claim("k", 1), kLong);
  EXPECT_EQ(again.raw.status, HF_STORE_WON) << again.detail;
  EXPECT_EQ(again.raw.attempt, 1u);
  EXPECT_EQ(Ask(Claim("k", 2), kLong).raw.status, HF_STORE_BUSY);
}

TEST_F(PostgresKills, KilledBeforeItReadTheRequestLeavesNothingBehind) {
  AwaitReady();
  server_.Signal(SIGSTOP);
  const StoreReply reply = Ask(Claim("k", 1), kShort);
  EXPECT_EQ(reply.raw.status, HF_STORE_INDETERMINATE) << reply.detail;
  server_.Stop(SIGKILL);
  server_.Start();
  EXPECT_EQ(Ask(Read("k"), kLong).raw.status, HF_STORE_ABSENT);
  EXPECT_EQ(Ask(Claim("k", 2), kLong).raw.status, HF_STORE_WON);
}

TEST_F(PostgresKills, AcknowledgedRecordsSurviveKillsAndTokensStillRise) {
  uint64_t highest = 0;
  for (int life = 0; life < 3; ++life) {
    std::vector<uint64_t> tokens;
    for (int i = 0; i < 20; ++i) {
      const std::string key = std::to_string(life) + "/" + std::to_string(i);
      const StoreReply won = Ask(Claim(key, 1), kLong);
      ASSERT_EQ(won.raw.status, HF_STORE_WON) << won.detail;
      EXPECT_GT(won.raw.token, highest);
      highest = won.raw.token;
      ASSERT_EQ(Ask(Complete(key, highest, key), kLong).raw.status, HF_STORE_OK);
    }
    server_.Restart(life == 0 ? SIGINT : SIGKILL);
    for (int i = 0; i < 20; ++i) {
      const std::string key = std::to_string(life) + "/" + std::to_string(i);
      const StoreReply replay = Ask(Claim(key, 2), kLong);
      ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY) << key << replay.detail;
      EXPECT_EQ(*replay.body, key);
    }
  }
}

TEST_F(PostgresKills, FrozenServerIsAnsweredByTheClock) {
  const uint64_t token = Win("mine");
  AwaitReady();
  server_.Signal(SIGSTOP);
  EXPECT_EQ(Ask(Read("k"), kShort).raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_EQ(Ask(Claim("k", 1), kShort).raw.status, HF_STORE_INDETERMINATE);
  EXPECT_EQ(Ask(Complete("mine", token, "x"), kShort).raw.status, HF_STORE_INDETERMINATE);
  const std::vector<StoreRequest> batch = {Claim("a", 1), Claim("b", 1)};
  for (const StoreReply& reply : store_->ExecuteMany(batch, kShort)) {
    EXPECT_EQ(reply.raw.status, HF_STORE_INDETERMINATE);
  }
  server_.Signal(SIGCONT);
  EXPECT_EQ(Ask(Claim("k", 1), kLong).raw.status, HF_STORE_WON);
  const hf_store_status settled = Ask(Complete("mine", token, "x"), kLong).raw.status;
  EXPECT_TRUE(settled == HF_STORE_ALREADY || settled == HF_STORE_OK) << settled;
  for (const StoreReply& reply : store_->ExecuteMany(batch, kLong)) {
    EXPECT_EQ(reply.raw.status, HF_STORE_WON);
  }
}

}  // namespace
}  // namespace holdfast
