// SPDX-License-Identifier: Apache-2.0
// Failure: what an SQLite result code means for a request, in the words of a store.
//
//   SQLite                     before COMMIT      of COMMIT
//   BUSY LOCKED                LOCKED             LOCKED          rolled back
//   FULL                       FULL               FULL if reading back proves it, else INDETERMINATE
//   IOERR of a sync            UNAVAILABLE        INDETERMINATE   the file is reopened
//   IOERR, others              UNAVAILABLE        as FULL         the file is reopened
//   CORRUPT NOTADB             CORRUPT            as FULL
//   all others                 UNAVAILABLE        as FULL
#ifndef HOLDFAST_ADAPTERS_SQLITE_FAILURE_H_
#define HOLDFAST_ADAPTERS_SQLITE_FAILURE_H_

#include <absl/status/status.h>
#include <holdfast/c/record.h>

#include <string>
#include <string_view>

struct sqlite3;

namespace holdfast::inline v0_5::sqlite {

struct Failure {
  int code = 0;  // SQLite's extended result code; 0: none
  std::string detail;

  bool failed() const { return code != 0; }
  // Nothing of the request was committed: which status says so.
  hf_store_status Before() const;
  // The sync itself failed: what the file holds is not known by asking the same handle.
  bool SyncFailed() const;
  // The handle is not to be trusted any more.
  bool NeedsReopen() const;
};

// The connection's last error, as "what: SQLite's message"; `db` may be null. Never a key or a body. Without
// memory for the words it is the code alone.
Failure FailureOf(sqlite3* db, int code, std::string_view what) noexcept;

// The store's status as the status that C++ callers get.
absl::Status ToStatus(hf_store_status status, std::string_view detail);

// The way back, for a file that could not be opened: whatever kept it closed, nothing happened.
hf_store_status StatusOfOpening(const absl::Status& status);

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_FAILURE_H_
