// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/noun.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "cli/contract/arguments.h"
#include "cli/contract/verbs.h"

namespace holdfast::cli::contract {
namespace {

struct VerbEntry {
  std::string_view name;
  absl::StatusOr<Exit> (*run)(const Arguments&);
};

constexpr VerbEntry kVerbs[] = {
    {"check", Check}, {"diff", Diff}, {"lint", Lint}, {"matrix", Matrix}, {"sunset", Sunset},
};

class Contract final : public Noun {
 public:
  CLI::App* Register(CLI::App& app) override { return AddContract(app, &arguments_); }

  Ending Run() override {
    const auto* const verb =
        std::find_if(std::begin(kVerbs), std::end(kVerbs),
                     [this](const VerbEntry& entry) { return entry.name == arguments_.verb; });
    const absl::StatusOr<Exit> exit = verb->run(arguments_);
    if (exit.ok()) return {*exit, ""};
    const bool misused = exit.status().code() == absl::StatusCode::kInvalidArgument;
    return {misused ? Exit::kMisused : Exit::kBroken, std::string(exit.status().message())};
  }

 private:
  Arguments arguments_;
};

}  // namespace

std::unique_ptr<Noun> ContractNoun() { return std::make_unique<Contract>(); }

}  // namespace holdfast::cli::contract
