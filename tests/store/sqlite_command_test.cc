// SPDX-License-Identifier: Apache-2.0
#include <holdfast/record_label.h>
#include <holdfast/sqlite/store.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "store/command_walk.h"
#include "store/sqlite_files.h"

namespace holdfast::testing {
namespace {

TEST(SqliteCommand, AnOperatorLooksResolvesAndReleases) {
  const TempFolder folder;
  const std::string path = folder / "store.db";
  CommandWalk("sqlite:" + path, [&]() -> std::unique_ptr<Store> {
    auto store = sqlite::Store::Open({.path = path});
    return store.ok() ? *std::move(store) : nullptr;
  }).Run();
}

TEST(SqliteCommand, NeverCreatesAFile) {
  const TempFolder folder;
  const std::string path = folder / "typo.db";
  EXPECT_EQ(Holdfast({"idem", "list", "sqlite:" + path}).exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(SqliteCommand, MakesNoStoreOfAnEmptyFileUnlessItIsToMigrate) {
  const TempFolder folder;
  const std::string path = folder / "empty.db";
  std::ofstream(path).close();
  const Said said = Holdfast({"idem", "list", "sqlite:" + path});
  EXPECT_EQ(said.exit_code, 1);
  EXPECT_NE(said.text.find("empty"), std::string::npos) << said.text;
  EXPECT_EQ(std::filesystem::file_size(path), 0u);
  EXPECT_EQ(Holdfast({"idem", "migrate", "sqlite:" + path}).exit_code, 0);
  EXPECT_EQ(Holdfast({"idem", "list", "sqlite:" + path}).exit_code, 0);
}

TEST(SqliteCommand, RefusesAnAgeBelowNothing) {
  const TempFolder folder;
  const std::string path = folder / "store.db";
  ASSERT_TRUE(sqlite::Store::Open({.path = path}).ok());
  const Said said = Holdfast({"idem", "list", "sqlite:" + path, "--older-than=-5s"});
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_NE(said.text.find("--older-than"), std::string::npos) << said.text;
}

TEST(SqliteCommand, RefusesAUrlOfNoKindWithoutShowingItsPassword) {
  const Said said = Holdfast({"idem", "list", "mysql://me:hunter2@host/db"});
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_EQ(said.text.find("hunter2"), std::string::npos) << said.text;
}

TEST(SqliteCommand, ShowsNoPasswordOfAMistypedUrlEither) {
  for (const char* const url :
       {"redis:/me:hunter2@host", "me:hunter2@host:6379", "host=db password=hunter2",
        "postgress://host/db?user=me&password=hunter2", "hunter2@host://"}) {
    const Said said = Holdfast({"idem", "list", url});
    EXPECT_EQ(said.exit_code, 2);
    EXPECT_EQ(said.text.find("hunter2"), std::string::npos) << said.text;
  }
}

// Labels are written by whoever writes records. 0x9B, and U+009B as UTF-8, begin an order to a terminal as ESC [ does.
TEST(SqliteCommand, NothingInALabelReachesTheTerminalAsAnOrder) {
  const TempFolder folder;
  const std::string path = folder / "store.db";
  {
    const auto store = sqlite::Store::Open({.path = path}).value();
    uint64_t who = 0;
    for (const char* const tenant : {"\xC2\x9B"
                                     "31m",
                                     "\x9B"
                                     "31m",
                                     "\xE2\x80\xAE"
                                     "emca",
                                     "\x1B[31m\n", "\x7F", "\xC0\x9B", "J\xC3\xBCrgen"}) {
      const std::string label = EncodeRecordLabel({.tenant = tenant});
      StoreRequest claim = Claim("key-" + std::to_string(who), who + 1);
      claim.label = {label.data(), label.size()};
      ASSERT_EQ(store->Execute(claim, Duration{0}).raw.status, HF_STORE_WON);
      ++who;
    }
  }
  const Said table = Holdfast({"idem", "list", "sqlite:" + path});
  EXPECT_EQ(table.exit_code, 0);
  EXPECT_NE(table.text.find("J\xC3\xBCrgen"), std::string::npos) << "letters stay letters";
  std::string others = table.text;
  others.erase(others.find("\xC3\xBC"), 2);
  for (const std::string& text :
       {others, Holdfast({"idem", "list", "sqlite:" + path, "--json"}).text}) {
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) {
      return c == '\n' || (c >= ' ' && c <= '~');
    })) << text;
  }
}

TEST(SqliteCommand, ShowsARecordAlthoughTheFirstOneLostItsKey) {
  const TempFolder folder;
  const std::string path = folder / "store.db";
  {
    const auto store = sqlite::Store::Open({.path = path}).value();
    for (uint64_t who = 1; who <= 3; ++who) {
      const StoreRequest claim = Claim("key-" + std::to_string(who), who);
      ASSERT_EQ(store->Execute(claim, Duration{0}).raw.status, HF_STORE_WON);
    }
  }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  const std::string last = Sql(db, "SELECT lower(hex(max(kid))) FROM holdfast_record");
  Sql(db, "UPDATE holdfast_record SET kid='x' WHERE kid=(SELECT min(kid) FROM holdfast_record)");
  sqlite3_close(db);
  for (const char* const verb : {"show", "explain"}) {
    const Said said = Holdfast({"idem", verb, "sqlite:" + path, "--id", last});
    EXPECT_EQ(said.exit_code, 0) << said.text;
  }
  EXPECT_EQ(Holdfast({"idem", "verify", "sqlite:" + path}).exit_code, 3);
}

TEST(SqliteCommand, SaysThatItsOutputCannotBeWritten) {
  const TempFolder folder;
  const std::string path = folder / "store.db";
  ASSERT_TRUE(sqlite::Store::Open({.path = path}).ok());
  const std::string command = std::string(std::getenv("HF_BINARY_DIR")) + "/bin/holdfast";
  const std::string errors = folder / "errors";
  for (const char* const where : {">/dev/full", ">&-"}) {
    const int status =
        std::system((command + " idem list sqlite:" + path + " " + where + " 2>" + errors).c_str());
    EXPECT_TRUE(WIFEXITED(status)) << "not by a signal";
    EXPECT_EQ(WEXITSTATUS(status), 1);
    EXPECT_GT(std::filesystem::file_size(errors), 0u);
  }
}

TEST(SqliteCommand, SaysThatAnotherProcessHoldsTheFile) {
  const TempFolder folder;
  const std::string path = folder / "store.db";
  const auto store = sqlite::Store::Open({.path = path});
  ASSERT_TRUE(store.ok()) << store.status();
  const Said said = Holdfast({"idem", "list", "sqlite:" + path});
  EXPECT_EQ(said.exit_code, 1);
  EXPECT_NE(said.text.find("process"), std::string::npos) << said.text;
}

}  // namespace
}  // namespace holdfast::testing
