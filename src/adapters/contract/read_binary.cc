// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <string_view>

#include "adapters/contract/reading.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

// Writer's row, reader's column, of single values, with an open enum and a string that is checked for UTF-8:
// = kept, ~ lossy, u dropped, x parse error, ! corrupt. Measured: tests/interop/contract_matrix_test.cc.
// clang-format off
constexpr std::string_view kSingle[] = {
    // 1: int32 int64 uint32 uint64 bool enum sint32 sint64; 2: fixed32 sfixed32; 3: fixed64 sfixed64;
    // then float; double; string bytes message; group
    "==~~~=!!" "uu" "uu" "u" "u" "uuu" "u",  // int32
    "~=~~~~!!" "uu" "uu" "u" "u" "uuu" "u",  // int64
    "~===~~!!" "uu" "uu" "u" "u" "uuu" "u",  // uint32
    "~~~=~~!!" "uu" "uu" "u" "u" "uuu" "u",  // uint64
    "======!!" "uu" "uu" "u" "u" "uuu" "u",  // bool
    "==~~~=!!" "uu" "uu" "u" "u" "uuu" "u",  // enum
    "!!!!~!==" "uu" "uu" "u" "u" "uuu" "u",  // sint32
    "!!!!~!~=" "uu" "uu" "u" "u" "uuu" "u",  // sint64
    "uuuuuuuu" "=~" "uu" "!" "u" "uuu" "u",  // fixed32
    "uuuuuuuu" "~=" "uu" "!" "u" "uuu" "u",  // sfixed32
    "uuuuuuuu" "uu" "=~" "u" "!" "uuu" "u",  // fixed64
    "uuuuuuuu" "uu" "~=" "u" "!" "uuu" "u",  // sfixed64
    "uuuuuuuu" "!!" "uu" "=" "u" "uuu" "u",  // float
    "uuuuuuuu" "uu" "!!" "u" "=" "uuu" "u",  // double
    "uuuuuuuu" "uu" "uu" "u" "u" "==x" "u",  // string
    "uuuuuuuu" "uu" "uu" "u" "u" "x=x" "u",  // bytes
    "uuuuuuuu" "uu" "uu" "u" "u" "x==" "u",  // message
    "uuuuuuuu" "uu" "uu" "u" "u" "uuu" "=",  // group
};
// clang-format on

Outcome OutcomeOf(char mark) { return static_cast<Outcome>(std::string_view("=~ux!").find(mark)); }

bool DeclaresOnly(const pb::EnumDescriptor& numbers, int lowest, int highest) {
  for (int i = 0; i < numbers.value_count(); ++i) {
    const int number = numbers.value(i)->number();
    if (number < lowest || number > highest) return false;
  }
  return true;
}

bool Declares(const pb::EnumDescriptor& numbers, int number) {
  return numbers.FindValueByNumber(number) != nullptr;
}

std::string WhyLossy(Kind writer, Kind reader) {
  if (reader == Kind::kBool) return "every number but 0 is read as true";
  if (writer == Kind::kInt32 || writer == Kind::kEnum || writer == Kind::kSfixed32 ||
      writer == Kind::kSfixed64) {
    return "negative numbers are read as large positive ones";
  }
  return "numbers beyond the reader's range are cut to other ones";
}

std::string WhyCorrupt(Kind writer) {
  if (!IsVarint(writer))
    return "the bits of a floating-point number are taken for an integer, or the reverse";
  if (writer == Kind::kSint32 || writer == Kind::kSint64) {
    return "numbers are read without undoing their zigzag coding: -1 as 1, 1 as 2";
  }
  return "numbers are read as if they were zigzag-coded: 1 as -1, 2 as 1";
}

std::string WhyError(Kind reader) {
  return reader == Kind::kMessage ? "bytes that are no such message do not parse"
                                  : "bytes that are no UTF-8 do not parse";
}

Reading ReadEnum(Kind kind, const pb::FieldDescriptor& reader) {
  const bool only_bits = Declares(*reader.enum_type(), 0) && Declares(*reader.enum_type(), 1);
  if (!IsClosed(reader) || kind == Kind::kEnum || (kind == Kind::kBool && only_bits)) return {};
  return {Outcome::kDropped,
          "numbers that the reader's enum does not declare are kept among the unknown fields"};
}

Reading ReadSingle(const pb::FieldDescriptor& writer, const pb::FieldDescriptor& reader) {
  const Kind from = KindOf(writer);
  const Kind to = KindOf(reader);
  const char mark = kSingle[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
  switch (OutcomeOf(mark)) {
    case Outcome::kKept:
      break;
    case Outcome::kLossy:
      if (from == Kind::kEnum && to == Kind::kBool && DeclaresOnly(*writer.enum_type(), 0, 1))
        return {};
      if (from == Kind::kEnum && to != Kind::kBool &&
          DeclaresOnly(*writer.enum_type(), 0, 0x7fffffff)) {
        return {};
      }
      if (to == Kind::kEnum)
        return Worse({Outcome::kLossy, WhyLossy(from, to)}, ReadEnum(from, reader));
      return {Outcome::kLossy, WhyLossy(from, to)};
    case Outcome::kDropped:
      return {Outcome::kDropped,
              "the bytes are of another wire type: the reader sees its default, the value stays "
              "among the unknown fields"};
    case Outcome::kError:
      if (to == Kind::kString && IsClosed(reader)) return {};  // proto2 does not check for UTF-8
      return {Outcome::kError, WhyError(to)};
    case Outcome::kCorrupt:
      return {Outcome::kCorrupt, WhyCorrupt(from)};
  }
  return to == Kind::kEnum && IsVarint(from) ? ReadEnum(from, reader) : Reading{};
}

// A list that is packed into one piece of bytes, and bytes that are read as such a list.
bool SameWire(Kind a, Kind b) {
  const auto width = [](Kind kind) {
    if (IsVarint(kind)) return 0;
    return kind == Kind::kFixed32 || kind == Kind::kSfixed32 || kind == Kind::kFloat ? 32 : 64;
  };
  return width(a) == width(b);
}

Reading ReadPacked(Kind from, const pb::FieldDescriptor& writer,
                   const pb::FieldDescriptor& reader) {
  const Kind to = KindOf(reader);
  if (to == Kind::kGroup || (IsNumber(to) && !reader.is_repeated())) {
    return {
        Outcome::kDropped,
        "the list is written packed: a reader of a single number sees its default, the list stays "
        "among the unknown fields"};
  }
  if (IsNumber(to) && SameWire(from, to)) return ReadSingle(writer, reader);
  if (from == Kind::kBool && to == Kind::kMessage) {
    return {Outcome::kError, "a packed list of bools does not parse as a message"};
  }
  return {Outcome::kCorrupt, "the bytes of the packed list are taken for something else"};
}

// Of a map's entries: a key or value that is not understood is not kept aside with its entry.
Reading ReadEntries(const pb::FieldDescriptor& writer, const pb::FieldDescriptor& reader) {
  const pb::Descriptor& from = *writer.message_type();
  const pb::Descriptor& to = *reader.message_type();
  const Reading key = ReadSingle(*from.map_key(), *to.map_key());
  const Reading value = ReadSingle(*from.map_value(), *to.map_value());
  const bool closed = IsVarint(KindOf(*from.map_value())) && KindOf(*to.map_value()) == Kind::kEnum;
  const auto in_entry = [](const Reading& part, const char* name) -> Reading {
    if (part.outcome != Outcome::kDropped) return part;
    return {Outcome::kCorrupt, std::string("every entry is read with the default as its ") + name +
                                   ", and nothing else is kept of it"};
  };
  return Worse(in_entry(key, "key"), closed ? value : in_entry(value, "value"));
}

// What is lost of a list besides what happens to its elements.
Reading ReadLast(const pb::FieldDescriptor& reader) {
  const Kind to = KindOf(reader);
  if (to == Kind::kMessage || to == Kind::kGroup) {
    return {Outcome::kCorrupt,
            "the elements of a list are merged into one message that nobody wrote"};
  }
  return {Outcome::kLossy, "of a list only the last element is read"};
}

}  // namespace

Kind KindOf(const pb::FieldDescriptor& field) {
  using Field = pb::FieldDescriptor;
  switch (field.type()) {
    case Field::TYPE_INT32:
      return Kind::kInt32;
    case Field::TYPE_INT64:
      return Kind::kInt64;
    case Field::TYPE_UINT32:
      return Kind::kUint32;
    case Field::TYPE_UINT64:
      return Kind::kUint64;
    case Field::TYPE_BOOL:
      return Kind::kBool;
    case Field::TYPE_ENUM:
      return Kind::kEnum;
    case Field::TYPE_SINT32:
      return Kind::kSint32;
    case Field::TYPE_SINT64:
      return Kind::kSint64;
    case Field::TYPE_FIXED32:
      return Kind::kFixed32;
    case Field::TYPE_SFIXED32:
      return Kind::kSfixed32;
    case Field::TYPE_FIXED64:
      return Kind::kFixed64;
    case Field::TYPE_SFIXED64:
      return Kind::kSfixed64;
    case Field::TYPE_FLOAT:
      return Kind::kFloat;
    case Field::TYPE_DOUBLE:
      return Kind::kDouble;
    case Field::TYPE_STRING:
      return Kind::kString;
    case Field::TYPE_BYTES:
      return Kind::kBytes;
    case Field::TYPE_MESSAGE:
      return Kind::kMessage;
    case Field::TYPE_GROUP:
      return Kind::kGroup;
  }
  return Kind::kGroup;
}

Reading ReadBinary(const pb::FieldDescriptor& writer, const pb::FieldDescriptor& reader) {
  const Kind from = KindOf(writer);
  const Kind to = KindOf(reader);
  if (writer.is_map() && reader.is_map()) return ReadEntries(writer, reader);
  if (writer.is_packed()) return ReadPacked(from, writer, reader);
  const bool from_bytes = !IsNumber(from) && from != Kind::kGroup;
  if (from_bytes && IsNumber(to) && reader.is_repeated()) {
    return {Outcome::kCorrupt, "the bytes are taken for a packed list of numbers"};
  }
  Reading each = ReadSingle(writer, reader);
  if (reader.is_map() && writer.is_repeated() && each.outcome == Outcome::kKept) {
    return {Outcome::kLossy, "of several entries with the same key only the last is read"};
  }
  if (!writer.is_repeated() || reader.is_repeated()) return each;
  if (each.outcome == Outcome::kDropped) return each;
  return Worse(std::move(each), ReadLast(reader));
}

}  // namespace holdfast::inline v0_5::contract
