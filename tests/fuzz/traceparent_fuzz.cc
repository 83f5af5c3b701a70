// SPDX-License-Identifier: Apache-2.0
//
// Any bytes: what is accepted formats to a fixed point, what is refused leaves the output alone.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "codec/traceparent.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using holdfast::codec::FormatTraceparent;
  using holdfast::codec::ParseTraceparent;
  hf_trace before;
  std::memset(&before, 0xa5, sizeof before);
  hf_trace trace = before;
  if (!ParseTraceparent({reinterpret_cast<const char*>(data), size}, &trace)) {
    Require(std::memcmp(&trace, &before, sizeof trace) == 0);
    return 0;
  }
  char text[HF_TRACEPARENT_SIZE], again[HF_TRACEPARENT_SIZE];
  hf_trace back{};
  Require(FormatTraceparent(trace, text));
  Require(ParseTraceparent({text, sizeof text}, &back));
  Require(std::memcmp(&trace, &back, sizeof trace) == 0);
  Require(FormatTraceparent(back, again));
  Require(std::memcmp(text, again, sizeof text) == 0);
  return 0;
}
