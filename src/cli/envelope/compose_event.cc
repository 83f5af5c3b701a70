// SPDX-License-Identifier: Apache-2.0
#include "cli/envelope/compose_event.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <string>
#include <string_view>

#include "cli/printable.h"
#include "cli/read_bytes.h"

namespace holdfast::cli::envelope {
namespace {

constexpr std::size_t kMostData = std::size_t{1} << 31;

absl::Status Misused(std::string_view what, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(Printable(what), ": ", PrintableText(why)));
}

absl::Status SetAttribute(std::string_view word, Envelope* event) {
  const std::size_t equals = word.find('=');
  if (equals == word.npos) return Misused("--attr", "NAME=VALUE is wanted");
  const std::string_view name = word.substr(0, equals), text = word.substr(equals + 1);
  if (name == "id") return Misused("--attr id", "has an option of its own, --id");
  if (name == "source" || name == "type" || name == "specversion") {
    return Misused(absl::StrCat("--attr ", std::string(name)), "is no attribute to be set here");
  }
  hf_attribute_kind kind = hf_attribute_kind_of(name.data(), name.size());
  if (kind == 0) kind = HF_ATTRIBUTE_STRING;
  Attribute attribute{};
  attribute.name = Borrow(name);
  std::string buffer(text.size(), '\0');
  if (hf_attribute_parse(kind, text.data(), text.size(), buffer.data(), buffer.size(),
                         &attribute) != HF_OK) {
    return Misused(absl::StrCat("--attr ", std::string(name)), "not a value that it may have");
  }
  hf_error error{};
  if (hf_attribute_check(&attribute, &error) != HF_OK) {
    return Misused("--attr", std::string(MakeStatus(error).message()));
  }
  if (event->Set(attribute)) return absl::OkStatus();
  return Misused("--attr", absl::StrCat("more than ", HF_ENVELOPE_ATTRIBUTES, " attributes"));
}

absl::Status SetData(const Arguments& arguments, Envelope* event) {
  const absl::StatusOr<std::string> bytes = ReadBytes(arguments.data_file, kMostData);
  if (!bytes.ok()) return bytes.status();
  if (arguments.data_kind == "binary") {
    event->set_data(DataKind::kBinary, *bytes);
  } else if (arguments.data_kind == "text") {
    event->set_data(DataKind::kText, *bytes);
  } else if (absl::StrContains(arguments.data_kind, "/")) {
    event->set_data(DataKind::kProto, *bytes, arguments.data_kind);
  } else {
    return Misused("--data-kind",
                   "binary, text, or a type URL like type.googleapis.com/acme.Order");
  }
  return absl::OkStatus();
}

}  // namespace

Envelope FreshEvent() {
  Envelope event;
  event.set_id(Uuid7().text());
  return event;
}

absl::Status Change(const Arguments& arguments, Envelope* event) {
  if (arguments.id.has_value()) event->set_id(*arguments.id);
  if (arguments.source.has_value()) event->set_source(*arguments.source);
  if (arguments.type.has_value()) event->set_type(*arguments.type);
  for (const std::string& word : arguments.attributes) {
    if (absl::Status set = SetAttribute(word, event); !set.ok()) return set;
  }
  if (!arguments.data_file.empty()) {
    if (absl::Status set = SetData(arguments, event); !set.ok()) return set;
  }
  const absl::Status checked = event->view().Check(arguments.limits);
  return checked.ok() ? checked : Misused("the event", std::string(checked.message()));
}

}  // namespace holdfast::cli::envelope
