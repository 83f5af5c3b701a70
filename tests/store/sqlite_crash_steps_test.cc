// SPDX-License-Identifier: Apache-2.0
// Every kind of request, killed with SIGKILL at each operation on the file: afterwards the file holds what some
// prefix of the script leaves, all that was answered included, and of a step all or nothing.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "store/fault_vfs.h"
#include "store/sqlite_files.h"
#include "store/sqlite_script.h"

namespace holdfast {
namespace {

using testing::Claim;
using testing::Difference;
using testing::Fault;
using testing::FaultVfs;
using testing::Picture;
using testing::Script;

class SqliteCrashSteps : public testing::SqliteTest {
 protected:
  sqlite::Options LifeOptions(const FaultVfs& vfs) {
    sqlite::Options options = Options();
    options.vfs = vfs.name();
    options.checkpoint_pages = 12;  // so that checkpoints are among the operations
    options.reserve_bytes = 65536;
    options.busy_timeout = std::chrono::seconds(10);
    return options;
  }

  // Runs the script in a process that dies at its n-th operation; how many steps were answered.
  size_t Die(const Script& script, Fault fault, int n, bool* killed) {
    int answers[2];
    EXPECT_EQ(pipe(answers), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(answers[0]);
      FaultVfs vfs;
      vfs.Inject(fault, n);
      auto store = sqlite::Store::Open(LifeOptions(vfs));
      if (!store.ok()) _exit(2);
      for (size_t i = 0; i < script.steps().size(); ++i) {
        if (!script.Run(i, **store, clock_)) _exit(3);
        if (write(answers[1], "+", 1) != 1) _exit(4);
      }
      store->reset();
      _exit(0);
    }
    close(answers[1]);
    size_t answered = 0;
    char byte = 0;
    while (read(answers[0], &byte, 1) == 1) ++answered;
    close(answers[0]);
    int end = 0;
    waitpid(child, &end, 0);
    *killed = WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL;
    EXPECT_TRUE(*killed || (WIFEXITED(end) && WEXITSTATUS(end) == 0)) << n << " end " << end;
    return answered;
  }

  void CheckAfter(const Script& script, size_t answered, const std::string& where) {
    FaultVfs vfs;
    OpenStore(LifeOptions(vfs));
    ASSERT_NE(store_, nullptr);
    const bool may_be_more = answered < script.steps().size();
    const std::string less = Difference(*store_, script, answered);
    const std::string more =
        less.empty() || !may_be_more ? less : Difference(*store_, script, answered + 1);
    EXPECT_TRUE(less.empty() || more.empty())
        << where << ", " << answered << " answered: " << less << " | " << more;
    const Picture& picture = script.After(less.empty() || !may_be_more ? answered : answered + 1);
    clock_.Set(picture.now);
    NobodyElseWins(picture, where);
    TokensRise(script.After(answered), where);
    store_.reset();  // before its disk
  }

  void NobodyElseWins(const Picture& picture, const std::string& where) {
    for (const auto& [key, entry] : picture.records) {
      const bool leased =
          entry.record.state == HF_RECORD_IN_PROGRESS && entry.record.lease_until > picture.now;
      if (!leased) continue;
      EXPECT_EQ(StatusOf(Claim(key, 77)), HF_STORE_BUSY) << where << ", " << key;
    }
  }

  // Also of keys that are gone, and whatever the clock says.
  void TokensRise(const Picture& answered, const std::string& where) {
    clock_.Set(1);
    for (const auto& [key, highest] : answered.highest) {
      const StoreReply reply = Ask(Claim(key, 78));
      if (reply.raw.status != HF_STORE_WON) continue;
      EXPECT_GT(reply.raw.token, highest) << where << ", " << key;
    }
  }

  void KillEverywhere(const Script& script, Fault fault, int at_least) {
    bool killed = true;
    int n = 1;
    for (; killed && !HasFailure(); ++n) {
      for (const char* suffix : {"", "-wal", "-journal", "-reserve"}) {
        std::filesystem::remove(path_ + suffix);
      }
      const size_t answered = Die(script, fault, n, &killed);
      CheckAfter(script, answered, "kill " + std::to_string(n));
    }
    EXPECT_GT(n, at_least);
    RecordProperty("crash_points", n - 1);
  }
};

Script Requests() {
  Script script;
  const uint64_t paid = script.Claims("paid", 1, HF_ON_EXPIRY_TAKEOVER, "label of paid");
  script.PaysStep("paid", paid, "half");
  script.Advance(1);
  script.Renews("paid", paid);
  script.Pays("paid", paid, std::string(3000, 'p'));
  const uint64_t failed = script.Claims("failed", 1);
  script.Checkpoints("failed", failed, "first step");
  script.Checkpoints("failed", failed, "second step");
  script.Fails("failed", failed, HF_EFFECT_RETRYABLE);
  script.Advance(2 * HF_S);
  const uint64_t again = script.Claims("failed", 2);
  script.Completes("failed", again, "done at last");
  script.Fails("doubt", script.Claims("doubt", 1, HF_ON_EXPIRY_IN_DOUBT), HF_EFFECT_AMBIGUOUS);
  script.Abandons("gone", script.Claims("gone", 1));
  script.Claims("gone", 2);
  script.Claims("asked", 1, HF_ON_EXPIRY_RECONCILE);
  script.ClaimsMany({"m1", "m2", "m3", "m4", "paid", "m1"}, 5);
  script.Releases("m2", HF_EFFECT_NOT_STARTED);
  script.Releases("m3", HF_EFFECT_RETRYABLE);
  script.Advance(testing::kLease);
  script.Claims("asked", 2, HF_ON_EXPIRY_RECONCILE);
  script.Claims("m4", 6, HF_ON_EXPIRY_IN_DOUBT);
  return script;
}

Script Purging() {
  Script script;
  for (int i = 0; i < 4; ++i) {
    const std::string key = "k" + std::to_string(i);
    script.Completes(key, script.Claims(key, 1), std::string(2500, 'b'));
  }
  script.Claims("held", 1);
  script.Fails("doubt", script.Claims("doubt", 1, HF_ON_EXPIRY_IN_DOUBT), HF_EFFECT_AMBIGUOUS);
  script.Advance(2 * testing::kTtl);
  script.Purges();
  script.Claims("k1", 2);
  return script;
}

TEST_F(SqliteCrashSteps, Scenario1To3KilledBeforeAnyOperationOfAnyRequest) {
  KillEverywhere(Requests(), Fault::kKill, 150);
}

TEST_F(SqliteCrashSteps, Scenario1To3KilledInTheMiddleOfAnyWriteOfAnyRequest) {
  KillEverywhere(Requests(), Fault::kKillHalf, 150);
}

TEST_F(SqliteCrashSteps, Scenario38KilledAtAnyStepOfAPurge) {
  KillEverywhere(Purging(), Fault::kKill, 60);
}

// The pictures are worth something: a store that runs the script undisturbed shows each of them in turn, and
// not the one before it.
TEST_F(SqliteCrashSteps, EachStepIsSeenInTheFile) {
  for (const auto& make : {Requests, Purging}) {
    const Script script = make();
    path_ += "+";
    OpenStore();
    size_t changes = 0;
    for (size_t i = 0; i < script.steps().size(); ++i) {
      ASSERT_TRUE(script.Run(i, *store_, clock_)) << i;
      EXPECT_EQ(Difference(*store_, script, i + 1), "") << i;
      changes += Difference(*store_, script, i).empty() ? 0 : 1;
    }
    EXPECT_GE(changes + 1, script.steps().size());  // a purge erases what is as good as gone
  }
}

}  // namespace
}  // namespace holdfast
