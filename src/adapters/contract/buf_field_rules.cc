// SPDX-License-Identifier: Apache-2.0
// buf's rules about a field's name, oneof and options. Extensions are fields here, of the message they extend.
#include "adapters/contract/buf_rule.h"

namespace holdfast::inline v0_5::contract::buf {
namespace {

using FieldPair = Pair<pb::FieldDescriptor>;

void Compare(const FieldPair& pair, std::string_view what, const std::string& before,
             const std::string& after, Findings* findings) {
  if (before != after) ReportField(pair, what, before, after, findings);
}

bool InMapEntries(const FieldPair& pair) {
  return pair.older.containing_type()->options().map_entry() &&
         pair.newer.containing_type()->options().map_entry();
}

void SameName(const FieldPair& pair, Findings* findings) {
  const bool full = pair.older.is_extension();  // those are known by nothing else
  Compare(pair, "name", Quoted(full ? pair.older.full_name() : pair.older.name()),
          Quoted(full ? pair.newer.full_name() : pair.newer.name()), findings);
}

void SameJsonName(const FieldPair& pair, Findings* findings) {
  if (pair.older.is_extension()) return;  // theirs cannot be chosen
  Compare(pair, "JSON name", Quoted(pair.older.json_name()), Quoted(pair.newer.json_name()),
          findings);
}

// The oneof that makes a proto3 field `optional` is none.
std::string OneofOf(const pb::FieldDescriptor& field) {
  const pb::OneofDescriptor* const oneof = field.real_containing_oneof();
  return oneof == nullptr ? "none" : Quoted(oneof->name());
}

void SameOneof(const FieldPair& pair, Findings* findings) {
  Compare(pair, "oneof", OneofOf(pair.older), OneofOf(pair.newer), findings);
}

bool Is64Bits(const pb::FieldDescriptor& field) {
  return field.cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64 ||
         field.cpp_type() == pb::FieldDescriptor::CPPTYPE_UINT64;
}

void SameJsType(const FieldPair& pair, Findings* findings) {
  if (!Is64Bits(pair.older) || !Is64Bits(pair.newer)) return;
  Compare(pair, "option jstype", pb::FieldOptions::JSType_Name(pair.older.options().jstype()),
          pb::FieldOptions::JSType_Name(pair.newer.options().jstype()), findings);
}

bool IsString(const pb::FieldDescriptor& field) {
  return field.type() == pb::FieldDescriptor::TYPE_STRING;
}

void SameCppStringType(const FieldPair& pair, Findings* findings) {
  if (InMapEntries(pair) || pair.older.cpp_type() != pb::FieldDescriptor::CPPTYPE_STRING ||
      pair.newer.cpp_type() != pb::FieldDescriptor::CPPTYPE_STRING) {
    return;
  }
  const auto before = pair.older.options().ctype();
  const auto after = pair.newer.options().ctype();
  if (before == pb::FieldOptions::STRING_PIECE && after == pb::FieldOptions::STRING) return;
  Compare(pair, "option ctype", pb::FieldOptions::CType_Name(before),
          pb::FieldOptions::CType_Name(after), findings);
}

// A file's syntax decides whether its strings are checked to be UTF-8 when they are parsed.
std::string Utf8(bool checked) { return checked ? "checked" : "not checked"; }
bool ChecksUtf8(const pb::FieldDescriptor& field) {
  return field.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
}
bool ChecksUtf8InJava(const pb::FieldDescriptor& field) {
  return ChecksUtf8(field) || field.file()->options().java_string_check_utf8();
}

void SameUtf8Validation(const FieldPair& pair, Findings* findings) {
  if (!IsString(pair.older) || !IsString(pair.newer)) return;
  Compare(pair, "UTF-8", Utf8(ChecksUtf8(pair.older)), Utf8(ChecksUtf8(pair.newer)), findings);
}

void SameJavaUtf8Validation(const FieldPair& pair, Findings* findings) {
  if (!IsString(pair.older) || !IsString(pair.newer)) return;
  Compare(pair, "UTF-8 in Java", Utf8(ChecksUtf8InJava(pair.older)),
          Utf8(ChecksUtf8InJava(pair.newer)), findings);
}

constexpr Rule<pb::FieldDescriptor> kRules[] = {
    {"FIELD_SAME_NAME", kNames, SameName},
    {"FIELD_SAME_JSON_NAME", kNames, SameJsonName},
    {"FIELD_SAME_ONEOF", kEvery, SameOneof},
    {"FIELD_SAME_JSTYPE", kSources, SameJsType},
    {"FIELD_SAME_CPP_STRING_TYPE", kSources, SameCppStringType},
    {"FIELD_SAME_UTF8_VALIDATION", kSources, SameUtf8Validation},
    {"FIELD_SAME_JAVA_UTF8_VALIDATION", kSources, SameJavaUtf8Validation},
};

}  // namespace

Rules<pb::FieldDescriptor> FieldRules() { return kRules; }

}  // namespace holdfast::inline v0_5::contract::buf
