// SPDX-License-Identifier: Apache-2.0
// What becomes of the values of one field when another declaration of it reads them.
#ifndef HOLDFAST_ADAPTERS_CONTRACT_READING_H_
#define HOLDFAST_ADAPTERS_CONTRACT_READING_H_

#include <google/protobuf/descriptor.h>
#include <holdfast/contract/change.h>

#include <string>
#include <utility>

namespace holdfast::inline v0_5::contract {

// The worst that can happen, and a clause that says to which values: "numbers beyond the reader's
// range are cut".
struct Reading {
  Outcome outcome = Outcome::kKept;
  std::string what = {};
};

inline Reading Worse(Reading a, Reading b) {
  return b.outcome > a.outcome ? std::move(b) : std::move(a);
}

// Of the declared type, cardinality and packing; names, presence and defaults are others' business.
// The types of messages and enums are taken to be the same: their differences are told where they
// are.
Reading ReadBinary(const google::protobuf::FieldDescriptor& writer,
                   const google::protobuf::FieldDescriptor& reader);
Reading ReadJson(const google::protobuf::FieldDescriptor& writer,
                 const google::protobuf::FieldDescriptor& reader);
// Of two messages of different names, whose fields are compared elsewhere: in JSON, some of google.protobuf have a form
// of their own.
Reading ReadJson(const google::protobuf::Descriptor& writer,
                 const google::protobuf::Descriptor& reader);

// The rows and columns of the tables, in the order of the documentation.
// clang-format off
enum class Kind {
  kInt32, kInt64, kUint32, kUint64, kBool, kEnum, kSint32, kSint64, kFixed32,
  kSfixed32, kFixed64, kSfixed64, kFloat, kDouble, kString, kBytes, kMessage, kGroup,
};
// clang-format on
Kind KindOf(const google::protobuf::FieldDescriptor& field);
inline bool IsNumber(Kind kind) { return kind < Kind::kString; }
inline bool IsVarint(Kind kind) { return kind < Kind::kFixed32; }
// A reader with a closed enum keeps a number that it does not declare among the unknown fields. C++
// goes by the file that declares the field, not by the enum's.
inline bool IsClosed(const google::protobuf::FieldDescriptor& field) {
  return field.file()->syntax() == google::protobuf::FileDescriptor::SYNTAX_PROTO2;
}

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_ADAPTERS_CONTRACT_READING_H_
