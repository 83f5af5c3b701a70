// SPDX-License-Identifier: Apache-2.0
// What the command line of `holdfast contract` says, checked for its form.
#ifndef HOLDFAST_CLI_CONTRACT_ARGUMENTS_H_
#define HOLDFAST_CLI_CONTRACT_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/contract/schema_source.h"

namespace holdfast::cli::contract {

// Which encoding of the data counts.
enum class Encoding { kBinary, kJson, kBoth };

struct Arguments {
  std::string verb;
  bool json = false;

  std::vector<std::string>
      schemas;  // from old to new; of lint, matrix and sunset also a folder with a manifest
  SourceOptions source;

  std::string level = "BACKWARD_TRANSITIVE";
  std::string tolerate = "kept";
  Encoding encoding = Encoding::kBinary;
  std::string as;  // the authority that decides; empty: the level

  std::string
      at;  // the moment that deprecations and sunsets are seen from: a date, or a date-time; empty: now
  bool strict = false;
};

// Adds the noun and its verbs to the command line; what is parsed goes into *out, which must outlive that.
CLI::App* AddContract(CLI::App& app, Arguments* out);

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_ARGUMENTS_H_
