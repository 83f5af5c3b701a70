// SPDX-License-Identifier: Apache-2.0
// `holdfast contract lint`: errors are what a registry would not start with; warnings are what will cost somebody a
// morning later.
#include <absl/strings/str_cat.h>
#include <fmt/core.h>
#include <holdfast/contract/registry.h>

#include <string>
#include <utility>
#include <vector>

#include "cli/contract/manifest_file.h"
#include "cli/contract/open_contracts.h"
#include "cli/contract/verbs.h"
#include "cli/printable.h"

namespace holdfast::cli::contract {
namespace {

using Problems = std::vector<api::Problem>;

void WarnOf(const api::Contract& contract, const api::ContractVersion& version, WallTime now,
            Problems* warnings) {
  const auto warn = [&](const std::string& text) {
    warnings->push_back({version.place, absl::StrCat("contract ", contract.name, " ",
                                                     Text(version.number), ": ", text)});
  };
  const bool ends = version.deprecated_from.has_value() || version.sunset.has_value();
  if (ends && version.migration.empty()) {
    warn("it ends, and no migration link says how to move away from it");
  }
  if (version.sunset.has_value() && !version.deprecated_from.has_value()) {
    warn("it has a sunset, but is never deprecated: nobody is told before it is refused");
  }
  if (&version != &contract.current() && StageAt(version, now) == api::Stage::kSunset) {
    warn(absl::StrCat("its sunset was on ", DateText(*version.sunset),
                      ": it may go, once nobody stores or replays such events"));
  }
  if (&version == &contract.current() && StageAt(version, now) == api::Stage::kDeprecated) {
    warn("the current version is deprecated, and nothing follows it");
  }
}

// A gap in the numbers: a version that was published once, and is not declared, is one that nobody checks against.
void WarnOfGaps(const api::Contract& contract, Problems* warnings) {
  const api::VersionNumber* last = nullptr;
  for (const api::ContractVersion& version : contract.versions) {
    const api::VersionNumber& number = version.number;
    const bool next_minor = last != nullptr && number.major == last->major;
    const std::uint32_t expected = next_minor ? last->minor + 1 : 0;
    if (number.minor != expected) {
      warnings->push_back(
          {version.place, absl::StrCat("contract ", contract.name, " ", Text(number), ": ",
                                       number.major, ".", expected, " is not declared")});
    }
    last = &number;
  }
}

Problems WarningsOf(const std::vector<api::Contract>& contracts, WallTime now) {
  Problems warnings;
  if (contracts.empty()) warnings.push_back({{kManifest, 0, 0}, "declares no contract"});
  for (const api::Contract& contract : contracts) {
    const auto warn = [&](const std::string& text) {
      warnings.push_back({contract.place, absl::StrCat("contract ", contract.name, ": ", text)});
    };
    if (contract.owner.empty()) warn("nobody owns it");
    if (contract.policy.level == api::Level::kNone) warn("its level is NONE: nothing is checked");
    WarnOfGaps(contract, &warnings);
    for (const api::ContractVersion& version : contract.versions) {
      WarnOf(contract, version, now, &warnings);
    }
  }
  return warnings;
}

void Print(std::string_view severity, const api::Problem& problem) {
  const std::string place = Printable(Text(problem.place));
  fmt::print("{}{}{}: {}\n", place, place.empty() ? "" : ": ", severity,
             PrintableText(problem.text));
}

nlohmann::json JsonOf(std::string_view severity, const api::Problem& problem) {
  return {{"severity", severity},
          {"file", problem.place.file},
          {"line", problem.place.line},
          {"column", problem.place.column},
          {"text", problem.text}};
}

}  // namespace

absl::StatusOr<Exit> Lint(const Arguments& arguments) {
  const absl::StatusOr<WallTime> now = MomentOf("--at", arguments.at);
  if (!now.ok()) return now.status();
  const absl::StatusOr<std::string> folder = NeedFolderOfManifest(arguments.schemas.front());
  if (!folder.ok()) return folder.status();

  Problems errors, warnings;
  std::size_t contracts = 0, versions = 0;
  const absl::StatusOr<api::ContractRegistry> registry =
      OpenContracts(*folder, arguments.source, {.now = *now}, &errors);
  if (registry.ok()) {
    warnings = WarningsOf(registry->contracts(), *now);
    contracts = registry->contracts().size();
    versions = registry->versions().size();
  } else if (errors.empty()) {
    return absl::DataLossError(PrintableLines(std::string(registry.status().message())));
  }
  if (arguments.json) {
    nlohmann::json json = {{"contracts", contracts},
                           {"versions", versions},
                           {"errors", errors.size()},
                           {"warnings", warnings.size()},
                           {"problems", nlohmann::json::array()}};
    for (const api::Problem& problem : errors) json["problems"].push_back(JsonOf("error", problem));
    for (const api::Problem& problem : warnings) {
      json["problems"].push_back(JsonOf("warning", problem));
    }
    fmt::print("{}\n", Line(json));
  } else {
    for (const api::Problem& problem : errors) Print("error", problem);
    for (const api::Problem& problem : warnings) Print("warning", problem);
    fmt::print("{} errors, {} warnings\n", errors.size(), warnings.size());
  }
  const bool fails = !errors.empty() || (arguments.strict && !warnings.empty());
  return fails ? Exit::kRefused : Exit::kDone;
}

}  // namespace holdfast::cli::contract
