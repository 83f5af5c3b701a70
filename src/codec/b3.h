// SPDX-License-Identifier: Apache-2.0
//
// B3, the trace headers of Zipkin, https://github.com/openzipkin/b3-propagation: bytes <-> hf_trace.
//
//   single   b3: {trace}-{span}[-{0|1|d}[-{parent}]]   or a decision alone: 0, 1, d
//   multi    X-B3-TraceId, X-B3-SpanId, X-B3-ParentSpanId, X-B3-Sampled (0, 1, leniently false, true), X-B3-Flags (1)
//
// Lower-case hex; a trace id of 16 digits gets zeros on its left. Debug is read as sampled. The parent is
// checked and dropped: this process is told who called it by the span.
#ifndef HOLDFAST_CODEC_B3_H_
#define HOLDFAST_CODEC_B3_H_

#include <holdfast/c/context.h>

#include <cstddef>
#include <string_view>

namespace holdfast::codec {

inline constexpr std::size_t kB3Size = 51;
inline constexpr std::size_t kB3TraceIdSize = 32;
inline constexpr std::size_t kB3SpanIdSize = 16;

// What B3 headers say: perhaps a decision alone.
struct B3 {
  hf_trace trace = {};  // flags: sampled or none
  bool has_ids = false;
  bool has_decision = false;
};

// The multi headers' values; empty: not there.
struct B3Fields {
  std::string_view trace_id = {}, span_id = {}, parent_span_id = {}, sampled = {}, flags = {};
};

// Each: outer white space is dropped; false, and *out as it was, for anything malformed.
bool ParseB3(std::string_view value, B3* out);
bool ParseB3(const B3Fields& fields, B3* out);

// Writes kB3Size bytes. False, and nothing written, for a zero id.
bool FormatB3(const hf_trace& trace, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_B3_H_
