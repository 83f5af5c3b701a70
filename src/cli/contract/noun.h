// SPDX-License-Identifier: Apache-2.0
// `holdfast contract`: compares versions of a schema, and looks after a manifest of contracts.
#ifndef HOLDFAST_CLI_CONTRACT_NOUN_H_
#define HOLDFAST_CLI_CONTRACT_NOUN_H_

#include <memory>

#include "cli/noun.h"

namespace holdfast::cli::contract {

std::unique_ptr<Noun> ContractNoun();

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_NOUN_H_
