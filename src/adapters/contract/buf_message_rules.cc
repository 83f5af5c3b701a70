// SPDX-License-Identifier: Apache-2.0
// buf's rules about messages: fields that go, required ones, oneofs, reserved and extension ranges.
#include "adapters/contract/buf_ranges.h"
#include "adapters/contract/buf_rule.h"

namespace holdfast::inline v0_5::contract::buf {
namespace {

using MessagePair = Pair<pb::Descriptor>;

bool Never(const pb::Descriptor&, const pb::FieldDescriptor&) { return false; }
bool NumberReserved(const pb::Descriptor& newer, const pb::FieldDescriptor& field) {
  return newer.IsReservedNumber(field.number());
}
bool NameReserved(const pb::Descriptor& newer, const pb::FieldDescriptor& field) {
  return newer.IsReservedName(field.name());
}

template <bool (*kExcused)(const pb::Descriptor& newer, const pb::FieldDescriptor& field)>
void FieldNoDelete(const MessagePair& pair, Findings* findings) {
  for (int i = 0; i < pair.older.field_count(); ++i) {
    const pb::FieldDescriptor& field = *pair.older.field(i);
    if (pair.newer.FindFieldByNumber(field.number()) != nullptr) continue;
    if (kExcused(pair.newer, field)) continue;
    findings->Add(field.full_name(), WhereIs(field),
                  "field " + std::to_string(field.number()) + " is gone");
  }
}

// Whoever does not know a required field sends messages that others do not parse.
void SameRequiredFields(const MessagePair& pair, Findings* findings) {
  const auto report = [&](const pb::Descriptor& message, const pb::Descriptor& other,
                          std::string_view what) {
    for (int i = 0; i < message.field_count(); ++i) {
      const pb::FieldDescriptor& field = *message.field(i);
      const pb::FieldDescriptor* const same = other.FindFieldByNumber(field.number());
      if (!field.is_required() || (same != nullptr && same->is_required())) continue;
      findings->Add(field.full_name(), WhereIs(field),
                    "required field " + std::to_string(field.number()) + std::string(what));
    }
  };
  report(pair.older, pair.newer, " is no longer");
  report(pair.newer, pair.older, " is new");
}

void OneofNoDelete(const MessagePair& pair, Findings* findings) {
  for (int i = 0; i < pair.older.real_oneof_decl_count(); ++i) {
    const pb::OneofDescriptor& oneof = *pair.older.oneof_decl(i);  // the real ones come first
    if (pair.newer.FindOneofByName(oneof.name()) != nullptr) continue;
    findings->Add(oneof.full_name(), PlaceOf(oneof), "the oneof is gone");
  }
}

// For both kinds of ranges; their ends do not belong to them.
template <class At>
std::vector<NumberRange> RangesOf(int count, const At& at) {
  std::vector<NumberRange> ranges;
  for (int i = 0; i < count; ++i) ranges.push_back({at(i)->start, std::int64_t{at(i)->end} - 1});
  return ranges;
}
std::vector<NumberRange> Reserved(const pb::Descriptor& message) {
  return RangesOf(message.reserved_range_count(), [&](int i) { return message.reserved_range(i); });
}
std::vector<NumberRange> ForExtensions(const pb::Descriptor& message) {
  return RangesOf(message.extension_range_count(),
                  [&](int i) { return message.extension_range(i); });
}

void CheckRanges(const MessagePair& pair, std::string_view what,
                 std::vector<NumberRange> (*ranges)(const pb::Descriptor&), Findings* findings) {
  for (const NumberRange& range : ranges(pair.older)) {
    const std::vector<NumberRange> gaps = Uncovered(range, ranges(pair.newer));
    if (gaps.empty()) continue;
    findings->Add(pair.newer.full_name(), WhereIs(pair.newer), std::string(what) + Text(gaps));
  }
}

void ReservedNoDelete(const MessagePair& pair, Findings* findings) {
  CheckRanges(pair, "no longer reserved: ", Reserved, findings);
  for (int i = 0; i < pair.older.reserved_name_count(); ++i) {
    const std::string& name = pair.older.reserved_name(i);
    if (pair.newer.IsReservedName(name)) continue;
    findings->Add(pair.newer.full_name(), WhereIs(pair.newer),
                  "no longer reserved: " + Quoted(name));
  }
}

void ExtensionRangeNoDelete(const MessagePair& pair, Findings* findings) {
  CheckRanges(pair, "no longer left to extensions: ", ForExtensions, findings);
}

// proto3 promises that its messages have a JSON form, proto2 does not.
void SameJsonFormat(const MessagePair& pair, Findings* findings) {
  if (pair.older.file()->syntax() != pb::FileDescriptor::SYNTAX_PROTO3) return;
  if (pair.newer.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3) return;
  findings->Add(pair.newer.full_name(), WhereIs(pair.newer), "proto2 promises no JSON form for it");
}

void NoRemoveAccessor(const MessagePair& pair, Findings* findings) {
  if (pair.older.options().no_standard_descriptor_accessor()) return;
  if (!pair.newer.options().no_standard_descriptor_accessor()) return;
  findings->Add(pair.newer.full_name(), WhereIs(pair.newer),
                "its generated class has a method descriptor() no longer");
}

constexpr Rule<pb::Descriptor> kRules[] = {
    {"FIELD_NO_DELETE", kSources, FieldNoDelete<Never>},
    {"FIELD_NO_DELETE_UNLESS_NAME_RESERVED", kWireJson, FieldNoDelete<NameReserved>},
    {"FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED", kWire | kWireJson, FieldNoDelete<NumberReserved>},
    {"MESSAGE_SAME_REQUIRED_FIELDS", kEvery, SameRequiredFields},
    {"ONEOF_NO_DELETE", kSources, OneofNoDelete},
    {"RESERVED_MESSAGE_NO_DELETE", kEvery, ReservedNoDelete},
    {"EXTENSION_MESSAGE_NO_DELETE", kSources, ExtensionRangeNoDelete},
    {"MESSAGE_SAME_JSON_FORMAT", kNames, SameJsonFormat},
    {"MESSAGE_NO_REMOVE_STANDARD_DESCRIPTOR_ACCESSOR", kSources, NoRemoveAccessor},
};

}  // namespace

Rules<pb::Descriptor> MessageRules() { return kRules; }

}  // namespace holdfast::inline v0_5::contract::buf
