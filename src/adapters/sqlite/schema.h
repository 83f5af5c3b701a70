// SPDX-License-Identifier: Apache-2.0
// Schema: holdfast's tables in an SQLite file, by version.
//
//   1   records, token floor (holdfast 0.1 to 0.3)
//   2   + format, reconcile and label of a record, audit rows
//
// Migration adds columns and tables and rewrites no row: `format` says by which version's rule a row's sum
// was made, and the default of the new column, 1, is true of all rows that are there. A row changes its format
// when it is written next. So it takes no longer for a large file, and a row that was damaged stays so.
//
// Mixed versions on one file: an older holdfast refuses to open a newer file. One that has the file open
// while it is migrated by another process goes on with rows of its own format, calls all others CORRUPT since
// their sums are not its own, and never writes to them.
#ifndef HOLDFAST_ADAPTERS_SQLITE_SCHEMA_H_
#define HOLDFAST_ADAPTERS_SQLITE_SCHEMA_H_

#include <absl/status/status.h>

#include <cstdint>

namespace holdfast::inline v0_5::sqlite {

inline constexpr int32_t kApplicationId = 0x68667374;  // "hfst"
inline constexpr int32_t kSchemaVersion = 2;
inline constexpr int32_t kOldestSchema = 1;

// Of an empty file; a transaction of its own.
extern const char kCreateSchema[];

// From version 1 to 2; runs inside a transaction.
extern const char kMigrateFrom1[];

// OK for a file that this holdfast can read, or bring to its own version.
absl::Status CheckOwnerNumbers(int64_t application_id, int64_t version);

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_SCHEMA_H_
