// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string_view>

#include "adapters/contract/reading.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

// As kSingle in read_binary.cc, of values as ProtoJSON writes them, with an open enum.
// clang-format off
constexpr std::string_view kSingle[] = {
    // 1: int32 int64 uint32 uint64 bool enum sint32 sint64; 2: fixed32 sfixed32; 3: fixed64 sfixed64;
    // then float; double; string bytes message
    "==xxx===" "x=" "x=" "~" "=" "xxx",  // int32
    "x=xxxux=" "xx" "x=" "~" "~" "=!x",  // int64
    "x===xxx=" "=x" "==" "~" "=" "xxx",  // uint32
    "xxx=xuxx" "xx" "=x" "~" "~" "=!x",  // uint64
    "xxxx=xxx" "xx" "xx" "x" "x" "xxx",  // bool
    "xxxxx=xx" "xx" "xx" "x" "x" "=!x",  // enum
    "==xxx===" "x=" "x=" "~" "=" "xxx",  // sint32
    "x=xxxux=" "xx" "x=" "~" "~" "=!x",  // sint64
    "x===xxx=" "=x" "==" "~" "=" "xxx",  // fixed32
    "==xxx===" "x=" "x=" "~" "=" "xxx",  // sfixed32
    "xxx=xuxx" "xx" "=x" "~" "~" "=!x",  // fixed64
    "x=xxxux=" "xx" "x=" "~" "~" "=!x",  // sfixed64
    "xxxxxxxx" "xx" "xx" "=" "=" "x!x",  // float
    "xxxxxxxx" "xx" "xx" "x" "=" "x!x",  // double
    "xxxxxuxx" "xx" "xx" "x" "x" "=!x",  // string
    "xxxxxuxx" "xx" "xx" "x" "x" "!=x",  // bytes
    "xxxxxxxx" "xx" "xx" "x" "x" "xx=",  // message
};
// clang-format on

Outcome OutcomeOf(char mark) { return static_cast<Outcome>(std::string_view("=~ux!").find(mark)); }

Kind JsonKind(const pb::FieldDescriptor& field) {
  const Kind kind = KindOf(field);
  return kind == Kind::kGroup ? Kind::kMessage : kind;  // JSON does not tell them apart
}

std::string_view Why(Outcome outcome) {
  switch (outcome) {
    case Outcome::kKept:
      break;
    case Outcome::kLossy:
      return "large integers lose digits as a floating-point number";
    case Outcome::kDropped:
      return "what the reader's enum does not declare is passed over";
    case Outcome::kError:
      return "what the writer's type looks like in JSON is refused by the reader's";
    case Outcome::kCorrupt:
      return "text is taken for base64, or base64 for text";
  }
  return "";
}

Reading ReadSingle(const pb::FieldDescriptor& writer, const pb::FieldDescriptor& reader) {
  const Kind from = JsonKind(writer);
  const Kind to = JsonKind(reader);
  Outcome outcome =
      OutcomeOf(kSingle[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)]);
  if (to == Kind::kEnum && from != Kind::kEnum && outcome == Outcome::kKept && IsClosed(reader)) {
    outcome = Outcome::kDropped;
  }
  return {outcome, std::string(Why(outcome))};
}

// Keys are text: what else one is read from, it is read as if it had been quoted.
Reading ReadKey(const pb::FieldDescriptor& writer, const pb::FieldDescriptor& reader) {
  if (reader.type() == pb::FieldDescriptor::TYPE_STRING) return {};
  return ReadSingle(writer, reader);
}

bool IsWrapper(pb::Descriptor::WellKnownType type) {
  return pb::Descriptor::WELLKNOWNTYPE_DOUBLEVALUE <= type &&
         type <= pb::Descriptor::WELLKNOWNTYPE_BOOLVALUE;
}

}  // namespace

Reading ReadJson(const pb::FieldDescriptor& writer, const pb::FieldDescriptor& reader) {
  if (writer.is_map() != reader.is_map()) {
    return {Outcome::kError,
            "a map is an object, which is no list, and no message of another shape"};
  }
  if (writer.is_map()) {
    return Worse(
        ReadKey(*writer.message_type()->map_key(), *reader.message_type()->map_key()),
        ReadSingle(*writer.message_type()->map_value(), *reader.message_type()->map_value()));
  }
  const Reading refused{Outcome::kError, "a list is no single value, and a single value no list"};
  if (writer.is_repeated() && !reader.is_repeated()) return refused;
  Reading each = ReadSingle(writer, reader);
  if (writer.is_repeated() == reader.is_repeated()) return each;
  return Worse(std::move(each), refused);  // some readers take it, and then it is read
}

Reading ReadJson(const pb::Descriptor& writer, const pb::Descriptor& reader) {
  using Type = pb::Descriptor::WellKnownType;
  const Type from = writer.well_known_type();
  const Type to = reader.well_known_type();
  if (from == to) return {};
  if (IsWrapper(from) && IsWrapper(to)) return {};  // as the value in them
  const bool object = from == Type::WELLKNOWNTYPE_UNSPECIFIED || from == Type::WELLKNOWNTYPE_ANY ||
                      from == Type::WELLKNOWNTYPE_STRUCT;
  if (to == Type::WELLKNOWNTYPE_VALUE || (to == Type::WELLKNOWNTYPE_STRUCT && object)) {
    return {Outcome::kCorrupt, "the JSON of " + writer.full_name() + " is taken for a " +
                                   reader.full_name() + " of any content"};
  }
  if (from == Type::WELLKNOWNTYPE_STRUCT && to == Type::WELLKNOWNTYPE_UNSPECIFIED) {
    return {Outcome::kDropped, "names that the reader does not know are passed over"};
  }
  const pb::Descriptor& special = to == Type::WELLKNOWNTYPE_UNSPECIFIED ? writer : reader;
  return {Outcome::kError,
          special.full_name() + " has a form of its own there, which no other message has"};
}

}  // namespace holdfast::inline v0_5::contract
