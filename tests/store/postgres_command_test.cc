// SPDX-License-Identifier: Apache-2.0
#include <holdfast/postgres/store.h>

#include "store/command_walk.h"
#include "store/postgres_server.h"

namespace holdfast::testing {
namespace {

TEST(PostgresCommand, AnOperatorLooksResolvesAndReleases) {
  PostgresServer server;
  const std::string url = server.Url();
  CommandWalk(url, [&]() -> std::unique_ptr<Store> {
    auto store = postgres::Store::Open({.url = url});
    return store.ok() ? *std::move(store) : nullptr;
  }).Run();
}

TEST(PostgresCommand, CreatesNoTablesUnlessToldToMigrate) {
  PostgresServer server;
  EXPECT_EQ(Holdfast({"idem", "list", server.Url()}).exit_code, 1);
  EXPECT_EQ(Holdfast({"idem", "migrate", server.Url()}).exit_code, 0);
  const Said said = Holdfast({"idem", "list", server.Url()});
  EXPECT_EQ(said.exit_code, 0) << said.text;
}

}  // namespace
}  // namespace holdfast::testing
