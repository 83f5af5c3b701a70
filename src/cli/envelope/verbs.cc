// SPDX-License-Identifier: Apache-2.0
#include "cli/envelope/verbs.h"

#include <absl/strings/str_cat.h>
#include <fmt/core.h>

#include <string>
#include <utility>
#include <vector>

#include "cli/envelope/compose_event.h"
#include "cli/envelope/print_event.h"
#include "cli/envelope/read_events.h"
#include "cli/envelope/write_events.h"
#include "cli/printable.h"
#include "cli/read_bytes.h"

namespace holdfast::cli::envelope {
namespace {

constexpr std::size_t kMostInput = std::size_t{256} << 20;  // a batch may be longer than an event

absl::StatusOr<EventsRead> ReadFile(const Arguments& arguments) {
  const absl::StatusOr<std::string> bytes = ReadBytes(arguments.file, kMostInput);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<EventsRead> read = ReadEvents(arguments.from, *bytes, arguments.limits);
  if (read.ok()) return read;
  // Whatever is wrong, it is wrong with the input, and not with the command line.
  return absl::DataLossError(
      absl::StrCat(arguments.file == "-" ? "standard input" : Printable(arguments.file), ": ",
                   PrintableText(std::string(read.status().message()))));
}

absl::Status Write(const Arguments& arguments, Form form, std::span<const Envelope> events) {
  const absl::StatusOr<std::string> bytes = WriteEvents(form, events, arguments.limits);
  if (!bytes.ok()) return bytes.status();
  return Deliver(*bytes, arguments.output);
}

void Print(const EventsRead& read, const Arguments& arguments) {
  PrintMessage(read);
  for (std::size_t i = 0; i < read.events.size(); ++i) {
    if (read.events.size() > 1) fmt::print("\nevent {} of {}\n", i + 1, read.events.size());
    PrintEvent(read.events[i].view(), !arguments.no_data, arguments.limits);
  }
}

}  // namespace

absl::Status Decode(const Arguments& arguments) {
  const absl::StatusOr<EventsRead> read = ReadFile(arguments);
  if (!read.ok()) return read.status();
  if (arguments.to != Form::kText) return Write(arguments, arguments.to, read->events);
  if (!arguments.output.empty()) {
    return absl::InvalidArgumentError("--output: with --to; text goes to standard output");
  }
  if (arguments.json) {
    fmt::print("{}\n", Line(JsonOf(*read, !arguments.no_data)));
  } else {
    Print(*read, arguments);
  }
  return absl::OkStatus();
}

absl::Status Encode(const Arguments& arguments) {
  if (arguments.file == "-" && arguments.data_file == "-") {
    return absl::InvalidArgumentError("- : there is only one standard input");
  }
  std::vector<Envelope> events;
  if (arguments.file.empty()) {
    events.push_back(FreshEvent());
  } else {
    absl::StatusOr<EventsRead> read = ReadFile(arguments);
    if (!read.ok()) return read.status();
    events = std::move(read->events);
  }
  for (Envelope& event : events) {
    if (absl::Status changed = Change(arguments, &event); !changed.ok()) return changed;
  }
  const Form form = arguments.to == Form::kText ? Form::kJson : arguments.to;
  return Write(arguments, form, events);
}

}  // namespace holdfast::cli::envelope
