// SPDX-License-Identifier: Apache-2.0
// buf's rules about a field's type, cardinality and default.
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <cmath>
#include <limits>

#include "adapters/contract/buf_rule.h"

namespace holdfast::inline v0_5::contract::buf {
namespace {

using Field = pb::FieldDescriptor;
using FieldPair = Pair<Field>;

// ---- types ----

std::string TypeOf(const Field& field) {
  if (field.message_type() != nullptr) {
    return std::string(field.type_name()) + " " + field.message_type()->full_name();
  }
  if (field.enum_type() != nullptr) return "enum " + field.enum_type()->full_name();
  return field.type_name();
}

// Types of a group have the same encoding; of which values is another matter, which buf leaves open.
enum class Group {
  kVarint,
  kVarint32,
  kVarint64,
  kBool,
  kZigzag,
  kZigzag32,
  kZigzag64,
  kFixed32,
  kFixed64,
  kFloat,
  kDouble,
  kString,
  kBytes,
  kMessage,
  kGroup,
  kEnum,
};

Group JsonGroup(Field::Type type) {
  switch (type) {
    case Field::TYPE_INT32:
    case Field::TYPE_UINT32:
      return Group::kVarint32;
    case Field::TYPE_INT64:
    case Field::TYPE_UINT64:
      return Group::kVarint64;
    case Field::TYPE_BOOL:
      return Group::kBool;
    case Field::TYPE_SINT32:
      return Group::kZigzag32;
    case Field::TYPE_SINT64:
      return Group::kZigzag64;
    case Field::TYPE_FIXED32:
    case Field::TYPE_SFIXED32:
      return Group::kFixed32;
    case Field::TYPE_FIXED64:
    case Field::TYPE_SFIXED64:
      return Group::kFixed64;
    case Field::TYPE_FLOAT:
      return Group::kFloat;
    case Field::TYPE_DOUBLE:
      return Group::kDouble;
    case Field::TYPE_STRING:
      return Group::kString;
    case Field::TYPE_BYTES:
      return Group::kBytes;
    case Field::TYPE_MESSAGE:
      return Group::kMessage;
    case Field::TYPE_GROUP:
      return Group::kGroup;
    case Field::TYPE_ENUM:
      return Group::kEnum;
  }
  return Group::kGroup;
}

// JSON tells apart what the binary encoding does not: 64 bits are a string there.
Group WireGroup(Field::Type type) {
  switch (const Group group = JsonGroup(type)) {
    case Group::kVarint32:
    case Group::kVarint64:
    case Group::kBool:
      return Group::kVarint;
    case Group::kZigzag32:
    case Group::kZigzag64:
      return Group::kZigzag;
    default:
      return group;
  }
}

bool SameTypeName(const FieldPair& pair) {
  if (pair.newer.message_type() != nullptr) {
    return pair.older.message_type()->full_name() == pair.newer.message_type()->full_name();
  }
  if (pair.newer.enum_type() != nullptr) {
    return pair.older.enum_type()->full_name() == pair.newer.enum_type()->full_name();
  }
  return true;
}

// Another enum will do if it is called the same but for its scope, and has all the values of the former.
bool EnumHolds(const pb::EnumDescriptor& newer, const pb::EnumDescriptor& older) {
  if (newer.name() != older.name()) return false;
  for (int i = 0; i < older.value_count(); ++i) {
    const pb::EnumValueDescriptor* const value = newer.FindValueByName(older.value(i)->name());
    if (value == nullptr || value->number() != older.value(i)->number()) return false;
  }
  return true;
}

bool CompatibleTypeName(const FieldPair& pair) {
  if (SameTypeName(pair)) return true;
  return pair.newer.enum_type() != nullptr &&
         EnumHolds(*pair.newer.enum_type(), *pair.older.enum_type());
}

void CheckType(const FieldPair& pair, bool fits, Findings* findings) {
  if (!fits) ReportField(pair, "type", TypeOf(pair.older), TypeOf(pair.newer), findings);
}

void SameType(const FieldPair& pair, Findings* findings) {
  CheckType(pair, pair.older.type() == pair.newer.type() && SameTypeName(pair), findings);
}

void WireCompatibleType(const FieldPair& pair, Findings* findings) {
  const Group before = WireGroup(pair.older.type());
  const Group after = WireGroup(pair.newer.type());
  const bool widened = before == Group::kString && after == Group::kBytes;
  CheckType(pair, widened || (before == after && CompatibleTypeName(pair)), findings);
}

void WireJsonCompatibleType(const FieldPair& pair, Findings* findings) {
  const bool same = JsonGroup(pair.older.type()) == JsonGroup(pair.newer.type());
  CheckType(pair, same && CompatibleTypeName(pair), findings);
}

// ---- cardinality ----

enum class Cardinality { kImplicit, kOptional, kRequired, kRepeated, kMap };

Cardinality CardinalityOf(const Field& field) {
  if (field.is_map()) return Cardinality::kMap;
  if (field.is_repeated()) return Cardinality::kRepeated;
  if (field.is_required()) return Cardinality::kRequired;
  // That of an extension can always be told, in whichever syntax it is declared.
  return field.is_extension() || field.has_presence() ? Cardinality::kOptional
                                                      : Cardinality::kImplicit;
}

std::string_view NameOf(Cardinality cardinality) {
  constexpr std::string_view kNamesOf[] = {"singular", "optional", "required", "repeated", "map"};
  return kNamesOf[static_cast<int>(cardinality)];
}

Cardinality WireJsonForm(Cardinality cardinality) {
  return cardinality == Cardinality::kImplicit ? Cardinality::kOptional : cardinality;
}
Cardinality WireForm(Cardinality cardinality) {
  return cardinality == Cardinality::kMap ? Cardinality::kRepeated : WireJsonForm(cardinality);
}
Cardinality AsIs(Cardinality cardinality) { return cardinality; }

template <Cardinality (*kForm)(Cardinality)>
void SameCardinality(const FieldPair& pair, Findings* findings) {
  if (pair.older.containing_type()->options().map_entry() &&
      pair.newer.containing_type()->options().map_entry()) {
    return;  // nobody declared those
  }
  const Cardinality before = CardinalityOf(pair.older);
  const Cardinality after = CardinalityOf(pair.newer);
  if (kForm(before) == kForm(after)) return;
  ReportField(pair, "cardinality", NameOf(before), NameOf(after), findings);
}

// ---- defaults ----

// A default as buf compares it: texts (and bytes) with texts, and numbers, enums and bools with each other.
enum class Form { kText, kExact, kFloat, kDouble };
struct Default {
  Form form = Form::kExact;
  std::string text;
  long double number = 0;
  std::string shown;

  bool IsText() const { return form == Form::kText; }
  bool IsZero() const { return IsText() ? text.empty() : number == 0; }
};
// It must hold all of int64, uint64 and double.
static_assert(std::numeric_limits<long double>::digits >= 64);

Default Text(const std::string& text) {
  return {Form::kText, text, 0, Quoted(absl::CEscape(text))};
}
template <class T>
Default Number(T value, Form form = Form::kExact) {
  return {form, "", static_cast<long double>(value), absl::StrCat(value)};
}
Default Value(const pb::EnumValueDescriptor& value) {
  return {Form::kExact, "", static_cast<long double>(value.number()), value.name()};
}

Default DefaultOf(const Field& field) {
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return Number(field.default_value_int32());
    case Field::CPPTYPE_INT64:
      return Number(field.default_value_int64());
    case Field::CPPTYPE_UINT32:
      return Number(field.default_value_uint32());
    case Field::CPPTYPE_UINT64:
      return Number(field.default_value_uint64());
    case Field::CPPTYPE_DOUBLE:
      return Number(field.default_value_double(), Form::kDouble);
    case Field::CPPTYPE_FLOAT:
      return Number(field.default_value_float(), Form::kFloat);
    case Field::CPPTYPE_BOOL:
      return Number(static_cast<int>(field.default_value_bool()));
    case Field::CPPTYPE_ENUM:
      return Value(*field.default_value_enum());
    case Field::CPPTYPE_STRING:
      return Text(field.default_value_string());
    case Field::CPPTYPE_MESSAGE:
      return {};
  }
  return {};
}

bool CanHaveDefault(const Field& field) {
  return !field.is_repeated() && field.message_type() == nullptr;
}

bool SameNumber(const Default& a, const Default& b) {
  if (std::isnan(a.number) || std::isnan(b.number))
    return std::isnan(a.number) == std::isnan(b.number);
  const bool widened = (a.form == Form::kFloat && b.form == Form::kDouble) ||
                       (a.form == Form::kDouble && b.form == Form::kFloat);
  if (!widened) return a.number == b.number;
  return static_cast<float>(a.number) == static_cast<float>(b.number);  // 0.1 is two numbers
}

bool SameValue(const Default& a, const Default& b) {
  if (a.IsText() || b.IsText()) return a.IsText() && b.IsText() && a.text == b.text;
  return SameNumber(a, b);
}

void SameDefault(const FieldPair& pair, Findings* findings) {
  if (!CanHaveDefault(pair.older) || !CanHaveDefault(pair.newer)) return;
  const Default before = DefaultOf(pair.older);
  const Default after = DefaultOf(pair.newer);
  if ((before.IsZero() && after.IsZero()) || SameValue(before, after)) return;
  ReportField(pair, "default", before.shown, after.shown, findings);
}

constexpr Rule<Field> kRules[] = {
    {"FIELD_SAME_TYPE", kSources, SameType},
    {"FIELD_WIRE_COMPATIBLE_TYPE", kWire, WireCompatibleType},
    {"FIELD_WIRE_JSON_COMPATIBLE_TYPE", kWireJson, WireJsonCompatibleType},
    {"FIELD_SAME_CARDINALITY", kSources, SameCardinality<AsIs>},
    {"FIELD_WIRE_COMPATIBLE_CARDINALITY", kWire, SameCardinality<WireForm>},
    {"FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY", kWireJson, SameCardinality<WireJsonForm>},
    {"FIELD_SAME_DEFAULT", kEvery, SameDefault},
};

}  // namespace

Rules<pb::FieldDescriptor> FieldTypeRules() { return kRules; }

}  // namespace holdfast::inline v0_5::contract::buf
