// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL server that dies, hangs, restarts and fills up: what was answered stands, UNAVAILABLE did
// nothing, and INDETERMINATE is told by asking again.
#include <gtest/gtest.h>
#include <holdfast/postgres/store.h>
#include <sys/mount.h>

#include <string>
#include <thread>
#include <vector>

#include "store/postgres_store.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Complete;
using testing::Eventually;
using testing::PgClient;
using testing::Read;

constexpr Duration kShort = std::chrono::milliseconds(300);
constexpr Duration kLong = std::chrono::seconds(20);

class PostgresFaults : public testing::PostgresTest {
 protected:
  testing::PostgresServer& server() override { return server_; }
  void SetUp() override { OpenStore(); }

  void AwaitReady() {
    EXPECT_TRUE(Eventually([&] { return store_->stats().ready > 0; }));
  }
  // From now on commits wait for a standby that does not exist: written, and never answered.
  void HoldCommits() {
    Sql("ALTER SYSTEM SET synchronous_standby_names='nobody'");
    Sql("SELECT pg_reload_conf()");
    EXPECT_TRUE(Eventually([&] { return Sql("SHOW synchronous_standby_names") == "nobody"; }));
  }

  testing::PostgresServer server_;
};

TEST_F(PostgresFaults, KilledInTheMiddleOfACommitIsIndeterminateAndReadingBackTells) {
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

TEST_F(PostgresFaults, KilledBeforeItReadTheRequestLeavesNothingBehind) {
  AwaitReady();
  server_.Signal(SIGSTOP);
  const StoreReply reply = Ask(Claim("k", 1), kShort);
  EXPECT_EQ(reply.raw.status, HF_STORE_INDETERMINATE) << reply.detail;
  server_.Stop(SIGKILL);
  server_.Start();
  EXPECT_EQ(Ask(Read("k"), kLong).raw.status, HF_STORE_ABSENT);
  EXPECT_EQ(Ask(Claim("k", 2), kLong).raw.status, HF_STORE_WON);
}

TEST_F(PostgresFaults, AcknowledgedRecordsSurviveKillsAndTokensStillRise) {
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

TEST_F(PostgresFaults, FrozenServerIsAnsweredByTheClock) {
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

TEST_F(PostgresFaults, ServerThatIsGoneDidNothing) {
  AwaitReady();
  server_.Stop();
  EXPECT_TRUE(Eventually([&] { return store_->stats().ready == 0; }));
  const StoreReply reply = Ask(Claim("k", 1), kShort);
  EXPECT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_FALSE(reply.detail.empty());
  postgres::Options options = Options();
  EXPECT_EQ(postgres::Store::Open(options).status().code(), absl::StatusCode::kUnavailable);
  server_.Start();
  EXPECT_EQ(Ask(Claim("k", 1), kLong).raw.status, HF_STORE_WON);
}

TEST_F(PostgresFaults, TerminatedBackendsAreReplacedAndIdleOnesCostNothing) {
  AwaitReady();
  for (int i = 0; i < 5; ++i) {
    Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name='holdfast'");
    EXPECT_TRUE(Eventually([&] { return store_->stats().lost >= static_cast<uint64_t>(i) + 1; }));
    EXPECT_EQ(Ask(Claim("k" + std::to_string(i), 1), kLong).raw.status, HF_STORE_WON);
  }
}

TEST_F(PostgresFaults, StatementOfATerminatedBackendDidNothing) {
  const uint64_t token = Win("k");
  PgClient blocker(server_.Url());
  blocker.Sql("BEGIN");
  blocker.Sql("SELECT FROM " + schema_ + ".record FOR UPDATE");
  StoreReply reply;
  std::thread asking([&] { reply = Ask(testing::Renew("k", token), kLong); });
  ASSERT_TRUE(Eventually([&] {
    return Sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type='Lock'") == "1";
  }));
  Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type='Lock'");
  asking.join();
  EXPECT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE) << reply.detail;
  EXPECT_NE(reply.detail.find("57P01"), std::string::npos) << reply.detail;
  blocker.Sql("COMMIT");
  EXPECT_EQ(Ask(testing::Renew("k", token), kLong).raw.status, HF_STORE_OK);
}

TEST_F(PostgresFaults, LockThatIsHeldTooLongEndsByTheServersTimeout) {
  postgres::Options options = Options();
  options.statement_timeout = std::chrono::milliseconds(100);
  OpenStore(options);
  const uint64_t token = Win("k");
  PgClient blocker(server_.Url());
  blocker.Sql("BEGIN");
  blocker.Sql("SELECT FROM " + schema_ + ".record FOR UPDATE");
  const StoreReply reply = Ask(testing::Renew("k", token), kLong);
  EXPECT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_NE(reply.detail.find("57014"), std::string::npos) << reply.detail;
}

TEST_F(PostgresFaults, DemotedServerTakesNothing) {
  AwaitReady();
  // What a pooler or a proxy would do: the same address, now read-only.
  Sql("ALTER SYSTEM SET default_transaction_read_only=on");
  Sql("SELECT pg_reload_conf()");
  postgres::Options options = Options();
  options.pooled = true;  // makes no session setting
  options.no_migrate = true;
  OpenStore(options);
  const StoreReply reply = Ask(Claim("k", 1), kShort);
  EXPECT_EQ(reply.raw.status, HF_STORE_UNAVAILABLE);
  EXPECT_NE(reply.detail.find("25006"), std::string::npos) << reply.detail;
}

TEST_F(PostgresFaults, ConflictsOfOurOwnStatementsAreTriedAgain) {
  // SERIALIZABLE by the server's word, where concurrent claims of neighbours may fail with 40001.
  Sql("ALTER DATABASE postgres SET default_transaction_isolation='serializable'");
  postgres::Options options = Options();
  options.pooled = true;
  OpenStore(options);
  std::vector<std::thread> threads;
  std::atomic<int> won = 0, odd = 0;
  for (uint64_t thread = 1; thread <= 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i) {
        const StoreReply reply = Ask(Claim("k" + std::to_string(i), thread), kLong);
        if (reply.raw.status == HF_STORE_WON) ++won;
        if (reply.raw.status != HF_STORE_WON && reply.raw.status != HF_STORE_BUSY) ++odd;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, 50);
  EXPECT_EQ(odd, 0);
  std::printf("[ 40001 ] sent again: %lu\n", store_->stats().retried);
}

TEST_F(PostgresFaults, FullDiskRefusesAndHealsByItself) {
  const std::string space = server_.folder() + "/space";
  std::filesystem::create_directory(space);
  if (mount("tmpfs", space.c_str(), "tmpfs", 0, "size=4m") != 0) {
    GTEST_SKIP() << "no right to mount a small file system";
  }
  testing::postgres_internal::Folder::GiveToPostgres(space);
  Sql("CREATE TABLESPACE small LOCATION '" + space + "'");
  EXPECT_EQ(Sql("ALTER TABLE $S.record SET TABLESPACE small"), "");
  StoreReply full;
  int stored = 0;
  const std::string label(2000, 'l');
  for (; stored < 5000; ++stored) {
    StoreRequest claim = Claim("k" + std::to_string(stored), 1);
    claim.label = {label.data(), label.size()};
    full = Ask(claim, kLong);
    if (full.raw.status != HF_STORE_WON) break;
  }
  EXPECT_EQ(full.raw.status, HF_STORE_FULL) << stored << full.detail;
  EXPECT_EQ(Ask(Read("k" + std::to_string(stored)), kLong).raw.status, HF_STORE_ABSENT);
  EXPECT_EQ(Ask(Read("k0"), kLong).raw.status, HF_STORE_BUSY);
  EXPECT_EQ(mount("tmpfs", space.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  EXPECT_EQ(Ask(Claim("k" + std::to_string(stored), 1), kLong).raw.status, HF_STORE_WON);
  store_.reset();
  server_.Stop();
  EXPECT_EQ(umount(space.c_str()), 0);
}

}  // namespace
}  // namespace holdfast
