// SPDX-License-Identifier: Apache-2.0
// The `holdfast` command.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "cli/arguments.h"
#include "cli/open_store.h"
#include "cli/verbs.h"

namespace holdfast::cli {
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

absl::Status Run(const Arguments& arguments) {
  if (arguments.verb == "migrate") return Migrate(arguments);
  const auto store = OpenStore(arguments.url, arguments.password_file);
  if (!store.ok()) return store.status();
  const auto* const verb =
      std::find_if(std::begin(kVerbs), std::end(kVerbs),
                   [&](const VerbEntry& entry) { return entry.name == arguments.verb; });
  return verb->run(**store, arguments);
}

// Where the output cannot be written, what was asked for may be done all the same.
absl::Status RunCaught(const Arguments& arguments) {
  try {
    return Run(arguments);
  } catch (const std::system_error& error) {  // of fmt::print
    return absl::UnknownError(error.what());
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  }
}

int Main(int argc, char** argv) {
  Arguments arguments;
  int exit_code = 0;
  if (!ParseArguments(argc, argv, &arguments, &exit_code)) return exit_code;
  absl::Status status = RunCaught(arguments);
  if (std::fflush(stdout) != 0 && status.ok()) {
    status = absl::UnknownError("the output cannot be written");
  }
  if (status.ok()) return 0;
  const std::string message(status.message());
  std::fputs(fmt::format("holdfast idem {}: {}\n", arguments.verb, message).c_str(), stderr);
  if (status.code() == absl::StatusCode::kInvalidArgument) return 2;
  return status.code() == absl::StatusCode::kDataLoss ? 3 : 1;
}

}  // namespace
}  // namespace holdfast::cli

int main(int argc, char** argv) { return holdfast::cli::Main(argc, argv); }
