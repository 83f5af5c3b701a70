// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a timestamp: what reads is within the years, and its canonical text a fixed point that names the same
// moment. The first 12 bytes as a moment: what is written reads as the same.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "codec/timestamp.h"

namespace {

using holdfast::codec::Timestamp;

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string Written(const Timestamp& time) {
  char out[HF_TIMESTAMP_SIZE];
  return std::string(out, holdfast::codec::FormatTimestamp(time, out));
}

void RequireRoundTrip(const Timestamp& time) {
  Timestamp again;
  const std::string text = Written(time);
  Require(holdfast::codec::ParseTimestamp(text, &again) && again == time);
  Require(Written(again) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Timestamp time;
  if (holdfast::codec::ParseTimestamp({reinterpret_cast<const char*>(data), size}, &time)) {
    Require(holdfast::codec::IsTimestamp(time));
    RequireRoundTrip(time);
  }
  if (size < sizeof time.seconds + sizeof time.nanos) return 0;
  std::memcpy(&time.seconds, data, sizeof time.seconds);
  std::memcpy(&time.nanos, data + sizeof time.seconds, sizeof time.nanos);
  if (!holdfast::codec::IsTimestamp(time)) {
    time.seconds %= holdfast::codec::kFirstSecond;
    time.nanos = time.nanos < 0 ? 0 : time.nanos % 1'000'000'000;
  }
  RequireRoundTrip(time);
  return 0;
}
