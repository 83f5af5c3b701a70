// SPDX-License-Identifier: Apache-2.0
//
// Any bytes, as one single header and, split at line ends, as the multi headers: what has ids formats to a fixed
// point, what is refused leaves the output alone.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "codec/b3.h"

namespace {

using holdfast::codec::B3;

void Require(bool holds) {
  if (!holds) std::abort();
}

bool Same(const hf_trace& a, const hf_trace& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

template <class Value>
void Check(const Value& value) {
  B3 before;
  std::memset(&before.trace, 0xa5, sizeof before.trace);
  B3 read = before;
  if (!holdfast::codec::ParseB3(value, &read)) {
    Require(Same(read.trace, before.trace) && !read.has_ids && !read.has_decision);
    return;
  }
  Require(read.has_ids || read.has_decision);
  if (!read.has_ids) return;
  char text[holdfast::codec::kB3Size], again[holdfast::codec::kB3Size];
  B3 back;
  Require(holdfast::codec::FormatB3(read.trace, text));
  Require(holdfast::codec::ParseB3(std::string_view(text, sizeof text), &back));
  Require(Same(read.trace, back.trace) && holdfast::codec::FormatB3(back.trace, again));
  Require(std::memcmp(text, again, sizeof text) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view left(reinterpret_cast<const char*>(data), size);
  Check(left);
  std::string_view parts[5];
  for (std::string_view& part : parts) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    part = left.substr(0, end);
    left.remove_prefix(std::min(left.size(), end + 1));
  }
  Check(holdfast::codec::B3Fields{parts[0], parts[1], parts[2], parts[3], parts[4]});
  return 0;
}
