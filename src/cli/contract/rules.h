// SPDX-License-Identifier: Apache-2.0
// By what a check judges: a level and what it tolerates, of which encoding, or another authority's rules.
#ifndef HOLDFAST_CLI_CONTRACT_RULES_H_
#define HOLDFAST_CLI_CONTRACT_RULES_H_

#include <absl/status/statusor.h>
#include <holdfast/contract/level.h>
#include <holdfast/contract/verdict.h>

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "cli/contract/arguments.h"
#include "cli/contract/schema_source.h"

namespace holdfast::cli::contract {

struct Rules {
  api::Policy policy;
  Encoding encoding = Encoding::kBinary;
  std::optional<api::Authority> authority;
};

// Errors: kInvalidArgument, naming the words there are.
absl::StatusOr<Rules> RulesOf(const Arguments& arguments);

bool IsBackward(api::Level level);
bool IsForward(api::Level level);
// The index of the first of `count` older versions that counts: of the transitive levels all do, else the last one.
std::size_t FirstOf(api::Level level, std::size_t count);
std::string_view Name(Encoding encoding);  // "binary", "json", "both"

// All schemas of the command line. Errors: kInvalidArgument: standard input is named twice; else as SchemaSource::Read.
absl::StatusOr<std::vector<SchemaSource>> ReadSources(const Arguments& arguments);

// What of the last source breaks the rules against those before it.
std::vector<api::Break> BreaksOf(const Rules& rules, const std::vector<SchemaSource>& sources);

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_RULES_H_
