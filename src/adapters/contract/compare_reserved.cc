// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>

#include "adapters/contract/comparison.h"

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

struct Range {
  std::int64_t first = 0;
  std::int64_t last = 0;  // it included
};
using Ranges = std::vector<Range>;

// In order, and those that touch as one.
Ranges Joined(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  Ranges joined;
  for (const Range& range : ranges) {
    if (!joined.empty() && range.first <= joined.back().last + 1) {
      joined.back().last = std::max(joined.back().last, range.last);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

// What of `a` is not in `b`. Both joined.
Ranges Without(const Ranges& a, const Ranges& b) {
  Ranges left;
  auto other = b.begin();
  for (Range range : a) {
    while (other != b.end() && other->last < range.first) ++other;
    for (auto cut = other; cut != b.end() && cut->first <= range.last; ++cut) {
      if (cut->first > range.first) left.push_back({range.first, cut->first - 1});
      range.first = cut->last + 1;
    }
    if (range.first <= range.last) left.push_back(range);
  }
  return left;
}

std::string Text(const Range& range) {
  if (range.first == range.last) return std::to_string(range.first);
  return std::to_string(range.first) + " to " + std::to_string(range.last);
}

Ranges Reserved(const pb::Descriptor& message) {
  Ranges ranges;
  for (int i = 0; i < message.reserved_range_count(); ++i) {
    ranges.push_back(
        {message.reserved_range(i)->start, std::int64_t{message.reserved_range(i)->end} - 1});
  }
  return Joined(std::move(ranges));
}

Ranges Reserved(const pb::EnumDescriptor& numbers) {
  Ranges ranges;
  for (int i = 0; i < numbers.reserved_range_count(); ++i) {
    ranges.push_back({numbers.reserved_range(i)->start, numbers.reserved_range(i)->end});
  }
  return Joined(std::move(ranges));
}

Ranges Extensible(const pb::Descriptor& message) {
  Ranges ranges;
  for (int i = 0; i < message.extension_range_count(); ++i) {
    ranges.push_back(
        {message.extension_range(i)->start, std::int64_t{message.extension_range(i)->end} - 1});
  }
  return Joined(std::move(ranges));
}

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
