// SPDX-License-Identifier: Apache-2.0
// Change: one difference between two versions of a schema, and what it does to data.
//
// What happens to a value is told for each direction and for the binary and the JSON encoding separately. It is about
// fields that the reader knows: one that it does not know it passes over, and in binary keeps. Each change is told where
// it is: a field whose message changed is no change itself, the field of that message is.
//
// The rules are of protobuf 3.21 for C++, and hold for its others but where a comment says so. JSON is ProtoJSON read with
// ignore_unknown_fields; a reader without it refuses, besides, every message that has what it does not know.
#ifndef HOLDFAST_CONTRACT_CHANGE_H_
#define HOLDFAST_CONTRACT_CHANGE_H_

#include <holdfast/contract/schema.h>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {

// What a reader makes of a value that the other version wrote, from harmless to worst. To be exact, of the written value
// w and the read one r:
//   kKept     r is w: the same number, bytes, list of them; of an enum the same number and, where both versions know the
//             name, the same name; and where JSON has one text for both, number and text are the same
//   kLossy    r is not w, and the reader's type cannot hold w: a number beyond its range, a list where it knows one value
//             (r is one of the list's), fields set together that it keeps in a oneof
//   kDropped  the reader sees the field unset; in binary w is among its unknown fields, in JSON it is gone
//   kError    the message does not parse
//   kCorrupt  r is not w although the reader's type could hold w, and neither an error nor an unknown field tells: zigzag
//             coding undone or not, the bits of a float as an integer, messages merged, another field's value
// An unset field is read as its default, so that another default is another value.
enum class Outcome {
  kKept,
  kLossy,
  kDropped,
  kError,
  kCorrupt,
};
std::string_view Name(Outcome outcome);  // "kept", "lossy", "dropped", "parse error", "corrupt"

// The worst that can happen, each way.
struct Effect {
  Outcome new_reads_old = Outcome::kKept;
  Outcome old_reads_new = Outcome::kKept;
};

// Fields and values are matched by name or, if a name is in one version only, by number; messages, enums and services by
// full name, wherever they are declared, or under the new package if their file's package changed.
enum class ChangeKind {
  kFileAdded,
  kFileRemoved,
  kPackageChanged,  // dropped: nobody finds the messages by name, in an Any or as a payload's type
  kSyntaxChanged,
  kMessageAdded,
  kMessageRemoved,  // dropped, unless another message had a field of it: then what became of that is told
  kMessageMoved,
  kFieldAdded,
  kFieldRemoved,
  kFieldRenamed,
  kFieldRenumbered,  // the same name under another number
  kJsonNameChanged,
  kTypeChanged,
  kTypeNameChanged,     // to a message or enum of another name; the two are compared
  kCardinalityChanged,  // repeated or a map, or no more; of both this and the type, kTypeChanged tells
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
  kExtensionChanged,  // a field became an extension or the reverse, or their ranges changed
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
