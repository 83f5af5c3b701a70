// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <optional>

#include "adapters/contract/comparison.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

// The shortest text that is this number and no other.
template <class Number>
std::string NumberText(Number number) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof(text), number).ptr};
}

std::string DefaultText(const pb::FieldDescriptor& field) {
  using Field = pb::FieldDescriptor;
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return std::to_string(field.default_value_int32());
    case Field::CPPTYPE_INT64:
      return std::to_string(field.default_value_int64());
    case Field::CPPTYPE_UINT32:
      return std::to_string(field.default_value_uint32());
    case Field::CPPTYPE_UINT64:
      return std::to_string(field.default_value_uint64());
    case Field::CPPTYPE_FLOAT:
      return NumberText(field.default_value_float());
    case Field::CPPTYPE_DOUBLE:
      return NumberText(field.default_value_double());
    case Field::CPPTYPE_BOOL:
      return field.default_value_bool() ? "true" : "false";
    case Field::CPPTYPE_ENUM:
      return field.default_value_enum()->name();
    case Field::CPPTYPE_STRING:
      return field.default_value_string();
    case Field::CPPTYPE_MESSAGE:
      break;
  }
  return "";
}

// long double holds every integer of 64 bits.
std::optional<long double> DefaultNumber(const pb::FieldDescriptor& field) {
  using Field = pb::FieldDescriptor;
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return field.default_value_int32();
    case Field::CPPTYPE_INT64:
      return field.default_value_int64();
    case Field::CPPTYPE_UINT32:
      return field.default_value_uint32();
    case Field::CPPTYPE_UINT64:
      return field.default_value_uint64();
    case Field::CPPTYPE_FLOAT:
      return field.default_value_float();
    case Field::CPPTYPE_DOUBLE:
      return field.default_value_double();
    case Field::CPPTYPE_BOOL:
      return field.default_value_bool() ? 1 : 0;
    case Field::CPPTYPE_ENUM:
      return field.default_value_enum()->number();
    case Field::CPPTYPE_STRING:
    case Field::CPPTYPE_MESSAGE:
      break;
  }
  return std::nullopt;
}

// Whether the reader's default is what it would have made of the writer's. What is no number has none in common with
// one: that the type is another tells enough.
bool KeepsDefault(const pb::FieldDescriptor& writer, const pb::FieldDescriptor& reader) {
  using Field = pb::FieldDescriptor;
  if (writer.cpp_type() == Field::CPPTYPE_STRING && reader.cpp_type() == Field::CPPTYPE_STRING)
    return writer.default_value_string() == reader.default_value_string();
  const std::optional<long double> meant = DefaultNumber(writer);
  const std::optional<long double> read = DefaultNumber(reader);
  if (!meant || !read) return true;
  if (reader.cpp_type() == Field::CPPTYPE_BOOL) return (*meant != 0) == (*read != 0);
  if (writer.cpp_type() == Field::CPPTYPE_FLOAT || reader.cpp_type() == Field::CPPTYPE_FLOAT) {
    const auto a = static_cast<float>(*meant);
    const auto b = static_cast<float>(*read);
    return a == b || (std::isnan(a) && std::isnan(b));
  }
  return *meant == *read || (std::isnan(*meant) && std::isnan(*read));
}

}  // namespace

void Comparison::CompareDefaults(const Field& before, const Field& after) {
  if (before.is_repeated() || after.is_repeated()) return;
  const bool forth = KeepsDefault(before, after);
  const bool back = KeepsDefault(after, before);
  if (forth && back) return;
  const Reading other{Outcome::kCorrupt,
                      "where it is not set, the default read is another than was meant"};
  // Where the writer requires it, it is always set; where the reader does, a message without it does not parse.
  const bool unset = !before.is_required() && !after.is_required();
  const BothWays ways{unset && !forth ? other : Reading{}, unset && !back ? other : Reading{}};
  Add(ChangeKind::kDefaultChanged, after.full_name(), DefaultText(before), DefaultText(after),
      PlaceOf(after), ways, ways, "");
}

}  // namespace holdfast::inline v0_5::contract
