// SPDX-License-Identifier: Apache-2.0
#include "cli/idem/noun.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "cli/idem/arguments.h"
#include "cli/idem/open_store.h"
#include "cli/idem/verbs.h"

namespace holdfast::cli::idem {
namespace {

struct VerbEntry {
  std::string_view name;
  absl::Status (*run)(OperableStore&, const Arguments&);
};

constexpr VerbEntry kVerbs[] = {
    {"list", List},       {"show", Show},   {"explain", Explain}, {"release", Release},
    {"resolve", Resolve}, {"purge", Purge}, {"export", Export},   {"verify", Verify},
};

absl::Status Migrate(const Arguments& arguments) {
  const absl::StatusOr<std::string> done = MigrateStore(arguments.url, arguments.password_file);
  if (!done.ok()) return done.status();
  fmt::print("{}\n", *done);
  return absl::OkStatus();
}

absl::Status RunVerb(const Arguments& arguments) {
  if (arguments.verb == "migrate") return Migrate(arguments);
  const auto store = OpenStore(arguments.url, arguments.password_file);
  if (!store.ok()) return store.status();
  const auto* const verb =
      std::find_if(std::begin(kVerbs), std::end(kVerbs),
                   [&](const VerbEntry& entry) { return entry.name == arguments.verb; });
  return verb->run(**store, arguments);
}

Exit ExitOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return Exit::kDone;
    case absl::StatusCode::kInvalidArgument:
      return Exit::kMisused;
    case absl::StatusCode::kDataLoss:
      return Exit::kBroken;
    default:
      return Exit::kRefused;
  }
}

class Idem final : public Noun {
 public:
  CLI::App* Register(CLI::App& app) override { return AddIdem(app, &arguments_); }

  Ending Run() override {
    const absl::Status status = RunVerb(arguments_);
    return {ExitOf(status.code()), std::string(status.message())};
  }

 private:
  Arguments arguments_;
};

}  // namespace

std::unique_ptr<Noun> IdemNoun() { return std::make_unique<Idem>(); }

}  // namespace holdfast::cli::idem
