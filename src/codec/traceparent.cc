// SPDX-License-Identifier: Apache-2.0
#include "codec/traceparent.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace holdfast::codec {
namespace {

constexpr std::size_t kSize = HF_TRACEPARENT_SIZE;
constexpr std::size_t kTraceIdAt = 3;
constexpr std::size_t kSpanIdAt = 36;
constexpr std::size_t kFlagsAt = 53;

constexpr std::uint8_t kNotHex = 0xff;
constexpr char kDigits[] = "0123456789abcdef";

constexpr std::array<std::uint8_t, 256> kHexValue = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotHex);
  for (std::uint8_t i = 0; i < 16; ++i) values[static_cast<std::uint8_t>(kDigits[i])] = i;
  return values;
}();

std::string_view TrimOws(std::string_view value) {
  const std::size_t first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(" \t") - first + 1);
}

// Decodes 2 * kBytes digits. Errors are gathered in the high nibble and looked at once, so that the
// loop has no branch and unrolls; the result is meaningless where it is not 0.
template <std::size_t kBytes>
std::uint8_t DecodeHex(const char* digits, std::uint8_t* out) {
  std::uint8_t seen = 0;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kBytes; ++i) {
    const std::uint8_t high = kHexValue[static_cast<std::uint8_t>(digits[2 * i])];
    const std::uint8_t low = kHexValue[static_cast<std::uint8_t>(digits[2 * i + 1])];
    seen |= high | low;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return seen & 0xf0;
}

char* EncodeHex(const std::uint8_t* bytes, std::size_t size, char* out) {
  for (std::size_t i = 0; i < size; ++i) {
    *out++ = kDigits[bytes[i] >> 4];
    *out++ = kDigits[bytes[i] & 0xf];
  }
  return out;
}

// What may follow the first 55 bytes depends on the version alone.
bool TailIsLegal(std::uint8_t version, std::string_view tail) {
  if (tail.empty()) return true;
  return version != 0 && tail.front() == '-' && tail.find(',') == std::string_view::npos;
}

}  // namespace

bool HasTraceIds(const hf_trace& trace) {
  std::uint64_t high = 0, low = 0, span = 0;
  std::memcpy(&high, trace.trace_id, sizeof high);
  std::memcpy(&low, trace.trace_id + sizeof high, sizeof low);
  std::memcpy(&span, trace.span_id, sizeof span);
  return (high | low) != 0 && span != 0;
}

bool ParseTraceparent(std::string_view value, hf_trace* out) {
  const std::string_view text = TrimOws(value);
  if (text.size() < kSize) return false;
  const char* digits = text.data();
  if (digits[kTraceIdAt - 1] != '-' || digits[kSpanIdAt - 1] != '-' ||
      digits[kFlagsAt - 1] != '-') {
    return false;
  }
  hf_trace trace{};
  std::uint8_t version = 0;
  const std::uint8_t wrong = DecodeHex<1>(digits, &version) |
                             DecodeHex<16>(digits + kTraceIdAt, trace.trace_id) |
                             DecodeHex<8>(digits + kSpanIdAt, trace.span_id) |
                             DecodeHex<1>(digits + kFlagsAt, &trace.flags);
  if (wrong != 0 || version == 0xff) return false;
  if (!HasTraceIds(trace) || !TailIsLegal(version, text.substr(kSize))) return false;
  trace.flags &= kTraceKnownFlags;
  *out = trace;
  return true;
}

bool FormatTraceparent(const hf_trace& trace, char* out) {
  if (!HasTraceIds(trace)) return false;
  const std::uint8_t flags = trace.flags & kTraceKnownFlags;
  std::memcpy(out, "00-", kTraceIdAt);
  out = EncodeHex(trace.trace_id, 16, out + kTraceIdAt);
  *out++ = '-';
  out = EncodeHex(trace.span_id, 8, out);
  *out++ = '-';
  EncodeHex(&flags, 1, out);
  return true;
}

}  // namespace holdfast::codec
