// SPDX-License-Identifier: Apache-2.0
//
// Any bytes in each form: what reads is written, reads again as the same, and never in more bytes than it came.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "codec/confluent.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireRoundTrip(std::string_view bytes, hf_confluent_form form) {
  hf_confluent frame{};
  std::size_t used = 0;
  const auto fault = holdfast::codec::ReadConfluent(bytes, form, &frame, &used);
  if (!fault.what.empty()) return Require(fault.at <= bytes.size() && used == 0);
  char out[HF_CONFLUENT_MAX];
  const std::size_t size = holdfast::codec::WriteConfluent(frame, out);
  Require(used <= bytes.size() && size <= used && size <= sizeof out);
  hf_confluent again{};
  Require(holdfast::codec::ReadConfluent({out, size}, form, &again, &used).what.empty());
  Require(used == size && std::memcmp(&frame, &again, sizeof frame) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (hf_confluent_form form = HF_CONFLUENT_PLAIN; form <= HF_CONFLUENT_WIDE; ++form) {
    RequireRoundTrip(bytes, form);
  }
  return 0;
}
