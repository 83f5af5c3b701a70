// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/print_change.h"

#include <absl/strings/str_cat.h>

#include "cli/printable.h"

namespace holdfast::cli::contract {
namespace {

// Whether a schema declares an element at a place.
bool Declares(const api::Schema& schema, const std::string& element, const api::Place& place) {
  const auto there = [&place](const auto* declared) {
    return declared != nullptr && api::Text(api::PlaceOf(*declared)) == api::Text(place);
  };
  const google::protobuf::DescriptorPool& pool = schema.pool();
  return there(pool.FindFieldByName(element)) || there(pool.FindMessageTypeByName(element)) ||
         there(pool.FindEnumValueByName(element)) || there(pool.FindEnumTypeByName(element)) ||
         there(pool.FindOneofByName(element)) || there(pool.FindExtensionByName(element)) ||
         there(pool.FindServiceByName(element)) || there(pool.FindMethodByName(element));
}

// What is gone has its place in the older version.
Where WhereIs(const std::string& element, const api::Place& place, const Pair& pair) {
  const bool gone = Declares(pair.older.schema(), element, place) &&
                    !Declares(pair.newer.schema(), element, place);
  const SchemaSource& source = gone || !pair.newer.Has(place.file) ? pair.older : pair.newer;
  return {&source, source.PathOf(place.file), place.line, place.column};
}

nlohmann::json JsonOf(const api::Effect& effect) {
  return {{"new_reads_old", Name(effect.new_reads_old)},
          {"old_reads_new", Name(effect.old_reads_new)}};
}

}  // namespace

Where WhereOf(const api::Change& change, const Pair& pair) {
  return WhereIs(change.element, change.place, pair);
}

Where WhereOf(const api::Violation& violation, const Pair& pair) {
  return WhereIs(violation.element, violation.place, pair);
}

std::string TextOf(const Where& where) {
  std::string text = Printable(where.path);
  if (where.line > 0) absl::StrAppend(&text, ":", where.line, ":", where.column);
  return text;
}

std::string TextOf(const api::Change& change) {
  std::string text = absl::StrCat(std::string(Name(change.kind)), ": ", Printable(change.element));
  const std::string before = Printable(change.before), after = Printable(change.after);
  if (!before.empty() && !after.empty()) {
    absl::StrAppend(&text, ": ", before, " -> ", after);
  } else if (!before.empty() || !after.empty()) {
    absl::StrAppend(&text, " (", before, after, ")");
  }
  return text;
}

std::string EffectsOf(const api::Change& change) {
  return absl::StrCat("new reads old: ", std::string(Name(change.binary.new_reads_old)),
                      ", old reads new: ", std::string(Name(change.binary.old_reads_new)),
                      "; as JSON: ", std::string(Name(change.json.new_reads_old)), ", ",
                      std::string(Name(change.json.old_reads_new)));
}

void AddWhere(const Where& where, nlohmann::json* json) {
  (*json)["schema"] = where.source->name();
  (*json)["file"] = where.path;
  (*json)["line"] = where.line;
  (*json)["column"] = where.column;
}

nlohmann::json JsonOf(const api::Change& change, const Pair& pair) {
  nlohmann::json json = {
      {"kind", Name(change.kind)}, {"element", change.element},       {"before", change.before},
      {"after", change.after},     {"binary", JsonOf(change.binary)}, {"json", JsonOf(change.json)},
      {"why", change.why}};
  AddWhere(WhereOf(change, pair), &json);
  return json;
}

}  // namespace holdfast::cli::contract
