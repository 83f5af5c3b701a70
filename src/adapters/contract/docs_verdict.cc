// SPDX-License-Identifier: Apache-2.0
//
// What protobuf.dev says: "Updating A Message Type" of the language guides and "ProtoJSON Wire Safety". A rule is named
// after their headings: wire-unsafe, or conditionally-safe. Of what they do not mention they are not said to object to it.
#include <google/protobuf/descriptor.h>
#include <holdfast/contract/verdict.h>

#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "adapters/contract/comparison.h"
#include "adapters/contract/ranges.h"
#include "adapters/contract/reading.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;
using Field = pb::FieldDescriptor;

// Messages that refer to each other can be paired each with each: more than this are not compared.
constexpr std::size_t kMostRenamed = 200'000;

enum class Safety { kSafe, kConditional, kUnsafe };

bool IsInt(Kind kind) {
  return kind == Kind::kInt32 || kind == Kind::kInt64 || kind == Kind::kUint32 ||
         kind == Kind::kUint64;
}
bool AreBoth(Kind a, Kind b, Kind one, Kind other) {
  return (a == one && b == other) || (a == other && b == one);
}

Safety BinaryTypes(Kind a, Kind b) {
  if (a == b) return Safety::kSafe;
  const auto integral = [](Kind kind) { return IsInt(kind) || kind == Kind::kBool; };
  const bool compatible =
      (integral(a) && integral(b)) || (a == Kind::kEnum && IsInt(b)) ||
      (b == Kind::kEnum && IsInt(a)) || AreBoth(a, b, Kind::kSint32, Kind::kSint64) ||
      AreBoth(a, b, Kind::kString, Kind::kBytes) || AreBoth(a, b, Kind::kMessage, Kind::kBytes) ||
      AreBoth(a, b, Kind::kFixed32, Kind::kSfixed32) ||
      AreBoth(a, b, Kind::kFixed64, Kind::kSfixed64);
  return compatible ? Safety::kConditional : Safety::kUnsafe;
}

// 32 or 64 for the integers of JSON, 0 for all else.
int JsonBits(Kind kind) {
  switch (kind) {
    case Kind::kInt32:
    case Kind::kUint32:
    case Kind::kSint32:
    case Kind::kFixed32:
    case Kind::kSfixed32:
      return 32;
    case Kind::kInt64:
    case Kind::kUint64:
    case Kind::kSint64:
    case Kind::kFixed64:
    case Kind::kSfixed64:
      return 64;
    default:
      return 0;
  }
}

Safety JsonTypes(Kind a, Kind b) {
  if (a == b) return Safety::kSafe;
  const auto is_unsigned = [](Kind kind) { return kind == Kind::kUint32 || kind == Kind::kUint64; };
  if (JsonBits(a) != 0 && JsonBits(b) != 0) {
    const bool same = JsonBits(a) == JsonBits(b) && !is_unsigned(a) && !is_unsigned(b);
    return same ? Safety::kSafe : Safety::kConditional;
  }
  const bool with_enum = a == Kind::kEnum || b == Kind::kEnum;
  const Kind other = a == Kind::kEnum ? b : a;
  return with_enum && (other == Kind::kString || JsonBits(other) != 0) ? Safety::kConditional
                                                                       : Safety::kUnsafe;
}

// Whether the message is what the entries of the map are.
bool IsEntryOf(const pb::Descriptor& entry, const pb::Descriptor& message) {
  if (entry.field_count() != message.field_count()) return false;
  for (int i = 0; i < entry.field_count(); ++i) {
    const Field* const same = message.FindFieldByNumber(entry.field(i)->number());
    if (same == nullptr || same->type() != entry.field(i)->type() || same->is_repeated())
      return false;
  }
  return true;
}

class Docs {
 public:
  Docs(const Schema& older, const Schema& newer, bool json, const DocsOptions& options)
      : older_(older), newer_(newer), json_(json), options_(options) {}

  std::vector<Violation> Run() {
    for (const pb::Descriptor* const before : older_.messages) {
      const pb::Descriptor* const after = newer_.schema().FindMessage(before->full_name());
      if (after != nullptr) Pair(*before, *after);
    }
    for (const pb::EnumDescriptor* const before : older_.enums) {
      const auto* const after = newer_.schema().pool().FindEnumTypeByName(before->full_name());
      if (after != nullptr) Pair(*before, *after);
    }
    std::size_t left = messages_.size() + kMostRenamed;
    while (!messages_.empty()) {
      const auto [before, after] = messages_.front();
      messages_.pop_front();
      if (left-- == 0) {
        Object(Safety::kUnsafe, *after, "too many messages of other names to compare");
        break;
      }
      CompareMessages(*before, *after);
    }
    return std::move(violations_);
  }

 private:
  // Remembers to compare the two, or compares them: each pair once, however they refer to each other.
  void Pair(const pb::Descriptor& before, const pb::Descriptor& after) {
    if (seen_.emplace(&before, &after).second) messages_.emplace_back(&before, &after);
  }
  void Pair(const pb::EnumDescriptor& before, const pb::EnumDescriptor& after) {
    if (seen_.emplace(&before, &after).second) CompareEnums(before, after);
  }

  template <class Descriptor>
  void Object(Safety safety, const Descriptor& where, std::string text) {
    if (safety == Safety::kSafe) return;
    if (safety == Safety::kConditional && options_.conditional_is_fine) return;
    violations_.push_back({safety == Safety::kUnsafe ? "wire-unsafe" : "conditionally-safe",
                           where.full_name(), PlaceOf(where), std::move(text)});
  }

  void CompareMessages(const pb::Descriptor& before, const pb::Descriptor& after) {
    const Fields olds(older_.schema(), before);
    const Fields news(newer_.schema(), after);
    for (const Field* const field : olds.all) {
      const Field* const partner = Partner(*field, olds, news);
      partner == nullptr ? RemoveField(*field, after) : CompareFields(*field, *partner, olds, news);
    }
    for (const Field* const field : news.all) {
      if (Partner(*field, news, olds) != nullptr) continue;
      if (field->is_required()) Object(Safety::kUnsafe, *field, "a required field was added");
      if (json_) Object(Safety::kConditional, *field, "old readers must ignore unknown fields");
    }
    if (!json_) CompareReserved(before, after);
  }

  void RemoveField(const Field& field, const pb::Descriptor& after) {
    if (field.is_required()) Object(Safety::kUnsafe, field, "a required field was removed");
    if (json_) {
      Object(Safety::kConditional, field, "new readers must ignore unknown fields");
    } else if (!after.IsReservedNumber(field.number())) {
      Object(Safety::kConditional, field,
             "its number is not reserved, and must never be used again");
    }
  }

  void CompareFields(const Field& before, const Field& after, const Fields& olds,
                     const Fields& news) {
    if (!json_ && before.number() != after.number()) {
      Object(Safety::kUnsafe, after, "its number was " + std::to_string(before.number()));
    }
    if (json_ && before.is_extension() != after.is_extension()) {
      Object(Safety::kUnsafe, after, "a field and an extension have different names in JSON");
    } else if (json_ && before.json_name() != after.json_name()) {
      Object(Safety::kUnsafe, after, "its name in JSON was " + before.json_name());
    }
    if (before.is_required() != after.is_required()) {
      Object(Safety::kUnsafe, after, "only one of the versions requires it");
    }
    CompareTypes(before, after);
    CompareOneof(after, olds, news);
  }

  void CompareTypes(const Field& before, const Field& after) {
    const std::string text = TypeText(before) + " became " + TypeText(after);
    const Kind from = KindOf(before);
    const Kind to = KindOf(after);
    if (before.is_map() && after.is_map()) {
      CompareTypes(*before.message_type()->map_key(), *after.message_type()->map_key());
      CompareTypes(*before.message_type()->map_value(), *after.message_type()->map_value());
      return;
    }
    if (before.is_map() != after.is_map()) {
      const pb::Descriptor* const entry = (before.is_map() ? before : after).message_type();
      const pb::Descriptor* const message = (before.is_map() ? after : before).message_type();
      const bool lists = before.is_repeated() && after.is_repeated();
      const bool same = message != nullptr && lists && IsEntryOf(*entry, *message);
      Object(json_ || !same ? Safety::kUnsafe : Safety::kConditional, after, text);
      return;
    }
    Object(json_ ? JsonTypes(from, to) : BinaryTypes(from, to), after, text);
    if (from == to && before.message_type() != nullptr) {
      Pair(*before.message_type(), *after.message_type());
    } else if (from == to && before.enum_type() != nullptr) {
      Pair(*before.enum_type(), *after.enum_type());
    }
    if (before.is_repeated() == after.is_repeated()) return;
    Object(json_ || IsNumber(from) || IsNumber(to) ? Safety::kUnsafe : Safety::kConditional, after,
           text);
  }

  // A field that comes into a oneof is safe alone, not where others are that could be set with it.
  void CompareOneof(const Field& after, const Fields& olds, const Fields& news) {
    const pb::OneofDescriptor* const oneof = after.real_containing_oneof();
    if (oneof == nullptr) return;
    const Field* const before = Partner(after, news, olds);
    const pb::OneofDescriptor* const group = before->real_containing_oneof();
    // The first of the oneof stands for those that were there: each is compared with it only.
    const Field* other = nullptr;
    for (int i = 0; i < oneof->field_count() && other == nullptr; ++i) {
      other = Partner(*oneof->field(i), news, olds);
    }
    if (other == before || (group != nullptr && other->real_containing_oneof() == group)) return;
    Object(Safety::kUnsafe, after,
           "it came into the oneof " + oneof->name() + " of fields that it could be set with");
  }

  void CompareReserved(const pb::Descriptor& before, const pb::Descriptor& after) {
    for (const Range& range : Without(Reserved(before), Reserved(after))) {
      Object(Safety::kUnsafe, after, "no more reserved: " + Text(range));
    }
  }

  void CompareEnums(const pb::EnumDescriptor& before, const pb::EnumDescriptor& after) {
    if (!json_) return;
    for (int i = 0; i < before.value_count(); ++i) {
      const pb::EnumValueDescriptor& value = *before.value(i);
      if (after.FindValueByName(value.name()) != nullptr) continue;
      const pb::EnumValueDescriptor* const renamed = after.FindValueByNumber(value.number());
      renamed == nullptr
          ? Object(Safety::kConditional, value, "new readers must ignore what they do not know")
          : Object(Safety::kUnsafe, *renamed, "its name in JSON was " + value.name());
    }
    for (int i = 0; i < after.value_count(); ++i) {
      const pb::EnumValueDescriptor& value = *after.value(i);
      if (before.FindValueByName(value.name()) != nullptr) continue;
      if (before.FindValueByNumber(value.number()) != nullptr) continue;  // told as a new name
      Object(Safety::kConditional, value, "old readers must know it before it is written");
    }
  }

  const Side older_;
  const Side newer_;
  const bool json_;
  const DocsOptions options_;
  std::deque<std::pair<const pb::Descriptor*, const pb::Descriptor*>> messages_;
  std::set<std::pair<const void*, const void*>> seen_;
  std::vector<Violation> violations_;
};

}  // namespace

std::vector<Violation> JudgeDocs(const Schema& older, const Schema& newer, bool json,
                                 const DocsOptions& options) {
  return Docs(older, newer, json, options).Run();
}

}  // namespace holdfast::inline v0_5::contract
