// SPDX-License-Identifier: Apache-2.0
#include "books.h"

#include <absl/strings/str_cat.h>

#include <functional>
#include <initializer_list>

namespace checkout {
namespace {

absl::Status Failure(sqlite3* db) {
  return absl::UnavailableError(absl::StrCat("sqlite: ", sqlite3_errmsg(db)));
}

using Row = std::function<void(sqlite3_stmt*)>;

// Runs one statement with its parameters, and hands each row to `row`.
absl::Status Run(
    sqlite3* db, const char* sql, std::initializer_list<int64_t> parameters,
    const Row& row = [](sqlite3_stmt*) {}) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db, sql, -1, &raw, nullptr) != SQLITE_OK) return Failure(db);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  int index = 0;
  for (const int64_t parameter : parameters) sqlite3_bind_int64(raw, ++index, parameter);
  for (;;) {
    const int step = sqlite3_step(raw);
    if (step == SQLITE_DONE) return absl::OkStatus();
    if (step != SQLITE_ROW) return Failure(db);
    row(raw);
  }
}

}  // namespace

absl::StatusOr<Database> OpenDatabase(const std::string& file) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open(file.c_str(), &raw);
  Database db(raw);
  if (opened != SQLITE_OK) return absl::UnavailableError(absl::StrCat("cannot open ", file));
  sqlite3_busy_timeout(raw, 2000);
  for (const char* pragma : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"}) {
    if (absl::Status set = Run(raw, pragma, {}); !set.ok()) return set;
  }
  return db;
}

absl::Status CreatePayments(sqlite3* db) {
  return Run(
      db,
      "CREATE TABLE IF NOT EXISTS payments (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL,"
      " cents INTEGER NOT NULL, attempt INTEGER NOT NULL,"
      " at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')))",
      {});
}

absl::StatusOr<int64_t> AddPayment(sqlite3* db, uint32_t order, int64_t cents, uint32_t arrival) {
  absl::Status added = Run(db, "INSERT INTO payments (order_id, cents, attempt) VALUES (?, ?, ?)",
                           {order, cents, arrival});
  if (!added.ok()) return added;
  return sqlite3_last_insert_rowid(db);
}

absl::StatusOr<int64_t> CountPayments(sqlite3* db) {
  int64_t count = 0;
  absl::Status read = Run(db, "SELECT coalesce(max(id), 0) FROM payments", {},
                          [&](sqlite3_stmt* row) { count = sqlite3_column_int64(row, 0); });
  if (!read.ok()) return read;
  return count;
}

absl::Status CreateOrders(sqlite3* db) {
  return Run(db,
             "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, cents INTEGER NOT NULL,"
             " state INTEGER NOT NULL)",
             {});
}

absl::Status AddOrder(sqlite3* db, uint32_t order, int64_t cents) {
  return Run(db, "INSERT INTO orders (id, cents, state) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
             {order, cents});
}

absl::Status SetOrderState(sqlite3* db, uint32_t order, OrderState state) {
  return Run(db, "UPDATE orders SET state = ? WHERE id = ?", {state, order});
}

absl::StatusOr<OrderState> ReadOrderState(sqlite3* db, uint32_t order) {
  int state = -1;
  absl::Status read = Run(db, "SELECT state FROM orders WHERE id = ?", {order},
                          [&](sqlite3_stmt* row) { state = sqlite3_column_int(row, 0); });
  if (!read.ok()) return read;
  if (state < 0) return absl::NotFoundError(absl::StrCat("no order ", order));
  return static_cast<OrderState>(state);
}

absl::StatusOr<std::map<uint32_t, Charges>> ReadPayments(sqlite3* db) {
  std::map<uint32_t, Charges> payments;
  absl::Status read = Run(db, "SELECT order_id, cents FROM payments", {}, [&](sqlite3_stmt* row) {
    Charges& charges = payments[static_cast<uint32_t>(sqlite3_column_int64(row, 0))];
    charges.count += 1;
    charges.cents += sqlite3_column_int64(row, 1);
  });
  if (!read.ok()) return read;
  return payments;
}

absl::StatusOr<std::map<uint32_t, OrderState>> ReadOrders(sqlite3* db) {
  std::map<uint32_t, OrderState> orders;
  absl::Status read = Run(db, "SELECT id, state FROM orders", {}, [&](sqlite3_stmt* row) {
    orders[static_cast<uint32_t>(sqlite3_column_int64(row, 0))] =
        static_cast<OrderState>(sqlite3_column_int(row, 1));
  });
  if (!read.ok()) return read;
  return orders;
}

}  // namespace checkout
