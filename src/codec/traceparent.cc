// SPDX-License-Identifier: Apache-2.0
#include "codec/traceparent.h"

#include <cstddef>
#include <cstring>

#include "codec/ascii.h"
#include "codec/hex.h"

namespace holdfast::codec {
namespace {

constexpr std::size_t kSize = HF_TRACEPARENT_SIZE;
constexpr std::size_t kTraceIdAt = 3;
constexpr std::size_t kSpanIdAt = 36;
constexpr std::size_t kFlagsAt = 53;

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
  const std::uint64_t wrong = DecodeHex<1>(digits, &version) |
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
