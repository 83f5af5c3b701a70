// SPDX-License-Identifier: Apache-2.0
// Row: one record as the columns of a statement, with a check sum over all of it.
//
// The sum covers every column but the body, of which it covers the body's own sum, so that a row can be checked
// without its body. A row says in `format` by which schema version's rule its sums were made:
//   1   the first half of SHA-256, up to completed_at and body_sum; reconcile and label are their defaults
//   2   SipHash-2-4-128 under a fixed key, reconcile and label as well. The only one that is written
// Any other format is damage. The sums find what a disk does, not what somebody does who can write to the file;
// against that the whole file would have to be sealed.
#ifndef HOLDFAST_ADAPTERS_SQLITE_RECORD_ROW_H_
#define HOLDFAST_ADAPTERS_SQLITE_RECORD_ROW_H_

#include <holdfast/c/record.h>

#include <array>
#include <cstddef>
#include <cstdint>

struct sqlite3_stmt;

namespace holdfast::inline v0_5::sqlite {

// A SELECT names the columns in this order, from its column 0 on; so does the INSERT, from its parameter 1 on.
#define HOLDFAST_ROW_VALUES                                                     \
  "state,on_expiry,fingerprint,nonce,token,attempt,truncated,code,lease_until," \
  "not_before,expires_at,completed_at,body_sum,sum,format,reconcile,label"
#define HOLDFAST_ROW_COLUMNS "kid," HOLDFAST_ROW_VALUES
inline constexpr int kBodyColumn = 18;  // behind them, where it is asked for
inline constexpr int kKidSize = 32;

using Sum = std::array<uint8_t, 16>;

struct Row {
  bool sound = false;  // shape and sum are right; the body is not looked at
  bool has_kid = false;
  uint8_t format = 0;
  uint8_t kid[kKidSize] = {};
  hf_record record{};  // no body; the label lives until the statement is stepped or reset
  Sum body_sum{};
  Sum sum{};
};

Row RowOf(sqlite3_stmt* statement);

struct RowSums {
  Sum body{};
  Sum row{};
};

// Binds the whole row, body included, and its sums. All arguments must live until the statement ran.
void BindRow(sqlite3_stmt* statement, const uint8_t* kid, const hf_record& record, RowSums* sums);

// Is this the body that the row tells of?
bool HasBody(const Row& row, const hf_str& body);

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_RECORD_ROW_H_
