// SPDX-License-Identifier: Apache-2.0
// The books: what the two services write down, in SQLite.
//
//   payments  the ledger, the truth. One row per charge, and no unique constraint on purpose: if a
//             customer is charged twice, it must show.
//   orders    one row per order: pending, confirmed or failed.
//
// Functions take a plain sqlite3*, so that they work on a connection of one's own and inside a
// transaction of holdfast's store alike.
#ifndef HOLDFAST_EXAMPLES_CHECKOUT_BOOKS_H_
#define HOLDFAST_EXAMPLES_CHECKOUT_BOOKS_H_

#include <absl/status/statusor.h>
#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "checkout.pb.h"

namespace checkout {

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

// Opens a file as a careful team would: WAL, and on disk before a commit returns.
absl::StatusOr<Database> OpenDatabase(const std::string& file);

absl::Status CreatePayments(sqlite3* db);
// The number of the new row: with nothing ever deleted, the number of charges so far.
absl::StatusOr<int64_t> AddPayment(sqlite3* db, uint32_t order, int64_t cents, uint32_t arrival);
absl::StatusOr<int64_t> CountPayments(sqlite3* db);

absl::Status CreateOrders(sqlite3* db);
// Does nothing if the order is known.
absl::Status AddOrder(sqlite3* db, uint32_t order, int64_t cents);
absl::Status SetOrderState(sqlite3* db, uint32_t order, OrderState state);
// NOT_FOUND if the order is not known.
absl::StatusOr<OrderState> ReadOrderState(sqlite3* db, uint32_t order);

struct Charges {
  uint32_t count = 0;
  int64_t cents = 0;
};
absl::StatusOr<std::map<uint32_t, Charges>> ReadPayments(sqlite3* db);
absl::StatusOr<std::map<uint32_t, OrderState>> ReadOrders(sqlite3* db);

}  // namespace checkout

#endif  // HOLDFAST_EXAMPLES_CHECKOUT_BOOKS_H_
