// SPDX-License-Identifier: Apache-2.0
#include <holdfast/sqlite/store.h>

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

TEST(SqliteCommand, RefusesAUrlOfNoKindWithoutShowingItsPassword) {
  const Said said = Holdfast({"idem", "list", "mysql://me:hunter2@host/db"});
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_EQ(said.text.find("hunter2"), std::string::npos) << said.text;
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
