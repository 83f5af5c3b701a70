// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a manifest, and after a NUL as the descriptor set it names: either it is refused with a place, or every
// rule that a manifest has holds of what is read, and the registry finds each version.
#include <holdfast/contract/manifest.h>
#include <holdfast/contract/registry.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using holdfast::contract::Contract;
using holdfast::contract::ContractParts;
using holdfast::contract::ContractRegistry;
using holdfast::contract::ContractVersion;
using holdfast::contract::Manifest;
using holdfast::contract::Problem;

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireSound(const Manifest& manifest) {
  std::set<std::string> names;
  for (const Contract& contract : manifest.contracts) {
    Require(!contract.name.empty() && names.insert(contract.name).second);
    Require(!contract.versions.empty() && contract.versions.size() <= Manifest::kMaxVersions);
    const ContractVersion* before = nullptr;
    for (const ContractVersion& version : contract.versions) {
      Require(before == nullptr || before->number < version.number);
      Require(before == nullptr || before->number.major != version.number.major ||
              before->message == version.message);
      Require(!version.sunset || !version.deprecated_from ||
              *version.sunset >= *version.deprecated_from);
      Require(!version.message.empty() && !version.descriptor_set.empty());
      const std::string path = "/" + version.descriptor_set + "/";
      Require(path.find("//") == path.npos && path.find("/../") == path.npos);
      Require(holdfast::contract::ParseVersionNumber(Text(version.number)) == version.number);
      before = &version;
    }
  }
}

void RequireFound(const ContractRegistry& registry) {
  for (const auto& version : registry.versions()) {
    Require(registry.Find(version.contract->name, version.number()) == &version);
    Require(registry.FindCurrent(version.contract->name)->current);
    Require(version.prototype->GetDescriptor()->full_name() == version.declared->message);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), size);
  const std::string_view text = input.substr(0, end);
  const std::string_view set = input.substr(std::min(size, end + 1));
  std::vector<Problem> problems;
  const Manifest manifest = Manifest::Read(text, {}, &problems);
  for (const Problem& problem : problems) {
    Require(!problem.text.empty() && problem.place.file == "contracts.textproto");
    Require(problem.place.line >= 0 && problem.place.column >= 0);
  }
  Require(Manifest::Parse(text).ok() == problems.empty());
  if (!problems.empty()) return 0;
  RequireSound(manifest);
  std::vector<ContractParts::DescriptorSet> sets;
  for (const Contract& contract : manifest.contracts) {
    for (const ContractVersion& version : contract.versions) {
      sets.push_back({version.descriptor_set, set});
    }
  }
  const auto registry =
      ContractRegistry::Create({.manifest = text, .descriptor_sets = sets}, {}, &problems);
  Require(registry.ok() == problems.empty());
  if (registry.ok()) RequireFound(*registry);
  return 0;
}
