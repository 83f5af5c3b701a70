// SPDX-License-Identifier: Apache-2.0
// Desk: what operators ask of one server. A cluster asks each of its primaries.
#ifndef HOLDFAST_ADAPTERS_REDIS_DESK_H_
#define HOLDFAST_ADAPTERS_REDIS_DESK_H_

#include <absl/status/statusor.h>
#include <holdfast/operable_store.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/redis/connection.h"
#include "adapters/redis/core.h"

namespace holdfast::inline v0_5::redis {

// Errors of all: those of AskAll; UNAVAILABLE for an error reply.
//
// A page. Its cursor is SCAN's, and the keys that SCAN gave beyond the limit, which it would not give again.
absl::StatusOr<ScanPage> ScanServer(const Core& core, Connection& connection,
                                    const ScanQuery& query, SteadyTime until);

absl::StatusOr<StoredRecord> FindRecord(const Core& core, Connection& connection,
                                        const KeyId& key_id, SteadyTime until);

// The newest rows of one key, newest first.
absl::StatusOr<std::vector<AuditRow>> AuditOfKey(const Core& core, Connection& connection,
                                                 const KeyId& key_id, uint32_t limit,
                                                 SteadyTime until);
// Likewise of all keys of the server.
absl::StatusOr<std::vector<AuditRow>> AuditOfServer(const Core& core, Connection& connection,
                                                    uint32_t limit, SteadyTime until);

// Newest first; of one key the later change has the higher token.
void KeepNewest(std::vector<AuditRow>* rows, uint32_t limit);

// Keys and bytes are the server's, whoever wrote them.
absl::StatusOr<StoreInfo> InfoOfServer(Connection& connection, SteadyTime until);

// INVALID_ARGUMENT naming the field: 1..256 bytes of printable UTF-8.
absl::Status CheckNote(const AuditNote& note);

// "hf:" + kind + "{64 hex digits}" back to its key id.
std::optional<KeyId> KeyIdOf(std::string_view key, std::string_view prefix, std::string_view kind);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_DESK_H_
