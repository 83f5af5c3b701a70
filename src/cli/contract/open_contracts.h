// SPDX-License-Identifier: Apache-2.0
// The contracts of a folder, with their schemas as they are at hand: a descriptor set that is not there is made of the
// .proto files in the folder of its name, orders-1.0.binpb of orders-1.0/, as holdfast_contracts() of CMake does.
#ifndef HOLDFAST_CLI_CONTRACT_OPEN_CONTRACTS_H_
#define HOLDFAST_CLI_CONTRACT_OPEN_CONTRACTS_H_

#include <absl/status/statusor.h>
#include <holdfast/contract/registry.h>

#include <string>
#include <vector>

#include "cli/contract/schema_source.h"

namespace holdfast::cli::contract {

// Errors and problems: as ContractRegistry::Open; besides what protoc says.
absl::StatusOr<api::ContractRegistry> OpenContracts(const std::string& folder,
                                                    const SourceOptions& sources,
                                                    const api::ContractRegistryOptions& options,
                                                    std::vector<api::Problem>* problems = nullptr);

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_OPEN_CONTRACTS_H_
