// SPDX-License-Identifier: Apache-2.0
// The code of docs/primitives/postgres.md, run.
#include <gtest/gtest.h>
#include <holdfast/postgres/run_once.h>
#include <libpq-fe.h>

#include <memory>
#include <string>

#include "store/postgres_store.h"

namespace holdfast {
namespace {

absl::StatusOr<std::string> InsertPayment(PGconn* db, const char* order) {
  const char* const values[] = {order};
  PGresult* const result =
      PQexecParams(db, "INSERT INTO payment VALUES($1)", 1, nullptr, values, nullptr, nullptr, 0);
  const bool inserted = PQresultStatus(result) == PGRES_COMMAND_OK;
  PQclear(result);
  if (!inserted) return absl::InternalError(PQerrorMessage(db));
  return std::string("paid");
}

absl::StatusOr<std::string> PayOnce(postgres::Store& store, PGconn* db, const char* order) {
  const auto paid = postgres::RunOnceJoined(
      store, db, {.operation = "pay", .key = order}, {.request = order},
      [&](Ticket&, PGconn* inside) { return InsertPayment(inside, order); });
  if (!paid.ok()) return paid.status();
  return paid->body;
}

// Each message takes effect once, however often it is delivered.
absl::Status Receive(PGconn* db, const postgres::InlineClaim& message) {
  absl::Status status = postgres::Begin(db);
  if (!status.ok()) return status;
  const absl::StatusOr<StoreReply> claim = postgres::Inline(db, message);
  if (!claim.ok() || claim->raw.status != HF_STORE_WON) {
    postgres::RollBack(db);  // handled before, or another transaction is at it
    return claim.status();
  }
  status = InsertPayment(db, "from the inbox").status();
  postgres::JoinedClaim mine;
  std::copy_n(message.key_id, sizeof(mine.key_id), mine.key_id);
  mine.token = claim->raw.token;
  if (status.ok()) status = postgres::CompleteIn(db, mine, "");
  if (status.ok()) return postgres::Commit(db);
  postgres::RollBack(db);
  return status;
}

TEST(PostgresDocs, EverythingTakesEffectOnce) {
  testing::PostgresServer& server = testing::SharedServer();
  const auto store = postgres::Store::Open({.url = server.Url()}).value();
  testing::PgClient client(server.Url());
  client.Sql("CREATE TABLE payment(order_id text)");
  postgres::InlineClaim message;
  std::copy_n(testing::Read("message 1").key_id, sizeof(message.key_id), message.key_id);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(PayOnce(*store, client.raw(), "order 17").value(), "paid");
    EXPECT_EQ(Receive(client.raw(), message), absl::OkStatus());
  }
  EXPECT_EQ(client.Sql("SELECT count(*) FROM payment"), "2");
}

}  // namespace
}  // namespace holdfast
