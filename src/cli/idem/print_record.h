// SPDX-License-Identifier: Apache-2.0
// A record in words, for people and as JSON. Everything a record says of itself was written by whoever wrote
// the record: it is escaped before it meets a terminal.
#ifndef HOLDFAST_CLI_IDEM_PRINT_RECORD_H_
#define HOLDFAST_CLI_IDEM_PRINT_RECORD_H_

#include <holdfast/operable_store.h>
#include <holdfast/record_label.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cli/printable.h"

namespace holdfast::cli::idem {

std::string HexOf(const KeyId& id);

// in_progress, completed, retryable, in_doubt; lapsed: in progress, and its lease is over.
std::string_view StateName(const hf_record& record, int64_t store_now);

std::string_view PolicyName(hf_on_expiry policy);

// When this was last taken, settled or put off: the best there is for its age.
int64_t LastChange(const hf_record& record);

// 2026-11-26T10:00:00.123Z; "-" for 0.
std::string TimeText(int64_t since_epoch);
// "3m12s"; negative ones with a minus.
std::string DurationText(int64_t nanoseconds);

// Empty parts if the label cannot be read.
RecordLabel LabelOf(const StoredRecord& record);

nlohmann::json JsonOf(const StoredRecord& record, int64_t store_now, bool body);
nlohmann::json JsonOf(const AuditRow& row);

}  // namespace holdfast::cli::idem

#endif  // HOLDFAST_CLI_IDEM_PRINT_RECORD_H_
