// SPDX-License-Identifier: Apache-2.0
//
// The W3C traceparent header value, https://www.w3.org/TR/trace-context-2/: bytes <-> hf_trace.
//
//   2HEX "-" 32HEX "-" 16HEX "-" 2HEX     lower-case hex; version ff and zero ids are invalid
//   version 00 is exactly 55 bytes; a higher one is read by its first 55, and byte 55 must be "-"
//
// Of the flags only sampled and random have a meaning; the others are dropped on reading and never
// written. What is written is always version 00, so Format(Parse(h)) is a fixed point after one
// application. Two values are never one: a comma anywhere is malformed (RFC 9110 joins by it).
#ifndef HOLDFAST_CODEC_TRACEPARENT_H_
#define HOLDFAST_CODEC_TRACEPARENT_H_

#include <holdfast/c/context.h>

#include <cstdint>
#include <string_view>

namespace holdfast::codec {

inline constexpr std::uint8_t kTraceSampled = 1;
inline constexpr std::uint8_t kTraceRandom = 2;
inline constexpr std::uint8_t kTraceKnownFlags = kTraceSampled | kTraceRandom;

// Neither id is zero: what a header can carry.
bool HasTraceIds(const hf_trace& trace);

// Outer spaces and tabs are dropped. False, and *out as it was, for anything malformed.
bool ParseTraceparent(std::string_view value, hf_trace* out);

// Writes HF_TRACEPARENT_SIZE bytes, not terminated. False, and nothing written, for a zero id.
bool FormatTraceparent(const hf_trace& trace, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_TRACEPARENT_H_
