// SPDX-License-Identifier: Apache-2.0
#include "adapters/contract/comparison.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

constexpr char kUnset[] = "a message without it, which is required, does not parse";

template <class Map, class Key>
const pb::FieldDescriptor* Lookup(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

// The type without the names of messages and enums.
std::string ShapeText(const pb::FieldDescriptor& field) {
  if (field.is_map()) {
    return std::string("map<") + field.message_type()->map_key()->type_name() + ", " +
           field.message_type()->map_value()->type_name() + ">";
  }
  return std::string(field.is_repeated() ? "repeated " : "") + field.type_name();
}

const std::string& ElementName(const pb::FieldDescriptor& field) {
  return field.message_type() != nullptr ? field.message_type()->full_name()
                                         : field.enum_type()->full_name();
}

std::string ElementText(const pb::FieldDescriptor& field) {
  const bool named = field.message_type() != nullptr || field.enum_type() != nullptr;
  return named ? ElementName(field) : field.type_name();
}

Reading AsAnother(Reading reading, const pb::FieldDescriptor& found) {
  if (reading.outcome > Outcome::kLossy) return reading;
  return {Outcome::kCorrupt, "its values are read as those of " + found.full_name()};
}

// `found` is what the reader has under the writer's number, nullptr if nothing.
Reading AtNumber(const pb::FieldDescriptor& writer, const pb::FieldDescriptor* found) {
  if (found != nullptr) return AsAnother(ReadBinary(writer, *found), *found);
  return {Outcome::kDropped, "its values stay among the unknown fields, as number " +
                                 std::to_string(writer.number()) + " is not known"};
}

Reading AtJsonName(const pb::FieldDescriptor& writer, const Fields& readers,
                   const pb::FieldDescriptor& partner) {
  const Reading unknown{Outcome::kDropped, "the name \"" + writer.json_name() +
                                               "\" is not known, and its values are passed over"};
  if (writer.is_extension() || partner.is_extension()) {
    const bool same = writer.is_extension() == partner.is_extension() &&
                      writer.full_name() == partner.full_name();
    return same ? Reading{} : unknown;
  }
  const pb::FieldDescriptor* const found = readers.JsonNamed(writer.json_name());
  if (found == &partner) return {};
  return found == nullptr ? unknown : AsAnother(ReadJson(writer, *found), *found);
}

// Of a field that the reader does not have: it passes over its values, unless it takes them for another's.
Reading Unknown(const pb::FieldDescriptor& writer, const Fields& readers) {
  const pb::FieldDescriptor* const found = readers.Number(writer.number());
  return found == nullptr ? Reading{} : AtNumber(writer, found);
}

Reading UnknownJson(const pb::FieldDescriptor& writer, const Fields& readers) {
  const pb::FieldDescriptor* const found =
      writer.is_extension() ? nullptr : readers.JsonNamed(writer.json_name());
  return found == nullptr ? Reading{} : AsAnother(ReadJson(writer, *found), *found);
}

}  // namespace

std::string_view NameOf(const pb::FieldDescriptor& field) {
  return field.is_extension() ? field.full_name() : field.name();
}

std::string TypeText(const pb::FieldDescriptor& field) {
  if (field.is_map()) {
    return "map<" + ElementText(*field.message_type()->map_key()) + ", " +
           ElementText(*field.message_type()->map_value()) + ">";
  }
  return (field.is_repeated() ? "repeated " : "") + ElementText(field);
}

Fields::Fields(const Schema& schema, const pb::Descriptor& described) : message(described) {
  for (int i = 0; i < message.field_count(); ++i) all.push_back(message.field(i));
  if (message.extension_range_count() > 0) schema.pool().FindAllExtensions(&message, &all);
  for (const pb::FieldDescriptor* const field : all) {
    by_number.emplace(field->number(), field);
    (field->is_extension() ? extensions : by_name).emplace(NameOf(*field), field);
    if (!field->is_extension()) by_json_name.emplace(field->json_name(), field);
  }
  for (const pb::FieldDescriptor* const field : all) {
    if (!field->is_extension()) by_json_name.emplace(field->name(), field);
  }
}

const pb::FieldDescriptor* Fields::Number(int number) const { return Lookup(by_number, number); }
const pb::FieldDescriptor* Fields::Named(const pb::FieldDescriptor& field) const {
  return Lookup(field.is_extension() ? extensions : by_name, NameOf(field));
}
const pb::FieldDescriptor* Fields::JsonNamed(std::string_view name) const {
  return Lookup(by_json_name, name);
}

const pb::FieldDescriptor* Partner(const pb::FieldDescriptor& field, const Fields& here,
                                   const Fields& there) {
  if (const pb::FieldDescriptor* const named = there.Named(field); named != nullptr) return named;
  const pb::FieldDescriptor* const numbered = there.Number(field.number());
  const bool taken = numbered != nullptr && here.Named(*numbered) != nullptr;
  return taken ? nullptr : numbered;
}

void Comparison::CompareMessages(const Message& before, const Message& after) {
  const Fields olds(older_.schema(), before);
  const Fields news(newer_.schema(), after);
  for (const Field* const field : olds.all) {
    const Field* const partner = Partner(*field, olds, news);
    if (partner == nullptr) {
      RemoveField(*field, news);
    } else {
      CompareField(*field, olds, *partner, news);
    }
  }
  for (const Field* const field : news.all) {
    if (Partner(*field, news, olds) == nullptr) AddField(*field, olds);
  }
  CompareOneofs(before, after, olds, news);
  CompareReserved(before, after);
  CompareSetFormat(before, after);
}

void Comparison::CompareSetFormat(const Message& before, const Message& after) {
  const auto is_set = [](const Message& message) {
    return message.options().message_set_wire_format();
  };
  if (is_set(before) == is_set(after)) return;
  const Reading items{Outcome::kDropped,
                      "extensions are written as items of a message set, which a reader of another "
                      "message keeps among the unknown fields"};
  const auto word = [&](const Message& message) { return is_set(message) ? "message set" : ""; };
  Add(ChangeKind::kExtensionChanged, after.full_name(), word(before), word(after), PlaceOf(after),
      {is_set(before) ? items : Reading{}, is_set(after) ? items : Reading{}}, {}, "");
}

void Comparison::RemoveField(const Field& field, const Fields& news) {
  const BothWays binary{Unknown(field, news), {}};
  const BothWays json{UnknownJson(field, news), {}};
  const bool reserved = news.message.IsReservedNumber(field.number());
  Add(ChangeKind::kFieldRemoved, field.full_name(), TypeText(field), "", PlaceOf(field), binary,
      json,
      reserved ? "readers pass over it, and its number is reserved"
               : "readers pass over it; nothing keeps its number from being used again");
  if (!field.is_required()) return;
  const BothWays refused{{}, {Outcome::kError, kUnset}};
  Add(ChangeKind::kRequiredRemoved, field.full_name(), "required", "", PlaceOf(field), refused,
      refused, "");
}

void Comparison::AddField(const Field& field, const Fields& olds) {
  const BothWays binary{{}, Unknown(field, olds)};
  const BothWays json{{}, UnknownJson(field, olds)};
  const bool reserved = olds.message.IsReservedNumber(field.number());
  Add(ChangeKind::kFieldAdded, field.full_name(), "", TypeText(field), PlaceOf(field), binary, json,
      reserved ? "old readers pass over it; its number was reserved, so older data may mean "
                 "something else by it"
               : "old readers pass over it");
  if (!field.is_required()) return;
  const BothWays refused{{Outcome::kError, kUnset}, {}};
  Add(ChangeKind::kRequiredAdded, field.full_name(), "", "required", PlaceOf(field), refused,
      refused, "");
}

void Comparison::CompareField(const Field& before, const Fields& olds, const Field& after,
                              const Fields& news) {
  CompareNamesOf(before, olds, after, news);
  CompareTypes(before, after);
  ComparePresence(before, after);
  CompareDefaults(before, after);
}

void Comparison::CompareNamesOf(const Field& before, const Fields& olds, const Field& after,
                                const Fields& news) {
  if (before.number() != after.number()) {
    Add(ChangeKind::kFieldRenumbered, after.full_name(), std::to_string(before.number()),
        std::to_string(after.number()), PlaceOf(after),
        {AtNumber(before, news.Number(before.number())),
         AtNumber(after, olds.Number(after.number()))},
        {}, "");
  }
  const BothWays json{AtJsonName(before, news, after), AtJsonName(after, olds, before)};
  if (before.is_extension() != after.is_extension()) {
    const auto word = [](const Field& field) {
      return field.is_extension() ? "extension" : "field";
    };
    Add(ChangeKind::kExtensionChanged, after.full_name(), word(before), word(after), PlaceOf(after),
        {}, json, "");
  } else if (NameOf(before) != NameOf(after)) {
    Add(ChangeKind::kFieldRenamed, after.full_name(), before.name(), after.name(), PlaceOf(after),
        {}, json, "names are not in the binary encoding");
  } else if (before.json_name() != after.json_name()) {
    Add(ChangeKind::kJsonNameChanged, after.full_name(), before.json_name(), after.json_name(),
        PlaceOf(after), {}, json, "names are not in the binary encoding");
  }
}

// `field` is what tells it: the map, of its values.
void Comparison::CompareTypeNames(const Field& before, const Field& after, const Field& field) {
  const bool messages = before.message_type() != nullptr && after.message_type() != nullptr;
  const bool enums = before.enum_type() != nullptr && after.enum_type() != nullptr;
  if (!messages && !enums) return;
  const std::string& old_name = ElementName(before);
  const std::string& new_name = ElementName(after);
  if (old_name == new_name) return;
  messages ? Pair(*before.message_type(), *after.message_type())
           : Pair(*before.enum_type(), *after.enum_type());
  if (before.is_map() || after.is_map()) return;  // an entry's name is nobody's choice
  const auto* const file = messages ? before.message_type()->file() : before.enum_type()->file();
  if (NewName(*file, old_name) == new_name) return;
  const BothWays json = messages ? BothWays{ReadJson(*before.message_type(), *after.message_type()),
                                            ReadJson(*after.message_type(), *before.message_type())}
                                 : BothWays{};
  Add(ChangeKind::kTypeNameChanged, field.full_name(), old_name, new_name, PlaceOf(field), {}, json,
      "the two types are compared: how they differ is told by itself");
}

void Comparison::CompareTypes(const Field& before, const Field& after) {
  if (before.is_map() && after.is_map()) {
    CompareTypeNames(*before.message_type()->map_value(), *after.message_type()->map_value(),
                     after);
  } else {
    CompareTypeNames(before, after, after);
  }
  if (ShapeText(before) != ShapeText(after)) {
    const bool same_element = before.type() == after.type() && !(before.is_map() && after.is_map());
    Add(same_element ? ChangeKind::kCardinalityChanged : ChangeKind::kTypeChanged,
        after.full_name(), TypeText(before), TypeText(after), PlaceOf(after),
        {ReadBinary(before, after), ReadBinary(after, before)},
        {ReadJson(before, after), ReadJson(after, before)}, "");
  } else if (before.is_packed() != after.is_packed()) {
    const auto word = [](const Field& field) { return field.is_packed() ? "packed" : "unpacked"; };
    Add(ChangeKind::kPackingChanged, after.full_name(), word(before), word(after), PlaceOf(after),
        "readers understand both");
  }
}

void Comparison::ComparePresence(const Field& before, const Field& after) {
  if (before.is_required() != after.is_required()) {
    const Reading refused{Outcome::kError, kUnset};
    const BothWays ways = after.is_required() ? BothWays{refused, {}} : BothWays{{}, refused};
    Add(after.is_required() ? ChangeKind::kRequiredAdded : ChangeKind::kRequiredRemoved,
        after.full_name(), before.is_required() ? "required" : "optional",
        after.is_required() ? "required" : "optional", PlaceOf(after), ways, ways, "");
  }
  const bool single = !before.is_repeated() && !after.is_repeated();
  const bool in_oneof =
      before.real_containing_oneof() != nullptr || after.real_containing_oneof() != nullptr;
  if (!single || in_oneof || before.message_type() != nullptr || after.message_type() != nullptr)
    return;
  if (before.has_presence() == after.has_presence()) return;
  const auto word = [](const Field& field) {
    return field.has_presence() ? "explicit" : "implicit";
  };
  Add(ChangeKind::kPresenceChanged, after.full_name(), word(before), word(after), PlaceOf(after),
      "values are kept; only one of the versions tells a default from a field that is not set");
}

}  // namespace holdfast::inline v0_5::contract
