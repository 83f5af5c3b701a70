// SPDX-License-Identifier: Apache-2.0
// The W3C trace context and B3: one trace, its header values, and fresh ids.
//
// Threads: all functions are pure, but for those that draw fresh ids.
#ifndef HOLDFAST_TRACE_H_
#define HOLDFAST_TRACE_H_

#include <holdfast/c/context.h>
#include <holdfast/c/formats.h>
#include <holdfast/entropy.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

using SpanId = std::array<std::uint8_t, 8>;

// Whether there is a trace: neither id is zero.
inline bool HasTrace(const hf_trace& trace) {
  constexpr hf_trace kNone{};
  return std::memcmp(trace.trace_id, kNone.trace_id, sizeof kNone.trace_id) != 0 &&
         std::memcmp(trace.span_id, kNone.span_id, sizeof kNone.span_id) != 0;
}

// Reads one traceparent header value; nullopt if it is malformed, and then its tracestate must be dropped
// too. Who received two values treats both as malformed. Rules: c/context.h.
inline std::optional<hf_trace> ParseTraceparent(std::string_view value) {
  hf_trace trace;
  if (value.empty() || hf_traceparent_parse(value.data(), value.size(), &trace) != HF_OK) {
    return std::nullopt;
  }
  return trace;
}

// The header value for a trace, version 00; empty if there is none.
inline std::string FormatTraceparent(const hf_trace& trace) {
  std::string value(HF_TRACEPARENT_SIZE, '\0');
  if (hf_traceparent_format(&trace, value.data()) != HF_OK) value.clear();
  return value;
}

// From the operating system, never zero.
inline SpanId FreshSpanId() {
  SpanId span{};
  while (span == SpanId{}) FillRandom(span);
  return span;
}

// A new trace with a random id, not sampled.
inline hf_trace FreshTrace() {
  hf_trace trace{};
  trace.flags = 2;  // the whole id is random
  while (!HasTrace(trace)) {
    FillRandom(trace.trace_id);
    FillRandom(trace.span_id);
  }
  return trace;
}

// Reads one single b3 header value that has ids; nullopt if it is malformed or a decision alone. Debug reads as
// sampled. Rules: c/formats.h.
inline std::optional<hf_trace> ParseB3(std::string_view value) {
  hf_trace trace;
  if (value.empty() || hf_b3_parse(value.data(), value.size(), &trace) != HF_OK)
    return std::nullopt;
  return trace;
}

// The single b3 header value for a trace; empty if there is none.
inline std::string FormatB3(const hf_trace& trace) {
  std::string value(HF_B3_SIZE, '\0');
  if (hf_b3_format(&trace, value.data()) != HF_OK) value.clear();
  return value;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_TRACE_H_
