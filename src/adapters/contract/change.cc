// SPDX-License-Identifier: Apache-2.0
#include <holdfast/contract/change.h>

namespace holdfast::inline v0_5::contract {

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kKept:
      return "kept";
    case Outcome::kLossy:
      return "lossy";
    case Outcome::kDropped:
      return "dropped";
    case Outcome::kError:
      return "parse error";
    case Outcome::kCorrupt:
      return "corrupt";
  }
  return "unknown";
}

std::string_view Name(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kFileAdded:
      return "file added";
    case ChangeKind::kFileRemoved:
      return "file removed";
    case ChangeKind::kPackageChanged:
      return "package changed";
    case ChangeKind::kSyntaxChanged:
      return "syntax changed";
    case ChangeKind::kMessageAdded:
      return "message added";
    case ChangeKind::kMessageRemoved:
      return "message removed";
    case ChangeKind::kMessageMoved:
      return "message moved";
    case ChangeKind::kFieldAdded:
      return "field added";
    case ChangeKind::kFieldRemoved:
      return "field removed";
    case ChangeKind::kFieldRenamed:
      return "field renamed";
    case ChangeKind::kFieldRenumbered:
      return "field renumbered";
    case ChangeKind::kJsonNameChanged:
      return "JSON name changed";
    case ChangeKind::kTypeChanged:
      return "type changed";
    case ChangeKind::kTypeNameChanged:
      return "type name changed";
    case ChangeKind::kCardinalityChanged:
      return "cardinality changed";
    case ChangeKind::kPresenceChanged:
      return "presence changed";
    case ChangeKind::kPackingChanged:
      return "packing changed";
    case ChangeKind::kDefaultChanged:
      return "default changed";
    case ChangeKind::kRequiredAdded:
      return "required added";
    case ChangeKind::kRequiredRemoved:
      return "required removed";
    case ChangeKind::kOneofAdded:
      return "oneof added";
    case ChangeKind::kOneofRemoved:
      return "oneof removed";
    case ChangeKind::kOneofRenamed:
      return "oneof renamed";
    case ChangeKind::kFieldEnteredOneof:
      return "field entered oneof";
    case ChangeKind::kFieldLeftOneof:
      return "field left oneof";
    case ChangeKind::kEnumAdded:
      return "enum added";
    case ChangeKind::kEnumRemoved:
      return "enum removed";
    case ChangeKind::kEnumValueAdded:
      return "enum value added";
    case ChangeKind::kEnumValueRemoved:
      return "enum value removed";
    case ChangeKind::kEnumValueRenamed:
      return "enum value renamed";
    case ChangeKind::kEnumValueRenumbered:
      return "enum value renumbered";
    case ChangeKind::kEnumOpennessChanged:
      return "enum openness changed";
    case ChangeKind::kReservedAdded:
      return "reserved added";
    case ChangeKind::kReservedRemoved:
      return "reserved removed";
    case ChangeKind::kExtensionChanged:
      return "extension changed";
    case ChangeKind::kServiceAdded:
      return "service added";
    case ChangeKind::kServiceRemoved:
      return "service removed";
    case ChangeKind::kMethodAdded:
      return "method added";
    case ChangeKind::kMethodRemoved:
      return "method removed";
    case ChangeKind::kMethodChanged:
      return "method changed";
  }
  return "unknown";
}

}  // namespace holdfast::inline v0_5::contract
