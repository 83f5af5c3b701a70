// SPDX-License-Identifier: Apache-2.0
#include "adapters/contract/ranges.h"

#include <algorithm>
#include <utility>

namespace holdfast::inline v0_5::contract {
namespace {

namespace pb = google::protobuf;

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

}  // namespace

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

}  // namespace holdfast::inline v0_5::contract
