// SPDX-License-Identifier: Apache-2.0
// Several processes on one file: refused by name while the installed SQLite can lose commits that way, and with
// the risk taken by name one winner of each key and rising tokens.
//
// The program starts itself as its own worker: <program> worker PATH LEDGER ROUNDS.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/sqlite_files.h"

namespace holdfast {
namespace {

using testing::Claim;

constexpr int kKeys = 12;
constexpr int kProcesses = 4;

sqlite::Options Shared(const std::string& path) {
  sqlite::Options options;
  options.path = path;
  options.multi_process = true;
  options.allow_multi_process_despite_wal_reset_bug =
      sqlite::HasWalResetBug(sqlite3_libversion_number());
  options.busy_timeout = std::chrono::seconds(20);
  options.default_timeout = std::chrono::seconds(30);
  options.init_sql = "CREATE TABLE IF NOT EXISTS payment(id TEXT, amount INTEGER);";
  return options;
}

// A line of the ledger is one write of a file opened for appending: whole, and in real order.
void Append(int ledger, const std::string& key, uint64_t token, const char* what) {
  const std::string line = key + " " + std::to_string(token) + " " + what + "\n";
  if (write(ledger, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(3);
}

// Claims each key in each round, and writes down what it wins while it holds it. Keys of round 0 are then paid for
// and completed, the others given back.
int Work(const std::string& path, const std::string& ledger_path, int rounds) {
  const int ledger = open(ledger_path.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
  auto store = sqlite::Store::Open(Shared(path));
  if (ledger < 0 || !store.ok()) return 2;
  const auto who = static_cast<uint64_t>(getpid());
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < kKeys; ++i) {
      const bool once = round == 0;
      const std::string key = (once ? "once " : "again ") + std::to_string(i);
      StoreRequest claim = Claim(key, who);
      claim.lease = 3600 * HF_S;
      const StoreReply reply = (*store)->Execute(claim, Duration{0});
      if (reply.raw.status >= HF_STORE_UNAVAILABLE) return 4;
      if (reply.raw.status != HF_STORE_WON) continue;
      Append(ledger, key, reply.raw.token, "won");
      if (!once) {
        if ((*store)->Execute(testing::Abandon(key, reply.raw.token), Duration{0}).raw.status !=
            HF_STORE_OK) {
          return 5;
        }
        continue;
      }
      sqlite::JoinedClaim joined;
      std::memcpy(joined.key_id, claim.key_id, sizeof(joined.key_id));
      joined.token = reply.raw.token;
      const auto paid =
          (*store)->InTransaction(joined, [&](sqlite3* db) -> absl::StatusOr<std::string> {
            const std::string row = "INSERT INTO payment VALUES('" + key + "', 1)";
            const std::string said = testing::Sql(db, row);
            if (said != "none") return absl::InternalError(said);
            return std::to_string(reply.raw.token);
          });
      if (!paid.ok()) return 6;
    }
  }
  store->reset();
  return 0;
}

class SqliteProcesses : public testing::SqliteTest {
 protected:
  pid_t Start(int rounds) {
    const std::string count = std::to_string(rounds);
    const std::string ledger = folder_ / "ledger";
    const std::vector<const char*> words = {"/proc/self/exe", "worker",      path_.c_str(),
                                            ledger.c_str(),   count.c_str(), nullptr};
    pid_t child = 0;
    EXPECT_EQ(posix_spawn(&child, words[0], nullptr, nullptr,
                          const_cast<char* const*>(words.data()), environ),
              0);
    return child;
  }
  static int End(pid_t child) {
    int end = 0;
    waitpid(child, &end, 0);
    return end;
  }
  // Tokens of each key in the order in which they were won.
  std::map<std::string, std::vector<uint64_t>> Ledger() {
    std::map<std::string, std::vector<uint64_t>> won;
    std::ifstream in(folder_ / "ledger");
    std::string kind, number, what;
    uint64_t token = 0;
    while (in >> kind >> number >> token >> what) won[kind + " " + number].push_back(token);
    return won;
  }
};

TEST_F(SqliteProcesses, RefusalNamesVersionRangeAndOverride) {
  if (!sqlite::HasWalResetBug(sqlite3_libversion_number())) {
    GTEST_SKIP() << "SQLite " << sqlite3_libversion() << " has no WAL-reset bug";
  }
  sqlite::Options options = Shared(path_);
  options.allow_multi_process_despite_wal_reset_bug = false;
  const absl::Status status = sqlite::Store::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  const std::string said(status.message());
  for (const char* word : {sqlite3_libversion(), "3.7.0 to 3.51.2", "3.44.6", "3.50.7",
                           "allow_multi_process_despite_wal_reset_bug"}) {
    EXPECT_NE(said.find(word), std::string::npos) << said;
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteProcesses, EachKeyHasOneWinnerAndTokensRiseAcrossProcesses) {
  constexpr int kRounds = 8;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) children.push_back(Start(kRounds));
  for (const pid_t child : children) EXPECT_EQ(End(child), 0);
  const auto won = Ledger();
  EXPECT_EQ(won.size(), 2u * kKeys);
  size_t wins = 0;
  for (const auto& [key, tokens] : won) {
    wins += tokens.size();
    if (key.starts_with("once")) {
      EXPECT_EQ(tokens.size(), 1u) << key;
    }
    for (size_t i = 1; i < tokens.size(); ++i) EXPECT_GT(tokens[i], tokens[i - 1]) << key;
  }
  RecordProperty("wins", static_cast<int>(wins));
  OpenStore(Shared(path_));
  EXPECT_EQ(Payments(), std::to_string(kKeys));
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = "once " + std::to_string(i);
    const StoreReply replay = Ask(Claim(key, 1));
    ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY);
    EXPECT_EQ(*replay.body, std::to_string(won.at(key)[0]));
  }
  EXPECT_EQ(Ask(std::string("PRAGMA integrity_check")), "ok");
  const auto report = store_->Verify(1, {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->damaged, 0u);
}

TEST_F(SqliteProcesses, OneThatIsKilledKeepsItsLeaseAndHoldsUpNobody) {
  OpenStore(Shared(path_));
  const pid_t victim = Start(1 << 20);  // without end
  for (int i = 0; i < 20000 && Ledger().size() < 2u * kKeys; ++i) usleep(1000);
  ASSERT_EQ(Ledger().size(), 2u * kKeys);
  kill(victim, SIGKILL);
  EXPECT_EQ(WTERMSIG(End(victim)), SIGKILL);
  const pid_t other = Start(3);
  EXPECT_EQ(End(other), 0);
  const auto won = Ledger();
  for (const auto& [key, tokens] : won) {
    for (size_t i = 1; i < tokens.size(); ++i) EXPECT_GT(tokens[i], tokens[i - 1]) << key;
    const StoreReply found = Ask(testing::Read(key));
    if (found.raw.state == HF_RECORD_IN_PROGRESS) {
      EXPECT_GE(found.raw.token, tokens.back()) << key;  // won, perhaps not written down any more
    }
  }
  EXPECT_EQ(Payments(), std::to_string(kKeys));
}

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "worker") == 0) {
    return holdfast::Work(argv[2], argv[3], std::atoi(argv[4]));
  }
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
