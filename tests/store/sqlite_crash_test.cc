// SPDX-License-Identifier: Apache-2.0
// A process killed with SIGKILL at every operation on its file, over and over on the same file: nothing
// acknowledged is lost, and joined work takes effect once or not at all.
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "store/fault_vfs.h"
#include "store/sqlite_files.h"
#include "store/sqlite_ledger.h"

namespace holdfast {
namespace {

using testing::Audit;
using testing::Fault;
using testing::FaultVfs;
using testing::Live;
using testing::Note;

constexpr int kKeys = 5;

class SqliteCrash : public testing::SqliteTest {
 protected:
  sqlite::Options LifeOptions(const FaultVfs& vfs) {
    sqlite::Options options = Options();
    options.vfs = vfs.name();
    options.checkpoint_pages = 12;
    options.busy_timeout = std::chrono::seconds(10);
    return options;
  }

  // One process: opens the store, lives, and is killed at its n-th operation, or ends. What it was
  // answered comes through a pipe, each answer before the next request.
  std::vector<Note> Die(Fault fault, int n, int first_key, bool from_open, bool* killed) {
    int notes[2];
    EXPECT_EQ(pipe(notes), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(notes[0]);
      FaultVfs vfs;
      if (from_open) vfs.Inject(fault, n);
      auto store = sqlite::Store::Open(LifeOptions(vfs));
      if (!store.ok()) _exit(2);
      if (!from_open) vfs.Inject(fault, n);
      Live(**store, first_key, kKeys, [&](const Note& note) {
        if (write(notes[1], &note, sizeof(note)) != sizeof(note)) _exit(3);
      });
      store->reset();
      _exit(0);
    }
    close(notes[1]);
    std::vector<Note> received;
    Note note;
    while (read(notes[0], &note, sizeof(note)) == sizeof(note)) received.push_back(note);
    close(notes[0]);
    int end = 0;
    waitpid(child, &end, 0);
    *killed = WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL;
    EXPECT_TRUE(*killed || (WIFEXITED(end) && WEXITSTATUS(end) == 0))
        << "n " << n << " end " << end;
    return received;
  }

  void KillEverywhere(Fault fault, bool from_open) {
    std::vector<Note> all;
    bool killed = true;
    int n = 1;
    for (; killed && !HasFailure(); ++n) {
      if (from_open && n % 2 == 1) {  // a new file each second time: creation is cut off, too
        for (const char* suffix : {"", "-wal", "-journal"}) {
          std::filesystem::remove(path_ + suffix);
        }
        all.clear();
      }
      const std::vector<Note> life = Die(fault, n, n * 10, from_open, &killed);
      all.insert(all.end(), life.begin(), life.end());
      FaultVfs vfs;
      OpenStore(LifeOptions(vfs));
      ASSERT_NE(store_, nullptr);
      if (life.empty()) {
        // Killed before the first answer: the key is free or claimed, never more.
        const StoreReply found = Ask(testing::Read(testing::KeyName(n * 10)));
        EXPECT_TRUE(found.raw.status == HF_STORE_ABSENT ||
                    found.raw.state == HF_RECORD_IN_PROGRESS);
      }
      // Lives end where they may: the last note of each is the one that may have gone on.
      AuditLives(all, n);
      store_.reset();
    }
    EXPECT_GT(n, 30);
    // No effect without its record, and none twice: the table has no unique key to hide it.
    FaultVfs vfs;
    OpenStore(LifeOptions(vfs));
    EXPECT_EQ(Ask(std::string("SELECT count(*)-count(DISTINCT id) FROM payment")), "0");
    store_.reset();
  }

  void AuditLives(const std::vector<Note>& all, int n) {
    std::vector<Note> life;
    for (size_t i = 0; i < all.size(); ++i) {
      life.push_back(all[i]);
      const bool ends = i + 1 == all.size() || all[i + 1].key / 10 != all[i].key / 10;
      if (!ends) continue;
      Audit(*store_, life, "kill " + std::to_string(n));
      life.clear();
    }
  }
};

TEST_F(SqliteCrash, KilledBeforeAnyOperation) {
  OpenStore();
  store_.reset();
  KillEverywhere(Fault::kKill, false);
}

TEST_F(SqliteCrash, KilledInTheMiddleOfAnyWrite) {
  OpenStore();
  store_.reset();
  KillEverywhere(Fault::kKillHalf, false);
}

TEST_F(SqliteCrash, KilledFromTheFirstOperationOfTheFile) { KillEverywhere(Fault::kKill, true); }

}  // namespace
}  // namespace holdfast
