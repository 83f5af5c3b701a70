// SPDX-License-Identifier: Apache-2.0
// A record's state in sentences: what happened, what a duplicate gets now, what an operator can do.
#ifndef HOLDFAST_CLI_IDEM_EXPLAIN_RECORD_H_
#define HOLDFAST_CLI_IDEM_EXPLAIN_RECORD_H_

#include <holdfast/operable_store.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli::idem {

std::vector<std::string> ExplainRecord(const StoredRecord& stored, int64_t store_now);

// Whether `request` is the one that the key was first used for.
std::string ExplainRequest(const StoredRecord& stored, std::string_view request);

}  // namespace holdfast::cli::idem

#endif  // HOLDFAST_CLI_IDEM_EXPLAIN_RECORD_H_
