// SPDX-License-Identifier: Apache-2.0
// buf's rules about enums and their values.
#include <map>
#include <set>

#include "adapters/contract/buf_ranges.h"
#include "adapters/contract/buf_rule.h"

namespace holdfast::inline v0_5::contract::buf {
namespace {

using EnumPair = Pair<pb::EnumDescriptor>;
using Values = std::vector<const pb::EnumValueDescriptor*>;

// A number has several values where there are aliases.
std::map<int, Values> ByNumber(const pb::EnumDescriptor& declared) {
  std::map<int, Values> values;
  for (int i = 0; i < declared.value_count(); ++i) {
    values[declared.value(i)->number()].push_back(declared.value(i));
  }
  return values;
}

bool IsOpen(const pb::EnumDescriptor& declared) {
  return declared.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
}
std::string Openness(const pb::EnumDescriptor& declared) {
  return IsOpen(declared) ? "open" : "closed";
}

void SameType(const EnumPair& pair, Findings* findings) {
  if (IsOpen(pair.older) == IsOpen(pair.newer)) return;
  findings->Add(pair.newer.full_name(), PlaceOf(pair.newer),
                "the enum: " + Became(Openness(pair.older), Openness(pair.newer)));
}

// proto3 promises that its enums have a JSON form, proto2 does not.
void SameJsonFormat(const EnumPair& pair, Findings* findings) {
  if (!IsOpen(pair.older) || IsOpen(pair.newer)) return;
  findings->Add(pair.newer.full_name(), PlaceOf(pair.newer), "proto2 promises no JSON form for it");
}

bool Never(const pb::EnumDescriptor&, const Values&) { return false; }
bool NumberReserved(const pb::EnumDescriptor& newer, const Values& values) {
  return newer.IsReservedNumber(values.front()->number());
}
bool NamesReserved(const pb::EnumDescriptor& newer, const Values& values) {
  for (const pb::EnumValueDescriptor* const value : values) {
    if (!newer.IsReservedName(value->name())) return false;
  }
  return true;
}

// A value is gone when its number is: another name for it is for ENUM_VALUE_SAME_NAME to judge.
template <bool (*kExcused)(const pb::EnumDescriptor& newer, const Values& values)>
void ValueNoDelete(const EnumPair& pair, Findings* findings) {
  for (const auto& [number, values] : ByNumber(pair.older)) {
    if (pair.newer.FindValueByNumber(number) != nullptr || kExcused(pair.newer, values)) continue;
    findings->Add(values.front()->full_name(), PlaceOf(*values.front()),
                  "value " + std::to_string(number) + " is gone");
  }
}

void ValueSameName(const EnumPair& pair, Findings* findings) {
  const std::map<int, Values> newer = ByNumber(pair.newer);
  for (const auto& [number, values] : ByNumber(pair.older)) {
    const auto same = newer.find(number);
    if (same == newer.end()) continue;
    std::set<std::string_view> names;
    for (const pb::EnumValueDescriptor* const value : same->second) names.insert(value->name());
    std::string lost;
    for (const pb::EnumValueDescriptor* const value : values) {
      if (names.count(value->name()) == 0) lost = value->name();
    }
    if (lost.empty()) continue;
    for (const pb::EnumValueDescriptor* const value : same->second) {
      findings->Add(value->full_name(), PlaceOf(*value),
                    "value " + std::to_string(number) + " is no longer called " + Quoted(lost));
    }
  }
}

void ReservedNoDelete(const EnumPair& pair, Findings* findings) {
  std::vector<NumberRange> kept;
  for (int i = 0; i < pair.newer.reserved_range_count(); ++i) {
    kept.push_back({pair.newer.reserved_range(i)->start, pair.newer.reserved_range(i)->end});
  }
  for (int i = 0; i < pair.older.reserved_range_count(); ++i) {
    const auto* const range = pair.older.reserved_range(i);
    const std::vector<NumberRange> gaps = Uncovered({range->start, range->end}, kept);
    if (gaps.empty()) continue;
    findings->Add(pair.newer.full_name(), PlaceOf(pair.newer), "no longer reserved: " + Text(gaps));
  }
  for (int i = 0; i < pair.older.reserved_name_count(); ++i) {
    const std::string& name = pair.older.reserved_name(i);
    if (pair.newer.IsReservedName(name)) continue;
    findings->Add(pair.newer.full_name(), PlaceOf(pair.newer),
                  "no longer reserved: " + Quoted(name));
  }
}

constexpr Rule<pb::EnumDescriptor> kRules[] = {
    {"ENUM_SAME_TYPE", kSources, SameType},
    {"ENUM_SAME_JSON_FORMAT", kNames, SameJsonFormat},
    {"ENUM_VALUE_NO_DELETE", kSources, ValueNoDelete<Never>},
    {"ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED", kWireJson, ValueNoDelete<NamesReserved>},
    {"ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED", kWire | kWireJson,
     ValueNoDelete<NumberReserved>},
    {"ENUM_VALUE_SAME_NAME", kNames, ValueSameName},
    {"RESERVED_ENUM_NO_DELETE", kEvery, ReservedNoDelete},
};

}  // namespace

Rules<pb::EnumDescriptor> EnumRules() { return kRules; }

}  // namespace holdfast::inline v0_5::contract::buf
