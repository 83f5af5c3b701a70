// SPDX-License-Identifier: Apache-2.0
// Ranges of numbers that are reserved, or left to extensions.
#ifndef HOLDFAST_ADAPTERS_CONTRACT_RANGES_H_
#define HOLDFAST_ADAPTERS_CONTRACT_RANGES_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::inline v0_5::contract {

struct Range {
  std::int64_t first = 0;
  std::int64_t last = 0;  // it included
};
// In order, and none touches another.
using Ranges = std::vector<Range>;

Ranges Reserved(const google::protobuf::Descriptor& message);
Ranges Reserved(const google::protobuf::EnumDescriptor& numbers);
Ranges Extensible(const google::protobuf::Descriptor& message);

// What of `a` is not in `b`.
Ranges Without(const Ranges& a, const Ranges& b);
std::string Text(const Range& range);  // "2 to 5"

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_ADAPTERS_CONTRACT_RANGES_H_
