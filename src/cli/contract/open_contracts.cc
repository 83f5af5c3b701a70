// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/open_contracts.h"

#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "cli/contract/manifest_file.h"
#include "cli/contract/proto_tree.h"
#include "cli/contract/temp_folder.h"
#include "cli/read_bytes.h"

namespace holdfast::cli::contract {
namespace {

namespace fs = std::filesystem;

// The folder that a set is made of; nullopt if the set itself is there, or no such folder is.
std::optional<fs::path> ProtosOf(const fs::path& set) {
  std::error_code ignored;
  fs::path protos = set;
  protos.replace_extension();
  const bool made =
      !fs::exists(set, ignored) && set.has_extension() && fs::is_directory(protos, ignored);
  return made ? std::optional(protos) : std::nullopt;
}

absl::StatusOr<std::string> Compile(const fs::path& protos, const SourceOptions& sources) {
  const absl::StatusOr<TempFolder> scratch = TempFolder::Create();
  if (!scratch.ok()) return scratch.status();
  const absl::StatusOr<ProtoTree> tree = TreeAt(protos.string(), sources.imports);
  if (!tree.ok()) return tree.status();
  return CompileTree(*tree, sources.protoc, *scratch);
}

}  // namespace

absl::StatusOr<api::ContractRegistry> OpenContracts(const std::string& folder,
                                                    const SourceOptions& sources,
                                                    const api::ContractRegistryOptions& options,
                                                    std::vector<api::Problem>* problems) {
  const fs::path root(folder);
  const std::string name = (root / kManifest).string();
  const absl::StatusOr<std::string> text = ReadBytes(name, api::Manifest::kMaxBytes);
  if (!text.ok()) return text.status();
  // What is wrong with the manifest is told below, by who opens it; only the names of its sets are wanted here.
  std::vector<api::Problem> faults;
  const api::Manifest manifest = api::Manifest::Read(*text, {.file = name}, &faults);
  std::map<std::string, std::string> sets;
  bool made = false;
  for (const api::Contract& contract : manifest.contracts) {
    for (const api::ContractVersion& version : contract.versions) {
      const auto [set, fresh] = sets.try_emplace(version.descriptor_set);
      if (!fresh || !faults.empty()) continue;
      const fs::path path = root / version.descriptor_set;
      const std::optional<fs::path> protos = ProtosOf(path);
      absl::StatusOr<std::string> bytes =
          protos ? Compile(*protos, sources) : ReadBytes(path.string(), api::Schema::kMaxBytes);
      if (!bytes.ok() && protos) return bytes.status();
      if (!bytes.ok()) return api::ContractRegistry::Open(folder, options, problems);
      set->second = *std::move(bytes);
      made = made || protos;
    }
  }
  if (!made) return api::ContractRegistry::Open(folder, options, problems);
  std::vector<api::ContractParts::DescriptorSet> parts;
  for (const auto& [set, bytes] : sets) parts.push_back({set, bytes});
  return api::ContractRegistry::Create(
      {.manifest = *text, .manifest_name = name, .descriptor_sets = parts}, options, problems);
}

}  // namespace holdfast::cli::contract
