// SPDX-License-Identifier: Apache-2.0
// Ranges of numbers, as they are reserved or left to extensions: whether the newer ones still cover the older ones,
// however they are split, merged or widened.
#ifndef HOLDFAST_ADAPTERS_CONTRACT_BUF_RANGES_H_
#define HOLDFAST_ADAPTERS_CONTRACT_BUF_RANGES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::inline v0_5::contract::buf {

struct NumberRange {
  std::int64_t first = 0;
  std::int64_t last = 0;  // belongs to it

  bool operator==(const NumberRange&) const = default;
};

// What of `wanted` none of `ranges` covers, in order. Any order, overlaps welcome.
std::vector<NumberRange> Uncovered(NumberRange wanted, std::vector<NumberRange> ranges);

std::string Text(const std::vector<NumberRange>& ranges);  // "2, 5 to 9"

}  // namespace holdfast::inline v0_5::contract::buf

#endif  // HOLDFAST_ADAPTERS_CONTRACT_BUF_RANGES_H_
