// SPDX-License-Identifier: Apache-2.0
// RunOnceJoined over PostgreSQL: rows and record together, whatever happens on the way.
#include <gtest/gtest.h>
#include <holdfast/postgres/run_once.h>

#include <functional>
#include <stdexcept>
#include <string>

#include "store/postgres_store.h"

namespace holdfast {
namespace {

using testing::PgClient;

using Result = absl::StatusOr<std::string>;

class PostgresRunOnce : public testing::PostgresTest {
 protected:
  void SetUp() override {
    clock_.Set(std::chrono::duration_cast<std::chrono::nanoseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count());
    OpenStore();
    Sql("CREATE TABLE $S.payment(id text)");
  }

  absl::StatusOr<RunOnceResult> Run(const std::function<Result(Ticket&)>& work,
                                    RunOnceOptions options = {}) {
    options.request = "request";
    options.report = &report_;
    return postgres::RunOnceJoined(*store_, client_.raw(), {.operation = "pay", .key = "k"},
                                   options, [&](Ticket& ticket, pg_conn*) { return work(ticket); });
  }
  Result Pay() {
    const std::string said = client_.Sql("INSERT INTO " + schema_ + ".payment VALUES('k')");
    if (!said.empty()) return absl::InternalError(said);
    return "paid";
  }
  std::string Payments() { return Sql("SELECT count(*) FROM $S.payment"); }
  hf_reason ReasonOf(const absl::Status& status) {
    const auto rejection = RejectionOf(status);
    return rejection.has_value() ? rejection->reason : HF_R_NONE;
  }

  PgClient client_{server().Url()};
  RunOnceReport report_;
};

TEST_F(PostgresRunOnce, RunsOnceAndReplays) {
  for (const bool replayed : {false, true, true}) {
    const auto result = Run([&](Ticket&) { return Pay(); });
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->body, "paid");
    EXPECT_EQ(result->replayed, replayed);
  }
  EXPECT_EQ(Payments(), "1");
}

TEST_F(PostgresRunOnce, ErrorRollsBackAndMayRunAgain) {
  const auto failed = Run([&](Ticket&) -> Result {
    EXPECT_TRUE(Pay().ok());
    return absl::UnavailableError("downstream");
  });
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(Sql("SELECT state FROM $S.record"), "3");
}

TEST_F(PostgresRunOnce, FinalErrorRollsBackAndIsReplayed) {
  for (int i = 0; i < 2; ++i) {
    const auto failed = Run([&](Ticket&) -> Result {
      EXPECT_TRUE(Pay().ok());
      return absl::InvalidArgumentError("no such account");
    });
    EXPECT_EQ(failed.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(report_.ran, i == 0);
  }
  EXPECT_EQ(Payments(), "0");
}

TEST_F(PostgresRunOnce, ExceptionRollsBackAndPassesThrough) {
  EXPECT_THROW(static_cast<void>(Run([&](Ticket&) -> Result {
                 EXPECT_TRUE(Pay().ok());
                 throw std::runtime_error("work");
               })),
               std::runtime_error);
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(Sql("SELECT state FROM $S.record"), "3");
}

TEST_F(PostgresRunOnce, StatementThatFailedUnnoticedCommitsNothing) {
  const auto result = Run([&](Ticket&) -> Result {
    EXPECT_TRUE(Pay().ok());
    client_.Sql("SELECT 1/0");
    return "looks fine";
  });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kAborted) << result.status();
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(Sql("SELECT state FROM $S.record"), "3");
}

TEST_F(PostgresRunOnce, WorkThatCommitsByItselfIsInDoubt) {
  const auto result = Run([&](Ticket&) -> Result {
    EXPECT_TRUE(Pay().ok());
    client_.Sql("COMMIT");
    return "committed behind our back";
  });
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(Payments(), "1");
  EXPECT_EQ(Sql("SELECT state FROM $S.record"), "4");
}

// The rows are gone, and the work may run once the caller's connection is what it should be.
TEST_F(PostgresRunOnce, ConnectionThatMayNotCompleteRollsBackAndDecidesNothing) {
  EXPECT_FALSE(Run([&](Ticket&) -> Result {
                 EXPECT_EQ(client_.Sql("SET TRANSACTION READ ONLY"), "");
                 return "read only";
               }).ok());
  EXPECT_EQ(Sql("SELECT state FROM $S.record"), "3");
  Sql("DELETE FROM $S.record");
  Sql("CREATE ROLE powerless");
  EXPECT_FALSE(Run([&](Ticket&) -> Result {
                 EXPECT_TRUE(Pay().ok());
                 EXPECT_EQ(client_.Sql("SET LOCAL ROLE powerless"), "");
                 return "paid";
               }).ok());
  EXPECT_EQ(Sql("SELECT state FROM $S.record"), "3");
  EXPECT_EQ(Payments(), "0");
}

TEST_F(PostgresRunOnce, BusyConnectionIsRefusedAndTheKeyIsFree) {
  client_.Sql("BEGIN");
  const auto result = Run([&](Ticket&) { return Pay(); });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kFailedPrecondition) << result.status();
  client_.Sql("ROLLBACK");
  EXPECT_TRUE(Run([&](Ticket&) { return Pay(); }).ok());
  EXPECT_EQ(Payments(), "1");
}

TEST_F(PostgresRunOnce, ConnectionLostInTheWorkRollsBack) {
  const auto result = Run([&](Ticket&) -> Result {
    EXPECT_TRUE(Pay().ok());
    Sql("SELECT pg_terminate_backend(" + std::to_string(PQbackendPID(client_.raw())) + ")");
    EXPECT_TRUE(testing::Eventually([&] { return client_.Sql("SELECT 1") != "1"; }));
    return "paid";
  });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(Sql("SELECT state FROM $S.record"), "3");
}

TEST_F(PostgresRunOnce, ZombieIsFencedAndItsRowsAreGone) {
  RunOnceOptions options;
  options.on_expiry = OnExpiry::kTakeover;
  const auto zombie = Run(
      [&](Ticket& ticket) -> Result {
        EXPECT_TRUE(Pay().ok());
        clock_.Advance(60 * HF_S);
        Sql("UPDATE $S.record SET token=token+1, version=version+1");  // another took it over
        EXPECT_GT(ticket.token(), 0u);
        return "late";
      },
      options);
  EXPECT_EQ(ReasonOf(zombie.status()), HF_R_IDEM_FENCED) << zombie.status();
  EXPECT_EQ(Payments(), "0");
}

// The backend ends in the middle of COMMIT: what became of it is asked, not guessed.
TEST_F(PostgresRunOnce, CommitThatDiedIsFoundToBeRolledBack) {
  Sql("CREATE FUNCTION $S.die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
      "pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'");
  Sql("CREATE CONSTRAINT TRIGGER die AFTER INSERT ON $S.payment DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION $S.die()");
  const auto result = Run([&](Ticket&) { return Pay(); });
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(Payments(), "0");
  EXPECT_EQ(Sql("SELECT state FROM $S.record"), "3") << result.status();
}

class PostgresLateCommit : public PostgresRunOnce {
 protected:
  testing::PostgresServer& server() override { return own_; }
  testing::PostgresServer own_;
};

TEST_F(PostgresLateCommit, CommitThatWasNotAnsweredIsFoundToStand) {
  PgClient client(server().Url());
  const int pid = PQbackendPID(client.raw());
  std::thread killer;
  RunOnceOptions options;
  options.request = "request";
  const auto result = postgres::RunOnceJoined(
      *store_, client.raw(), {.operation = "pay", .key = "k"}, options,
      [&](Ticket&, pg_conn*) -> Result {
        EXPECT_EQ(client.Sql("INSERT INTO " + schema_ + ".payment VALUES('k')"), "");
        // From here on commits wait for a standby that does not exist.
        Sql("ALTER SYSTEM SET synchronous_standby_names='nobody'");
        Sql("SELECT pg_reload_conf()");
        killer = std::thread([this, pid] {
          PgClient admin(server().Url());
          EXPECT_TRUE(testing::Eventually([&] {
            return admin.Sql("SELECT wait_event FROM pg_stat_activity WHERE pid=" +
                             std::to_string(pid)) == "SyncRep";
          }));
          admin.Sql("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
        });
        return "paid";
      });
  killer.join();
  Sql("ALTER SYSTEM RESET synchronous_standby_names");
  Sql("SELECT pg_reload_conf()");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->body, "paid");
  EXPECT_EQ(Payments(), "1");
  EXPECT_EQ(Sql("SELECT state FROM $S.record"), "2");
}

}  // namespace
}  // namespace holdfast
