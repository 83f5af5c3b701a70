// SPDX-License-Identifier: Apache-2.0
// What postgres::Store refuses at Open, what it promises otherwise, and its schema's versions and rights.
#include <gtest/gtest.h>
#include <holdfast/postgres/store.h>

#include <fstream>
#include <string>
#include <vector>

#include "adapters/postgres/gate.h"
#include "adapters/postgres/session.h"
#include "store/postgres_store.h"

namespace holdfast {
namespace {

using testing::PgClient;
using Facts = postgres::ServerFacts;

Facts Sound() {
  Facts facts;
  facts.version = 150000;
  facts.fsync = facts.full_page_writes = facts.synchronous_commit = "on";
  return facts;
}

bool Says(const absl::Status& status, std::string_view text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

TEST(PostgresJudge, LevelFollowsTheSettings) {
  const postgres::Options options;
  EXPECT_EQ(postgres::Judge(Sound(), options)->level, GuaranteeLevel::kDurable);
  Facts facts = Sound();
  facts.standby_names = "s1";
  for (const char* commit : {"on", "remote_write", "remote_apply"}) {
    facts.synchronous_commit = commit;
    EXPECT_EQ(postgres::Judge(facts, options)->level, GuaranteeLevel::kReplicated) << commit;
  }
  facts.synchronous_commit = "local";
  EXPECT_EQ(postgres::Judge(facts, options)->level, GuaranteeLevel::kDurable);
  EXPECT_NE(postgres::Judge(facts, options)->why.find("local"), std::string::npos);
}

TEST(PostgresJudge, UnsafeSettingIsRefusedUnlessAllowedByName) {
  struct Case {
    void (*break_it)(Facts*);
    bool postgres::Options::* allow;
    const char* name;
  };
  const Case cases[] = {
      {[](Facts* f) { f->fsync = "off"; }, &postgres::Options::allow_fsync_off, "allow_fsync_off"},
      {[](Facts* f) { f->full_page_writes = "off"; },
       &postgres::Options::allow_full_page_writes_off, "allow_full_page_writes_off"},
      {[](Facts* f) { f->synchronous_commit = "off"; },
       &postgres::Options::allow_synchronous_commit_off, "allow_synchronous_commit_off"},
      {[](Facts* f) { f->unlogged = true; }, &postgres::Options::allow_unlogged, "allow_unlogged"},
  };
  for (const Case& one : cases) {
    Facts facts = Sound();
    one.break_it(&facts);
    postgres::Options options;
    const absl::Status refused = postgres::Judge(facts, options).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(Says(refused, one.name)) << refused;
    options.*one.allow = true;
    const Guarantee guarantee = postgres::Judge(facts, options).value();
    EXPECT_EQ(guarantee.level, GuaranteeLevel::kProcess);
    EXPECT_NE(guarantee.why.find(one.name), std::string::npos) << guarantee.why;
    facts.standby = true;
    EXPECT_FALSE(postgres::Judge(facts, options).ok());
  }
  Facts old = Sound();
  old.version = 130010;
  EXPECT_FALSE(postgres::Judge(old, {}).ok());
}

class PostgresGate : public testing::PostgresTest {
 protected:
  absl::Status OpenStatus(const postgres::Options& options) {
    return postgres::Store::Open(options).status();
  }
};

TEST_F(PostgresGate, RealSettingsAreSeen) {
  Sql("ALTER ROLE hf SET synchronous_commit=off");
  EXPECT_TRUE(Says(OpenStatus(Options()), "allow_synchronous_commit_off"));
  Sql("ALTER ROLE hf RESET synchronous_commit");
  OpenStore();
  EXPECT_EQ(store_->guarantee().level, GuaranteeLevel::kDurable);
  store_.reset();
  Sql("ALTER TABLE $S.record SET UNLOGGED");
  EXPECT_TRUE(Says(OpenStatus(Options()), "allow_unlogged"));
}

TEST_F(PostgresGate, StandbyIsRefused) {
  testing::PostgresServer standby({"hot_standby=on"});
  standby.Stop();
  std::ofstream(standby.data() + "/standby.signal").put('\n');
  testing::postgres_internal::Folder::GiveToPostgres(standby.data());
  standby.Start();
  postgres::Options options = Options();
  options.url = standby.Url();
  const absl::Status refused = OpenStatus(options);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(refused, "standby")) << refused;
}

TEST_F(PostgresGate, OptionOutOfRangeIsNamed) {
  const auto named = [&](auto change, const char* name) {
    postgres::Options options = Options();
    change(options);
    const absl::Status status = OpenStatus(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name << status;
    EXPECT_TRUE(Says(status, name)) << status;
  };
  using O = postgres::Options;
  named([](O& o) { o.url = ""; }, "url");
  named([](O& o) { o.url = "postgres://h/?nonsense=1"; }, "url");
  named([](O& o) { o.password_file = "/nowhere"; }, "password_file");
  named([](O& o) { o.password_file = "/dev/null"; }, "password_file");
  named([](O& o) { o.schema = "1x"; }, "schema");
  named([](O& o) { o.schema = "x\"; DROP"; }, "schema");
  named([](O& o) { o.schema = std::string(49, 'x'); }, "schema");
  named([](O& o) { o.connections = 257; }, "connections");
  named([](O& o) { o.pipeline_depth = 65; }, "pipeline_depth");
  named([](O& o) { o.default_timeout = std::chrono::hours(1); }, "default_timeout");
  named([](O& o) { o.connect_timeout = Duration{-1}; }, "connect_timeout");
  named([](O& o) { o.statement_timeout = Duration{-1}; }, "statement_timeout");
  named([](O& o) { o.purge_limit = 100001; }, "purge_limit");
  named([](O& o) { o.purge_interval = Duration{1}; }, "purge_interval");
  named([](O& o) { o.reconnect_base = std::chrono::hours(48); }, "reconnect_base");
}

TEST_F(PostgresGate, NoSecretIsInAnyText) {
  postgres::Options options = Options();
  for (const char* url : {"postgres://u:hunter2%zz@127.0.0.1:1/db", "postgres://u:hunter2@[bad/db",
                          "host=127.0.0.1 port=1 password='hunter2", "password=hunter2 nonsense=1",
                          "postgres:/u:hunter2@127.0.0.1/db", "u:hunter2@127.0.0.1",
                          "host=127.0.0.1 port=1 hunter2", "postgres://u:hunter2@127.0.0.1:1/db"}) {
    options.url = url;
    const absl::Status status = OpenStatus(options);
    EXPECT_FALSE(status.ok());
    EXPECT_FALSE(Says(status, "hunter2")) << status;
  }
}

TEST_F(PostgresGate, WithoutMigrationTheSchemaMustBeThere) {
  postgres::Options options = Options();
  options.no_migrate = true;
  const absl::Status refused = OpenStatus(options);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(refused, "holdfast idem migrate")) << refused;
  EXPECT_EQ(Sql("SELECT to_regclass('$S.record')"), "");
  EXPECT_EQ(postgres::Migrate(options).value(), 2u);
  EXPECT_TRUE(OpenStatus(options).ok());
}

TEST_F(PostgresGate, OlderSchemaIsMigratedAndKeepsItsRecords) {
  OpenStore();
  const uint64_t token = Win("k");
  store_.reset();
  Sql("DROP TABLE $S.audit");
  Sql("UPDATE $S.meta SET value=1 WHERE name='version'");
  postgres::Options options = Options();
  options.no_migrate = true;
  EXPECT_TRUE(Says(OpenStatus(options), "version 1, this holdfast needs 2"));
  OpenStore();
  EXPECT_EQ(store_->Info(Duration{0})->schema, 2u);
  EXPECT_EQ(StatusOf(testing::Complete("k", token, "x")), HF_STORE_OK);
  EXPECT_TRUE(store_->Audit(std::nullopt, 1, Duration{0}).ok());
}

TEST_F(PostgresGate, NewerSchemaIsUsedOnlyIfItSaysSo) {
  OpenStore();
  Sql("UPDATE $S.meta SET value=7 WHERE name='version'");
  EXPECT_TRUE(OpenStatus(Options()).ok());  // 'compatible' is still 1
  Sql("UPDATE $S.meta SET value=5 WHERE name='compatible'");
  const absl::Status refused = OpenStatus(Options());
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(refused, "schema version 5")) << refused;
}

TEST_F(PostgresGate, ManyMayMigrateAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> opened = 0;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] { opened += OpenStatus(Options()).ok(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened, 6);
}

TEST_F(PostgresGate, RoleWithoutRightsIsToldAndOneWithTheLeastCanWork) {
  const std::string role = schema_ + "_app";
  Sql("CREATE ROLE " + role + " LOGIN");
  postgres::Options options = Options();
  options.url = server().Url(role);
  const absl::Status refused = OpenStatus(options);
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << refused;
  EXPECT_TRUE(Says(refused, "CREATE on the database")) << refused;
  ASSERT_TRUE(postgres::Migrate(Options()).ok());
  options.no_migrate = true;
  EXPECT_EQ(OpenStatus(options).code(), absl::StatusCode::kPermissionDenied);
  Sql("GRANT USAGE ON SCHEMA $S TO " + role);
  Sql("GRANT SELECT, INSERT, UPDATE, DELETE ON $S.record, $S.body, $S.audit TO " + role);
  Sql("GRANT SELECT ON $S.meta TO " + role);
  Sql("GRANT USAGE, SELECT ON SEQUENCE $S.token TO " + role);
  OpenStore(options);
  const std::string body(5000, 'b');
  const uint64_t token = Win("k");
  EXPECT_EQ(StatusOf(testing::Complete("k", token, body)), HF_STORE_OK);
  EXPECT_EQ(*Ask(testing::Claim("k", 2)).body, body);
  EXPECT_EQ(Sql("SELECT away FROM $S.record"), "f");  // it may not make partitions
  const StoreReply released = store_->ExecuteAudited(testing::Release("k", HF_EFFECT_NOT_STARTED),
                                                     {"ops", "why"}, Duration{0});
  EXPECT_EQ(released.raw.status, HF_STORE_OK) << released.detail;
  EXPECT_TRUE(store_->Purge(10, Duration{0}).ok());
}

TEST_F(PostgresGate, PasswordIsReadFromItsFileAtEachConnect) {
  testing::PostgresServer guarded;
  PgClient(guarded.Url()).Sql("CREATE ROLE locked LOGIN SUPERUSER PASSWORD 'hunter2'");
  {
    std::ofstream hba(guarded.data() + "/pg_hba.conf", std::ios::trunc);
    hba << "host all hf 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
  }
  PgClient(guarded.Url()).Sql("SELECT pg_reload_conf()");
  postgres::Options options = Options();
  options.url = guarded.Url("locked");
  options.password_file = guarded.folder() + "/password";
  std::ofstream(options.password_file) << "wrong\n";
  ASSERT_TRUE(testing::Eventually([&] { return !OpenStatus(options).ok(); }));
  const absl::Status refused = OpenStatus(options);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnauthenticated) << refused;
  EXPECT_FALSE(Says(refused, "wrong")) << refused;
  std::ofstream(options.password_file) << "hunter2\n";
  OpenStore(options);
  Win("k");
  store_.reset();
}

}  // namespace
}  // namespace holdfast
