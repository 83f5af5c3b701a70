// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL server that goes away, ends sessions, is read-only, full, or in conflict with itself: what it did
// not do is UNAVAILABLE, and it comes back by itself.
#include <gtest/gtest.h>
#include <holdfast/postgres/store.h>
#include <sys/mount.h>

#include <random>
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

class PostgresFaults : public testing::PostgresServerTest {};

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
  for (uint64_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(Eventually([&] { return store_->stats().ready == 4; }));
    Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name='holdfast'");
    EXPECT_TRUE(Eventually([&] { return store_->stats().lost == 4 * (i + 1); }));
    const StoreReply won = Ask(Claim("k" + std::to_string(i), 1), kLong);
    EXPECT_EQ(won.raw.status, HF_STORE_WON) << won.raw.status << won.detail;
  }
}

// What is sent to a session that the server has just ended for being idle was never read.
TEST_F(PostgresFaults, SessionThatIdlesTooLongCostsNothing) {
  postgres::Options options = Options();
  options.connections = 1;
  OpenStore(options);
  Sql("ALTER ROLE hf SET idle_session_timeout='10ms'");
  Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name='holdfast'");
  for (int i = 0; i < 200; ++i) {
    // About as long as the server waits, a little less and a little more.
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::microseconds(8000 + 100 * (i % 40));
    Eventually([&] { return std::chrono::steady_clock::now() >= until; });
    const StoreReply won = Ask(Claim("k" + std::to_string(i), 1), kLong);
    ASSERT_EQ(won.raw.status, HF_STORE_WON) << i << ": " << won.detail;
  }
  EXPECT_GT(store_->stats().lost, 10u);
}

TEST_F(PostgresFaults, StatementOfATerminatedBackendDidNothingAndIsSentAgain) {
  const uint64_t token = Win("k");
  PgClient blocker(server_.Url());
  blocker.Sql("BEGIN");
  blocker.Sql("SELECT FROM " + schema_ + ".record FOR UPDATE");
  StoreReply reply;
  std::thread asking([&] { reply = Ask(testing::Renew("k", token), kLong); });
  const auto blocked = [&] {
    return Sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type='Lock'") == "1";
  };
  ASSERT_TRUE(Eventually(blocked));
  Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type='Lock'");
  ASSERT_TRUE(Eventually([&] { return store_->stats().retried == 1; }));
  blocker.Sql("COMMIT");
  asking.join();
  EXPECT_EQ(reply.raw.status, HF_STORE_OK) << reply.detail;
  EXPECT_EQ(Sql("SELECT version FROM $S.record"), "2");
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
  if (mount("tmpfs", space.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "no right to mount a small file system";
  }
  testing::postgres_internal::Folder::GiveToPostgres(space);
  Sql("CREATE TABLESPACE small LOCATION '" + space + "'");
  EXPECT_EQ(Sql("ALTER TABLE $S.record SET TABLESPACE small"), "");
  StoreReply full;
  int stored = 0;
  std::string label(2000, 'l');
  std::minstd_rand random(7);
  for (; stored < 2000; ++stored) {
    for (char& byte : label) byte = static_cast<char>(random());  // or it would be compressed
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
