// SPDX-License-Identifier: Apache-2.0
#include "cli/envelope/noun.h"

#include <string>

#include "cli/envelope/arguments.h"
#include "cli/envelope/verbs.h"

namespace holdfast::cli::envelope {
namespace {

Exit ExitOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return Exit::kDone;
    case absl::StatusCode::kInvalidArgument:
      return Exit::kMisused;
    case absl::StatusCode::kFailedPrecondition:
      return Exit::kRefused;
    default:
      return Exit::kBroken;
  }
}

class EnvelopeWords final : public Noun {
 public:
  CLI::App* Register(CLI::App& app) override { return AddEnvelope(app, &arguments_); }

  Ending Run() override {
    const absl::Status status =
        arguments_.verb == "decode" ? Decode(arguments_) : Encode(arguments_);
    return {ExitOf(status.code()), std::string(status.message())};
  }

 private:
  Arguments arguments_;
};

}  // namespace

std::unique_ptr<Noun> EnvelopeNoun() { return std::make_unique<EnvelopeWords>(); }

}  // namespace holdfast::cli::envelope
