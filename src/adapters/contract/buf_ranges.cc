// SPDX-License-Identifier: Apache-2.0
#include "adapters/contract/buf_ranges.h"

#include <algorithm>

namespace holdfast::inline v0_5::contract::buf {

std::vector<NumberRange> Uncovered(NumberRange wanted, std::vector<NumberRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const NumberRange& a, const NumberRange& b) { return a.first < b.first; });
  std::vector<NumberRange> gaps;
  for (const NumberRange& range : ranges) {
    if (range.first > wanted.last) break;
    if (range.first > wanted.first) gaps.push_back({wanted.first, range.first - 1});
    wanted.first = std::max(wanted.first, range.last + 1);
  }
  if (wanted.first <= wanted.last) gaps.push_back(wanted);
  return gaps;
}

std::string Text(const std::vector<NumberRange>& ranges) {
  std::string text;
  for (const NumberRange& range : ranges) {
    if (!text.empty()) text += ", ";
    text += std::to_string(range.first);
    if (range.last != range.first) text += " to " + std::to_string(range.last);
  }
  return text;
}

}  // namespace holdfast::inline v0_5::contract::buf
