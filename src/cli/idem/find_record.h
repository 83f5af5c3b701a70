// SPDX-License-Identifier: Apache-2.0
// From what an operator knows of a record (the first digits of its id from a log, or the caller's key) to it.
#ifndef HOLDFAST_CLI_IDEM_FIND_RECORD_H_
#define HOLDFAST_CLI_IDEM_FIND_RECORD_H_

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>

#include <chrono>
#include <cstdint>

#include "cli/idem/arguments.h"

namespace holdfast::cli::idem {

// Of one request to the store.
inline constexpr Duration kPatience = std::chrono::seconds(10);

// The record; a part of an id costs a scan. NOT_FOUND; INVALID_ARGUMENT: not hex, too short, or more than one.
absl::StatusOr<StoredRecord> FindRecord(OperableStore& store, const Arguments& arguments);

// Calls `see` for each record until it returns false. The time is the store's.
absl::Status ForEachRecord(OperableStore& store, const ScanQuery& query,
                           absl::FunctionRef<bool(const StoredRecord&, int64_t store_now)> see);

}  // namespace holdfast::cli::idem

#endif  // HOLDFAST_CLI_IDEM_FIND_RECORD_H_
