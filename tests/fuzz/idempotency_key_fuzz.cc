// SPDX-License-Identifier: Apache-2.0
//
// Any bytes: a key that is read is written as a value that reads as the same key.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "codec/idempotency_key.h"

namespace {

using holdfast::codec::TextSink;

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<char> key(size);
  TextSink read(key.data(), key.size());
  if (!holdfast::codec::ParseIdempotencyKey({reinterpret_cast<const char*>(data), size}, read)) {
    return 0;
  }
  Require(!read.full() && read.need() > 0);
  const std::string_view text(key.data(), read.need());
  std::vector<char> value(2 * text.size() + 2);
  TextSink written(value.data(), value.size());
  Require(holdfast::codec::FormatIdempotencyKey(text, written) && !written.full());
  std::vector<char> again(written.need());
  TextSink back(again.data(), again.size());
  Require(holdfast::codec::ParseIdempotencyKey({value.data(), written.need()}, back));
  Require(std::string_view(again.data(), back.need()) == text);
  return 0;
}
