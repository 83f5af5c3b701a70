// SPDX-License-Identifier: Apache-2.0
// See failure.h.
#include "adapters/sqlite/failure.h"

#include <holdfast/status.h>
#include <sqlite3.h>

#include <new>

namespace holdfast::inline v0_5::sqlite {

hf_store_status Failure::Before() const {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return HF_STORE_LOCKED;
    case SQLITE_FULL:
      return HF_STORE_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return HF_STORE_CORRUPT;
    default:
      return HF_STORE_UNAVAILABLE;
  }
}

bool Failure::SyncFailed() const {
  return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

bool Failure::NeedsReopen() const { return (code & 0xff) == SQLITE_IOERR; }

Failure FailureOf(sqlite3* db, int code, std::string_view what) noexcept {
  Failure failure;
  failure.code = code == SQLITE_OK ? SQLITE_ERROR : code;
  try {
    failure.detail = std::string(what) + ": " + sqlite3_errstr(failure.code);
    const bool speaks_of_it = db != nullptr && sqlite3_errcode(db) == (failure.code & 0xff);
    const bool extended = db != nullptr && sqlite3_extended_errcode(db) == failure.code;
    if (!speaks_of_it && !extended) return failure;
    const std::string_view message = sqlite3_errmsg(db);
    if (message == sqlite3_errstr(failure.code)) return failure;
    failure.detail += " (" + std::string(message) + ")";
  } catch (const std::bad_alloc&) {
  }
  return failure;
}

hf_store_status StatusOfOpening(const absl::Status& status) {
  const auto rejection = RejectionOf(status);
  switch (rejection.has_value() ? rejection->reason : HF_R_NONE) {
    case HF_R_STORE_LOCKED:
      return HF_STORE_LOCKED;
    case HF_R_STORE_FULL:
      return HF_STORE_FULL;
    case HF_R_STORE_CORRUPT:
      return HF_STORE_CORRUPT;
    default:
      return HF_STORE_UNAVAILABLE;
  }
}

absl::Status ToStatus(hf_store_status status, std::string_view detail) {
  switch (status) {
    case HF_STORE_OK:
      return absl::OkStatus();
    case HF_STORE_FENCED:
      return MakeStatus(HF_ABORTED, HF_R_IDEM_FENCED, detail);
    case HF_STORE_INDETERMINATE:
      return MakeStatus(HF_UNKNOWN, HF_R_STORE_INDETERMINATE, detail);
    case HF_STORE_OVERLOADED:
      return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_STORE_OVERLOADED, detail);
    case HF_STORE_CORRUPT:
      return MakeStatus(HF_DATA_LOSS, HF_R_STORE_CORRUPT, detail);
    case HF_STORE_FULL:
      return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_STORE_FULL, detail);
    case HF_STORE_LOCKED:
      return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_LOCKED, detail);
    default:
      return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, detail);
  }
}

}  // namespace holdfast::inline v0_5::sqlite
