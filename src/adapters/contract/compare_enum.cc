// SPDX-License-Identifier: Apache-2.0
#include "adapters/contract/comparison.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

// The values of an enum by number; with aliases there are several.
class Numbered {
 public:
  explicit Numbered(const pb::EnumDescriptor& numbers) : numbers_(numbers) {
    for (int i = 0; i < numbers.value_count(); ++i) {
      values_[numbers.value(i)->number()].push_back(numbers.value(i));
    }
  }
  const std::vector<const pb::EnumValueDescriptor*>& At(int number) const {
    static const std::vector<const pb::EnumValueDescriptor*> none;
    const auto found = values_.find(number);
    return found == values_.end() ? none : found->second;
  }
  const pb::EnumValueDescriptor* Named(const std::string& name) const {
    return numbers_.FindValueByName(name);
  }
  const pb::EnumDescriptor& numbers() const { return numbers_; }

 private:
  const pb::EnumDescriptor& numbers_;
  std::unordered_map<int, std::vector<const pb::EnumValueDescriptor*>> values_;
};

// What the names that one enum has for a number are to the other, looked up once: any number of names may have one number.
class Names {
 public:
  Names(const Numbered& there, const Numbered& here) : there_(there) {
    for (int i = 0; i < there.numbers().value_count(); ++i) {
      const pb::EnumValueDescriptor* const value = there.numbers().value(i);
      const pb::EnumValueDescriptor* const own = here.Named(value->name());
      if (own == nullptr) fresh_.try_emplace(value->number(), value);
      if (own == nullptr || own->number() == value->number()) shared_.insert(value->number());
    }
  }
  // The value that has the number there, by a name that there was not here; nullptr if there is none.
  const pb::EnumValueDescriptor* NewNameOf(const pb::EnumValueDescriptor& value) const {
    const auto fresh = fresh_.find(value.number());
    return there_.Named(value.name()) != nullptr || fresh == fresh_.end() ? nullptr : fresh->second;
  }
  // Whether one of its names there is new, or one for the same number here.
  bool AreShared(int number) const { return shared_.contains(number); }

 private:
  const Numbered& there_;
  std::unordered_map<int, const pb::EnumValueDescriptor*> fresh_;
  std::unordered_set<int> shared_;
};

// Written by its number. A reader that knows the name under another number, or the number under a name that the
// writer uses for something else, takes it for another value.
Reading ReadBinary(const pb::EnumValueDescriptor& value, const Names& names, const Numbered& reader,
                   bool closed) {
  const auto& found = reader.At(value.number());
  if (found.empty()) {
    if (!closed) return {};
    return {Outcome::kDropped, "the enum is closed: the number stays among the unknown fields"};
  }
  const pb::EnumValueDescriptor* const named = reader.Named(value.name());
  if (named != nullptr && named->number() == value.number()) return {};
  if (named == nullptr && names.AreShared(value.number())) return {};
  return {Outcome::kCorrupt, "its number is read as " + found.front()->name()};
}

// Written by its name.
Reading ReadJson(const pb::EnumValueDescriptor& value, const Numbered& reader) {
  if (reader.Named(value.name()) != nullptr) return {};
  return {Outcome::kDropped, "the name " + value.name() + " is not known, and is passed over"};
}

// Under its enum; protobuf's own full name stands beside it.
std::string ElementOf(const pb::EnumValueDescriptor& value) {
  return value.type()->full_name() + "." + value.name();
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
  const Numbered olds(before);
  const Numbered news(after);
  const Names new_names(news, olds);
  const Names old_names(olds, news);
  for (int i = 0; i < before.value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *before.value(i);
    const pb::EnumValueDescriptor* const named = news.Named(value.name());
    if (named != nullptr && named->number() == value.number()) continue;
    const pb::EnumValueDescriptor* const renamed = new_names.NewNameOf(value);
    const Reading binary = ReadBinary(value, new_names, news, is_closed);
    if (named != nullptr) {
      Add(ChangeKind::kEnumValueRenumbered, ElementOf(*named), std::to_string(value.number()),
          std::to_string(named->number()), PlaceOf(*named),
          {binary, ReadBinary(*named, old_names, olds, was_closed)}, {}, "");
    } else if (renamed != nullptr) {
      Add(ChangeKind::kEnumValueRenamed, ElementOf(*renamed), value.name(), renamed->name(),
          PlaceOf(*renamed), {}, {ReadJson(value, news), ReadJson(*renamed, olds)},
          "names are not in the binary encoding");
    } else {
      Add(ChangeKind::kEnumValueRemoved, ElementOf(value), Text(value), "", PlaceOf(value),
          {binary, {}}, {ReadJson(value, news), {}}, "");
    }
  }
  for (int i = 0; i < after.value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *after.value(i);
    if (olds.Named(value.name()) != nullptr || old_names.NewNameOf(value) != nullptr) continue;
    Add(ChangeKind::kEnumValueAdded, ElementOf(value), "", Text(value), PlaceOf(value),
        {{}, ReadBinary(value, old_names, olds, was_closed)}, {{}, ReadJson(value, olds)}, "");
  }
  CompareReserved(before, after);
}

}  // namespace holdfast::inline v0_5::contract
