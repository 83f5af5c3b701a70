// SPDX-License-Identifier: Apache-2.0
// Change: one difference between two versions of a schema, and what it does to data.
//
// What happens to a value is told for each direction and for the binary and the JSON encoding separately. It is about
// fields that the reader knows: one that it does not know it passes over, and keeps.
#ifndef HOLDFAST_CONTRACT_CHANGE_H_
#define HOLDFAST_CONTRACT_CHANGE_H_

#include <holdfast/contract/schema.h>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {

// What a reader makes of a value that the other version wrote, from harmless to worst.
enum class Outcome {
  kKept,     // the same value
  kLossy,    // some values are cut or changed, in a way that the type's range explains
  kDropped,  // the reader sees its default; the value is kept among the unknown fields
  kError,    // the message does not parse
  kCorrupt,  // another value, and nothing tells: neither an error nor an unknown field
};
std::string_view Name(Outcome outcome);  // "kept", "lossy", "dropped", "parse error", "corrupt"

// The worst that can happen, each way.
struct Effect {
  Outcome new_reads_old = Outcome::kKept;
  Outcome old_reads_new = Outcome::kKept;
};

enum class ChangeKind {
  kFileAdded,
  kFileRemoved,
  kPackageChanged,
  kSyntaxChanged,
  kMessageAdded,
  kMessageRemoved,
  kMessageMoved,
  kFieldAdded,
  kFieldRemoved,
  kFieldRenamed,
  kFieldRenumbered,
  kJsonNameChanged,
  kTypeChanged,
  kTypeNameChanged,
  kCardinalityChanged,
  kPresenceChanged,
  kPackingChanged,
  kDefaultChanged,
  kRequiredAdded,
  kRequiredRemoved,
  kOneofAdded,
  kOneofRemoved,
  kOneofRenamed,
  kFieldEnteredOneof,
  kFieldLeftOneof,
  kEnumAdded,
  kEnumRemoved,
  kEnumValueAdded,
  kEnumValueRemoved,
  kEnumValueRenamed,
  kEnumValueRenumbered,
  kEnumOpennessChanged,
  kReservedAdded,
  kReservedRemoved,
  kExtensionChanged,
  kServiceAdded,
  kServiceRemoved,
  kMethodAdded,
  kMethodRemoved,
  kMethodChanged,
};
std::string_view Name(ChangeKind kind);  // "field removed", ...

struct Change {
  ChangeKind kind{};
  std::string element;  // full name: "acme.Order.total"; of a file its path
  std::string before;   // "int32", "optional", "" if there was nothing
  std::string after;
  Place place;  // in the newer version; in the older one if it is gone
  Effect binary;
  Effect json;
  std::string why;  // one sentence for people: what happens to which values
};

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_CHANGE_H_
