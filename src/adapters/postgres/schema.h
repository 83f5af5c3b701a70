// SPDX-License-Identifier: Apache-2.0
// The schema and its versions.
//
//   found S, library V            what happens
//   none, or S < V                migrated to V step by step, each in a transaction of its own, under an
//                                 advisory lock; refused with no_migrate
//   S = V                         used
//   S > V, compatible <= V        used: a newer holdfast added things that this one need not know
//   S > V, compatible > V         refused
//
// So a rolling upgrade is: migrate, then replace processes one by one; old ones go on meanwhile.
#ifndef HOLDFAST_ADAPTERS_POSTGRES_SCHEMA_H_
#define HOLDFAST_ADAPTERS_POSTGRES_SCHEMA_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "adapters/postgres/session.h"

namespace holdfast::inline v0_5::postgres {

inline constexpr uint32_t kSchemaVersion = 2;

// The version found; 0: none.
absl::StatusOr<uint32_t> SchemaVersion(Session& session, const std::string& schema);

// Brings the schema to kSchemaVersion, or says why not. Gives the version that is there afterwards.
absl::StatusOr<uint32_t> PrepareSchema(Session& session, const std::string& schema, bool migrate);

}  // namespace holdfast::inline v0_5::postgres

#endif  // HOLDFAST_ADAPTERS_POSTGRES_SCHEMA_H_
