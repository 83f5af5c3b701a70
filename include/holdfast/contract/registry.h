// SPDX-License-Identifier: Apache-2.0
// ContractRegistry: the contracts that this process knows, with the schema of each version.
//
// From a folder with contracts.textproto and the descriptor sets it names, or out of the binary (the CMake function
// holdfast_contracts writes the parts):
//
//   auto contracts = holdfast::contract::ContractRegistry::Open("/etc/acme/contracts");
//   auto embedded = holdfast::contract::ContractRegistry::Create(orders_contracts());
//
// What the manifest declares is checked here: each version's message is in its set, and the versions of one major number
// keep the compatibility level among each other (level.h).
#ifndef HOLDFAST_CONTRACT_REGISTRY_H_
#define HOLDFAST_CONTRACT_REGISTRY_H_

#include <absl/status/statusor.h>
#include <google/protobuf/message.h>
#include <holdfast/contract/manifest.h>
#include <holdfast/contract/schema.h>
#include <holdfast/contract/version_number.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {

// A registered version. Lives as long as a handle of its registry; immutable.
struct RegisteredVersion {
  const Contract* contract = nullptr;
  const ContractVersion* declared = nullptr;  // what the manifest says of it
  Schema schema;
  const google::protobuf::Message* prototype = nullptr;  // New() makes an empty payload
  std::size_t index = 0;                                 // below registry.versions().size()
  bool current = false;

  const VersionNumber& number() const { return declared->number; }
  // "com.acme.order.placed 1.0"
  std::string text() const { return contract->name + " " + Text(declared->number); }
};

// What a registry is made of, borrowed.
struct ContractParts {
  struct DescriptorSet {
    std::string_view name;  // as the manifest has it
    std::string_view bytes;
  };
  std::string_view manifest;
  std::string_view manifest_name = "contracts.textproto";  // as errors name it
  std::span<const DescriptorSet> descriptor_sets;
};

struct ContractRegistryOptions {
  // Broken promises are listed in warnings(), and no errors.
  bool only_warn = false;
  // As in ManifestOptions.
  std::optional<WallTime> now{};
};

// A cheap handle of something immutable. Thread-safe; look-ups take no lock and allocate nothing.
class ContractRegistry {
 public:
  using Options = ContractRegistryOptions;

  // An empty registry: it knows no contract.
  ContractRegistry();

  // Errors: kInvalidArgument HF_R_CONTRACT_MANIFEST as Manifest::Parse, and: a set that is missing or no good, a message
  // that is not in it. HF_R_CONTRACT_BROKEN: a promise is not kept, naming contract, versions, element and place.
  // `problems` (nullable) gets all of them.
  static absl::StatusOr<ContractRegistry> Create(const ContractParts& parts,
                                                 const Options& options = {},
                                                 std::vector<Problem>* problems = nullptr);
  // Reads contracts.textproto and the sets it names. Errors: likewise; kUnavailable: a file that cannot be read.
  static absl::StatusOr<ContractRegistry> Open(const std::string& folder,
                                               const Options& options = {},
                                               std::vector<Problem>* problems = nullptr);

  // In the order of the manifest.
  const std::vector<Contract>& contracts() const;
  // All versions: those of a contract one after the other, rising.
  const std::vector<RegisteredVersion>& versions() const;
  // Broken promises, if only_warn.
  const std::vector<Problem>& warnings() const;

  // The versions of the contract of this name, rising; empty if there is none. Cost: a binary search.
  std::span<const RegisteredVersion> Find(std::string_view name) const;
  // nullptr if there is none.
  const RegisteredVersion* Find(std::string_view name, VersionNumber number) const;
  const RegisteredVersion* FindCurrent(std::string_view name) const;

 private:
  struct Impl;
  explicit ContractRegistry(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;  // never null
};

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_REGISTRY_H_
