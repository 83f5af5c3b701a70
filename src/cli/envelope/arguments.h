// SPDX-License-Identifier: Apache-2.0
// What the command line of `holdfast envelope` says, checked for its form.
#ifndef HOLDFAST_CLI_ENVELOPE_ARGUMENTS_H_
#define HOLDFAST_CLI_ENVELOPE_ARGUMENTS_H_

#include <holdfast/envelope_view.h>

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/envelope/forms.h"

namespace holdfast::cli::envelope {

struct Arguments {
  std::string verb;
  std::string file;  // `-`: standard input; of encode empty: the event is made of what follows
  Form from = Form::kAuto;
  Form to = Form::kText;
  std::string output;  // empty: standard output
  bool json = false;
  bool no_data = false;
  EnvelopeLimits limits;

  // What is set on top of what was read.
  std::optional<std::string> id, source, type;
  std::vector<std::string> attributes;  // NAME=VALUE
  std::string data_file, data_kind = "binary";
};

// Adds the noun and its verbs to the command line; what is parsed goes into *out, which must outlive that.
CLI::App* AddEnvelope(CLI::App& app, Arguments* out);

}  // namespace holdfast::cli::envelope

#endif  // HOLDFAST_CLI_ENVELOPE_ARGUMENTS_H_
