// SPDX-License-Identifier: Apache-2.0
// The `holdfast` command: nouns, each with its verbs.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "cli/idem/noun.h"
#include "cli/noun.h"
#ifdef HOLDFAST_WITH_CONTRACT
#include "cli/contract/noun.h"
#endif
#ifdef HOLDFAST_WITH_JSON
#include "cli/envelope/noun.h"
#endif

namespace holdfast::cli {
namespace {

constexpr const char* kAbout =
    "holdfast: looks after idempotency records, contracts and envelopes.";

std::vector<std::unique_ptr<Noun>> Nouns() {
  std::vector<std::unique_ptr<Noun>> nouns;
  nouns.push_back(idem::IdemNoun());
#ifdef HOLDFAST_WITH_CONTRACT
  nouns.push_back(contract::ContractNoun());
#else
  nouns.push_back(AbsentNoun("contract", "versions of a schema", "holdfast::contract"));
#endif
#ifdef HOLDFAST_WITH_JSON
  nouns.push_back(envelope::EnvelopeNoun());
#else
  nouns.push_back(AbsentNoun("envelope", "events", "holdfast::json"));
#endif
  return nouns;
}

// Where the output cannot be written, what was asked for may be done all the same.
Ending RunCaught(Noun& noun) {
  try {
    Ending ending = noun.Run();
    if (std::fflush(stdout) != 0 && ending.exit == Exit::kDone) {
      return {Exit::kRefused, "the output cannot be written"};
    }
    return ending;
  } catch (const std::bad_alloc&) {
    return {Exit::kRefused, "out of memory"};
  } catch (const std::exception& error) {  // of fmt::print
    return {Exit::kRefused, error.what()};
  }
}

// "idem list"
std::string WordsOf(const CLI::App& noun) {
  const std::vector<CLI::App*> verbs = noun.get_subcommands();
  return verbs.empty() ? noun.get_name() : noun.get_name() + " " + verbs.front()->get_name();
}

int Main(int argc, char** argv) {
  CLI::App app(kAbout);
  app.require_subcommand(1);
  std::vector<std::pair<std::unique_ptr<Noun>, CLI::App*>> nouns;
  for (std::unique_ptr<Noun>& noun : Nouns()) {
    CLI::App* const words = noun->Register(app);
    nouns.emplace_back(std::move(noun), words);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::kMisused);
  }
  const auto& [noun, words] = *std::find_if(nouns.begin(), nouns.end(),
                                            [](const auto& each) { return each.second->parsed(); });
  const Ending ending = RunCaught(*noun);
  if (!ending.complaint.empty()) {
    std::fputs(fmt::format("holdfast {}: {}\n", WordsOf(*words), ending.complaint).c_str(), stderr);
  }
  return static_cast<int>(ending.exit);
}

}  // namespace
}  // namespace holdfast::cli

int main(int argc, char** argv) { return holdfast::cli::Main(argc, argv); }
