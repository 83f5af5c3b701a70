// SPDX-License-Identifier: Apache-2.0
#include "adapters/contract/comparison.h"
#include "adapters/contract/ranges.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

// (before, after, note) of each number and name that is no more, or newly, reserved.
template <class Descriptor, class Tell>
void TellReserved(const Descriptor& before, const Descriptor& after, const Tell& tell) {
  const Ranges olds = Reserved(before);
  const Ranges news = Reserved(after);
  for (const Range& range : Without(olds, news)) tell(true, Text(range));
  for (const Range& range : Without(news, olds)) tell(false, Text(range));
  std::unordered_set<std::string_view> old_names;
  std::unordered_set<std::string_view> new_names;
  for (int i = 0; i < before.reserved_name_count(); ++i) old_names.insert(before.reserved_name(i));
  for (int i = 0; i < after.reserved_name_count(); ++i) new_names.insert(after.reserved_name(i));
  for (int i = 0; i < before.reserved_name_count(); ++i) {
    if (!new_names.contains(before.reserved_name(i)))
      tell(true, '"' + before.reserved_name(i) + '"');
  }
  for (int i = 0; i < after.reserved_name_count(); ++i) {
    if (!old_names.contains(after.reserved_name(i)))
      tell(false, '"' + after.reserved_name(i) + '"');
  }
}

constexpr char kReserved[] = "nothing can take it by mistake any more";
constexpr char kFree[] =
    "nothing keeps it from being used again, while data may exist in which it means something else";

}  // namespace

void Comparison::CompareReserved(const Message& before, const Message& after) {
  TellReserved(before, after, [&](bool removed, const std::string& text) {
    Add(removed ? ChangeKind::kReservedRemoved : ChangeKind::kReservedAdded, after.full_name(),
        removed ? text : "", removed ? "" : text, PlaceOf(after), removed ? kFree : kReserved);
  });
  const Ranges olds = Extensible(before);
  const Ranges news = Extensible(after);
  for (const Range& range : Without(olds, news)) {
    Add(ChangeKind::kExtensionChanged, after.full_name(), "extensions " + Text(range), "",
        PlaceOf(after), "extensions with these numbers are passed over, and kept as unknown");
  }
  for (const Range& range : Without(news, olds)) {
    Add(ChangeKind::kExtensionChanged, after.full_name(), "", "extensions " + Text(range),
        PlaceOf(after), "old readers pass over extensions with these numbers");
  }
}

void Comparison::CompareReserved(const Enum& before, const Enum& after) {
  TellReserved(before, after, [&](bool removed, const std::string& text) {
    Add(removed ? ChangeKind::kReservedRemoved : ChangeKind::kReservedAdded, after.full_name(),
        removed ? text : "", removed ? "" : text, PlaceOf(after), removed ? kFree : kReserved);
  });
}

}  // namespace holdfast::inline v0_5::contract
