// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "cli/noun.h"

namespace holdfast::cli {
namespace {

class Absent final : public Noun {
 public:
  Absent(std::string name, std::string about, std::string library)
      : name_(std::move(name)), about_(std::move(about)), library_(std::move(library)) {}

  CLI::App* Register(CLI::App& app) override {
    CLI::App* const noun = app.add_subcommand(name_, about_ + " (not built in)");
    noun->allow_extras();
    noun->set_help_flag();
    return noun;
  }

  Ending Run() override {
    return {Exit::kMisused, "not built in: this holdfast was built without " + library_};
  }

 private:
  const std::string name_, about_, library_;
};

}  // namespace

std::unique_ptr<Noun> AbsentNoun(std::string name, std::string about, std::string library) {
  return std::make_unique<Absent>(std::move(name), std::move(about), std::move(library));
}

}  // namespace holdfast::cli
