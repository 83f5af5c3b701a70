// SPDX-License-Identifier: Apache-2.0
#include "adapters/contract/comparison.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

// What a reader makes of a value: by its number in binary, by its name in JSON.
Reading ReadBinary(const pb::EnumValueDescriptor& value, const pb::EnumDescriptor& reader,
                   bool closed) {
  const pb::EnumValueDescriptor* const named = reader.FindValueByName(value.name());
  const pb::EnumValueDescriptor* const numbered = reader.FindValueByNumber(value.number());
  if (numbered == nullptr) {
    if (!closed) return {};
    return {Outcome::kDropped, "the enum is closed: the number stays among the unknown fields"};
  }
  if (named == nullptr || named->number() == value.number()) return {};
  return {Outcome::kCorrupt, "its number is read as " + numbered->name()};
}

Reading ReadJson(const pb::EnumValueDescriptor& value, const pb::EnumDescriptor& reader) {
  if (reader.FindValueByName(value.name()) != nullptr) return {};
  return {Outcome::kDropped, "the name " + value.name() + " is not known, and is passed over"};
}

std::string Text(const pb::EnumValueDescriptor& value) {
  return value.name() + " = " + std::to_string(value.number());
}

}  // namespace

void Comparison::CompareEnums(const Enum& before, const Enum& after) {
  const bool was_closed = older_.IsClosed(before);
  const bool is_closed = newer_.IsClosed(after);
  if (was_closed != is_closed) {
    const Reading dropped{Outcome::kDropped,
                          "numbers that it does not declare stay among the unknown fields"};
    const BothWays ways = is_closed ? BothWays{dropped, {}} : BothWays{{}, dropped};
    Add(ChangeKind::kEnumOpennessChanged, after.full_name(), was_closed ? "closed" : "open",
        is_closed ? "closed" : "open", PlaceOf(after), ways, ways, "");
  }
  for (int i = 0; i < before.value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *before.value(i);
    const pb::EnumValueDescriptor* const named = after.FindValueByName(value.name());
    const pb::EnumValueDescriptor* const numbered = after.FindValueByNumber(value.number());
    const Reading binary = ReadBinary(value, after, is_closed);
    if (named != nullptr && named->number() == value.number()) continue;
    if (named != nullptr) {
      Add(ChangeKind::kEnumValueRenumbered, named->full_name(), std::to_string(value.number()),
          std::to_string(named->number()), PlaceOf(*named),
          {binary, ReadBinary(*named, before, was_closed)}, {}, "");
    } else if (numbered != nullptr && before.FindValueByName(numbered->name()) == nullptr) {
      Add(ChangeKind::kEnumValueRenamed, numbered->full_name(), value.name(), numbered->name(),
          PlaceOf(*numbered), {}, {ReadJson(value, after), ReadJson(*numbered, before)},
          "names are not in the binary encoding");
    } else {
      // The number may still be there, under another name that it had before, or that came from elsewhere.
      const bool moved_here = numbered != nullptr &&
                              before.FindValueByName(numbered->name())->number() != value.number();
      const Reading other{Outcome::kCorrupt,
                          "its number is read as " + (moved_here ? numbered->name() : "")};
      Add(ChangeKind::kEnumValueRemoved, value.full_name(), Text(value), "", PlaceOf(value),
          {moved_here ? other : binary, {}}, {ReadJson(value, after), {}}, "");
    }
  }
  for (int i = 0; i < after.value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *after.value(i);
    if (before.FindValueByName(value.name()) != nullptr) continue;
    const pb::EnumValueDescriptor* const numbered = before.FindValueByNumber(value.number());
    if (numbered != nullptr && after.FindValueByName(numbered->name()) == nullptr)
      continue;  // renamed
    const bool moved_here =
        numbered != nullptr && after.FindValueByName(numbered->name())->number() != value.number();
    const Reading other{Outcome::kCorrupt,
                        "its number is read as " + (moved_here ? numbered->name() : "")};
    Add(ChangeKind::kEnumValueAdded, value.full_name(), "", Text(value), PlaceOf(value),
        {{}, moved_here ? other : ReadBinary(value, before, was_closed)},
        {{}, ReadJson(value, before)}, "");
  }
  CompareReserved(before, after);
}

}  // namespace holdfast::inline v0_5::contract
