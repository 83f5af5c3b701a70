// SPDX-License-Identifier: Apache-2.0
// Manifest: which contracts there are, who owns them, what they promise, and until when each version may be used.
//
// Written in protobuf's text format, message holdfast.v1.Contracts (proto/holdfast/v1/contracts.proto):
//
//   contract {
//     name: "com.acme.order.placed"
//     owner: "orders@acme.com"
//     compatibility: "FULL_TRANSITIVE"
//     version {
//       number: "1.0" message: "acme.orders.v1.OrderPlaced" descriptor_set: "orders-1.0.binpb"
//       deprecated_from: "2026-01-01" sunset: "2026-07-01" migration: "https://acme.com/orders/v2"
//     }
//     version { number: "2.0" message: "acme.orders.v2.OrderPlaced" descriptor_set: "orders-2.0.binpb" }
//   }
#ifndef HOLDFAST_CONTRACT_MANIFEST_H_
#define HOLDFAST_CONTRACT_MANIFEST_H_

#include <absl/status/statusor.h>
#include <holdfast/attribute.h>
#include <holdfast/contract/level.h>
#include <holdfast/contract/schema.h>
#include <holdfast/contract/version_number.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {

struct ContractVersion {
  VersionNumber number;
  std::string message;                      // full name
  std::string descriptor_set;               // a relative path, or a name in memory
  std::optional<WallTime> deprecated_from;  // nullopt: is not, and will not be
  std::optional<WallTime> sunset;           // nullopt: no end is foreseen
  std::string migration;                    // a URI; empty if there is none
  Place place;                              // in the manifest
};

struct Contract {
  std::string name;  // the `type` of its events
  std::string owner;
  Policy policy;
  std::vector<ContractVersion> versions;  // rising, not empty; the last one is current
  Place place;

  const ContractVersion& current() const { return versions.back(); }
};

// Where a version stands at a moment.
enum class Stage { kActive, kDeprecated, kSunset };
std::string_view Name(Stage stage);  // "active", "deprecated", "sunset"
Stage StageAt(const ContractVersion& version, WallTime now);

// Something wrong with a manifest or with what it names.
struct Problem {
  Place place;
  std::string text;  // "contract com.acme.order.placed 1.0: ..."
};
// "contracts.textproto:7:3: contract com.acme.order.placed 1.0: ..."
std::string Text(const Problem& problem);
// kInvalidArgument HF_R_CONTRACT_MANIFEST with the first ten of them, a line each. OK if there are none.
absl::Status StatusOf(std::span<const Problem> problems, hf_reason reason = HF_R_CONTRACT_MANIFEST);

struct ManifestOptions {
  std::string file = "contracts.textproto";  // as problems name it
  // If given, a current version past its sunset is a problem: nothing could be published any more. Leave it away where
  // a service starts: what is fine today must not keep it from starting tomorrow.
  std::optional<WallTime> now{};
};

// A regular value; in the order of the file.
struct Manifest {
  static constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
  static constexpr std::size_t kMaxContracts = 4096;
  static constexpr std::size_t kMaxVersions = 256;  // of each contract
  static constexpr std::size_t kMaxText = 1024;     // bytes of each name, path, owner and URI

  std::vector<Contract> contracts;

  // Errors: kInvalidArgument HF_R_CONTRACT_MANIFEST, naming file, line, column, contract and version: text that is no
  // manifest, a contract or version that comes twice, versions out of order, a message that is renamed within a major
  // number, a sunset before the deprecation, an unknown level, a path that leaves the folder, too much of anything.
  static absl::StatusOr<Manifest> Parse(std::string_view text, const ManifestOptions& options = {});
  // All that is wrong, in the order of the file. What is read in spite of it is worth nothing unless *problems is empty.
  static Manifest Read(std::string_view text, const ManifestOptions& options,
                       std::vector<Problem>* problems);
};

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_MANIFEST_H_
