// SPDX-License-Identifier: Apache-2.0
// `holdfast contract matrix`: for each version that writes and each that reads, the worst that happens to a value.
#include <fmt/core.h>
#include <holdfast/contract/compare.h>
#include <holdfast/contract/registry.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/contract/manifest_file.h"
#include "cli/contract/open_contracts.h"
#include "cli/contract/rules.h"
#include "cli/contract/table.h"
#include "cli/contract/verbs.h"
#include "cli/printable.h"

namespace holdfast::cli::contract {
namespace {

struct Row {
  std::string name;
  std::string message;  // of a contract: versions of different messages are no matter of reading
  api::Schema schema;
};

using Cell = std::optional<api::Outcome>;  // std::nullopt: only a conversion leads there

struct Grid {
  std::string contract;  // empty if the versions are no contract's
  std::vector<Row> rows;
  std::vector<std::vector<Cell>> cells;  // [writer][reader]
};

api::Outcome Worst(const api::Change& change, Encoding encoding, bool new_reads_old) {
  const auto of = [new_reads_old](const api::Effect& effect) {
    return new_reads_old ? effect.new_reads_old : effect.old_reads_new;
  };
  if (encoding == Encoding::kBinary) return of(change.binary);
  if (encoding == Encoding::kJson) return of(change.json);
  return std::max(of(change.binary), of(change.json));
}

void Fill(Grid* grid, Encoding encoding) {
  const std::size_t count = grid->rows.size();
  grid->cells.assign(count, std::vector<Cell>(count, api::Outcome::kKept));
  for (std::size_t older = 0; older < count; ++older) {
    for (std::size_t newer = older + 1; newer < count; ++newer) {
      Cell& forward = grid->cells[newer][older];
      Cell& backward = grid->cells[older][newer];
      if (grid->rows[older].message != grid->rows[newer].message) {
        forward = backward = std::nullopt;
        continue;
      }
      for (const api::Change& change :
           api::Compare(grid->rows[older].schema, grid->rows[newer].schema)) {
        backward = std::max(*backward, Worst(change, encoding, true));
        forward = std::max(*forward, Worst(change, encoding, false));
      }
    }
  }
}

absl::StatusOr<std::vector<Grid>> GridsOf(const Arguments& arguments) {
  std::vector<Grid> grids;
  const std::optional<std::string> folder = FolderOfManifest(arguments.schemas.front());
  if (folder.has_value() && arguments.schemas.size() == 1) {
    const absl::StatusOr<api::ContractRegistry> registry =
        OpenContracts(*folder, arguments.source, {.only_warn = true});
    if (!registry.ok()) {
      return absl::DataLossError(PrintableLines(std::string(registry.status().message())));
    }
    for (const api::Contract& contract : registry->contracts()) {
      Grid& grid = grids.emplace_back();
      grid.contract = contract.name;
      for (const api::RegisteredVersion& version : registry->Find(contract.name)) {
        grid.rows.push_back({Text(version.number()), version.declared->message, version.schema});
      }
    }
    return grids;
  }
  if (arguments.schemas.size() == 1) {
    return absl::InvalidArgumentError(
        "one word is a folder with a contracts.textproto; of schemas it takes two and more");
  }
  const absl::StatusOr<std::vector<SchemaSource>> sources = ReadSources(arguments);
  if (!sources.ok()) return sources.status();
  Grid& grid = grids.emplace_back();
  for (const SchemaSource& source : *sources) {
    grid.rows.push_back({source.name(), "", source.schema()});
  }
  return grids;
}

std::string TextOf(const Cell& cell) { return cell.has_value() ? std::string(Name(*cell)) : "-"; }

void PrintGrid(const Grid& grid) {
  if (!grid.contract.empty()) fmt::print("{}\n", Printable(grid.contract));
  std::vector<std::string> head = {"writes / reads"};
  for (const Row& row : grid.rows) head.push_back(row.name);
  Table table(std::move(head));
  for (std::size_t writer = 0; writer < grid.rows.size(); ++writer) {
    std::vector<std::string> cells = {grid.rows[writer].name};
    for (const Cell& cell : grid.cells[writer]) cells.push_back(TextOf(cell));
    table.Add(std::move(cells));
  }
  table.Print();
}

nlohmann::json JsonOf(const Grid& grid, Encoding encoding) {
  nlohmann::json json = {
      {"contract", grid.contract.empty() ? nlohmann::json() : nlohmann::json(grid.contract)},
      {"encoding", Name(encoding)},
      {"versions", nlohmann::json::array()},
      {"outcomes", nlohmann::json::array()}};
  for (const Row& row : grid.rows) json["versions"].push_back(row.name);
  for (const std::vector<Cell>& row : grid.cells) {
    nlohmann::json outcomes = nlohmann::json::array();
    for (const Cell& cell : row) {
      outcomes.push_back(cell.has_value() ? nlohmann::json(Name(*cell)) : nlohmann::json());
    }
    json["outcomes"].push_back(std::move(outcomes));
  }
  return json;
}

}  // namespace

absl::StatusOr<Exit> Matrix(const Arguments& arguments) {
  absl::StatusOr<std::vector<Grid>> grids = GridsOf(arguments);
  if (!grids.ok()) return grids.status();
  bool first = true;
  for (Grid& grid : *grids) {
    Fill(&grid, arguments.encoding);
    if (arguments.json) {
      fmt::print("{}\n", Line(JsonOf(grid, arguments.encoding)));
    } else {
      if (!std::exchange(first, false)) fmt::print("\n");
      PrintGrid(grid);
    }
  }
  return Exit::kDone;
}

}  // namespace holdfast::cli::contract
