// SPDX-License-Identifier: Apache-2.0
// `holdfast contract sunset`: which versions are on their way out, whom to ask, and where to go.
#include <absl/strings/str_cat.h>
#include <fmt/core.h>
#include <holdfast/contract/manifest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/contract/manifest_file.h"
#include "cli/contract/table.h"
#include "cli/contract/verbs.h"
#include "cli/printable.h"
#include "cli/read_bytes.h"

namespace holdfast::cli::contract {
namespace {

struct Ending {
  const api::Contract* contract;
  const api::ContractVersion* version;
  api::Stage stage;
};

absl::StatusOr<api::Manifest> ReadManifest(const std::string& word) {
  const absl::StatusOr<std::string> folder = NeedFolderOfManifest(word);
  if (!folder.ok()) return folder.status();
  const std::string path = *folder + "/" + kManifest;
  const absl::StatusOr<std::string> text = ReadBytes(path, api::Manifest::kMaxBytes);
  if (!text.ok()) return text.status();
  absl::StatusOr<api::Manifest> manifest = api::Manifest::Parse(*text, {.file = path});
  if (!manifest.ok()) {
    return absl::DataLossError(PrintableLines(std::string(manifest.status().message())));
  }
  return manifest;
}

std::vector<Ending> EndingsOf(const api::Manifest& manifest, WallTime before) {
  std::vector<Ending> endings;
  for (const api::Contract& contract : manifest.contracts) {
    for (const api::ContractVersion& version : contract.versions) {
      const api::Stage stage = StageAt(version, before);
      if (stage != api::Stage::kActive) endings.push_back({&contract, &version, stage});
    }
  }
  return endings;
}

std::string DateOf(const std::optional<WallTime>& moment) {
  return moment.has_value() ? DateText(*moment) : "-";
}

void PrintTable(const std::vector<Ending>& endings) {
  Table table({"contract", "version", "stage", "deprecated", "sunset", "owner", "migration"});
  for (const auto& [contract, version, stage] : endings) {
    table.Add({contract->name, Text(version->number), std::string(Name(stage)),
               DateOf(version->deprecated_from), DateOf(version->sunset), contract->owner,
               version->migration});
  }
  table.Print();
}

nlohmann::json JsonOf(const Ending& ending) {
  const auto date = [](const std::optional<WallTime>& moment) {
    return moment.has_value() ? nlohmann::json(DateText(*moment)) : nullptr;
  };
  return {{"contract", ending.contract->name},
          {"version", Text(ending.version->number)},
          {"stage", Name(ending.stage)},
          {"deprecated_from", date(ending.version->deprecated_from)},
          {"sunset", date(ending.version->sunset)},
          {"owner", ending.contract->owner},
          {"migration", ending.version->migration},
          {"file", ending.version->place.file},
          {"line", ending.version->place.line}};
}

}  // namespace

absl::StatusOr<Exit> Sunset(const Arguments& arguments) {
  const absl::StatusOr<WallTime> before = MomentOf("--before", arguments.at);
  if (!before.ok()) return before.status();
  const absl::StatusOr<api::Manifest> manifest = ReadManifest(arguments.schemas.front());
  if (!manifest.ok()) return manifest.status();

  const std::vector<Ending> endings = EndingsOf(*manifest, *before);
  const bool past_due = std::any_of(endings.begin(), endings.end(), [](const Ending& ending) {
    return ending.stage == api::Stage::kSunset;
  });
  if (arguments.json) {
    nlohmann::json json = {{"before", DateText(*before)},
                           {"past_due", past_due},
                           {"versions", nlohmann::json::array()}};
    for (const Ending& ending : endings) json["versions"].push_back(JsonOf(ending));
    fmt::print("{}\n", Line(json));
  } else if (endings.empty()) {
    fmt::print("nothing is deprecated by {}\n", DateText(*before));
  } else {
    PrintTable(endings);
  }
  return past_due ? Exit::kRefused : Exit::kDone;
}

}  // namespace holdfast::cli::contract
