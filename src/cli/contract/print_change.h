// SPDX-License-Identifier: Apache-2.0
// Changes and where they are, for people and as JSON. Text begins with `file:line:column: `, as compilers' does, so that an
// editor or a CI finds the place.
#ifndef HOLDFAST_CLI_CONTRACT_PRINT_CHANGE_H_
#define HOLDFAST_CLI_CONTRACT_PRINT_CHANGE_H_

#include <holdfast/contract/change.h>
#include <holdfast/contract/verdict.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/contract/schema_source.h"

namespace holdfast::cli::contract {

// The two that were compared.
struct Pair {
  const SchemaSource& older;
  const SchemaSource& newer;
};

// A place in one of the two.
struct Where {
  const SchemaSource* source;
  std::string path;  // as the user knows it
  int line = 0, column = 0;
};
Where WhereOf(const api::Change& change, const Pair& pair);
Where WhereOf(const api::Violation& violation, const Pair& pair);

// "proto/order.proto:12:3", as much of it as is known.
std::string TextOf(const Where& where);
// "type changed: acme.Order.total: int64 -> sint64"
std::string TextOf(const api::Change& change);
// "new reads old: corrupt, old reads new: kept; as JSON: kept, kept"
std::string EffectsOf(const api::Change& change);

// schema, the name of the one that has it, file, line, column: the last two are 0 if they are not known.
void AddWhere(const Where& where, nlohmann::json* json);
nlohmann::json JsonOf(const api::Change& change, const Pair& pair);

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_PRINT_CHANGE_H_
