// SPDX-License-Identifier: Apache-2.0
#include "codec/b3.h"

#include <cstdint>

#include "codec/ascii.h"
#include "codec/hex.h"
#include "codec/traceparent.h"

namespace holdfast::codec {
namespace {

constexpr std::size_t kShortTraceIdSize = 16;

bool ReadTraceId(std::string_view text, hf_trace* out) {
  if (text.size() == kShortTraceIdSize) return DecodeHex<8>(text.data(), out->trace_id + 8) == 0;
  return text.size() == kB3TraceIdSize && DecodeHex<16>(text.data(), out->trace_id) == 0;
}

bool ReadSpanId(std::string_view text, std::uint8_t* out) {
  return text.size() == kB3SpanIdSize && DecodeHex<8>(text.data(), out) == 0;
}

bool ReadDecision(std::string_view text, B3* out) {
  if (text.size() != 1 || (text[0] != '0' && text[0] != '1' && text[0] != 'd')) return false;
  out->has_decision = true;
  out->trace.flags = text[0] == '0' ? 0 : kTraceSampled;
  return true;
}

std::string_view TakePart(std::string_view& text) {
  const std::size_t dash = text.find('-');
  const std::string_view part = text.substr(0, dash);
  text.remove_prefix(dash == std::string_view::npos ? text.size() : dash + 1);
  return part;
}

bool ReadIds(std::string_view trace_id, std::string_view span_id, std::string_view parent,
             B3* out) {
  std::uint8_t dropped[8];
  out->has_ids = ReadTraceId(trace_id, &out->trace) && ReadSpanId(span_id, out->trace.span_id) &&
                 HasTraceIds(out->trace) && (parent.empty() || ReadSpanId(parent, dropped));
  return out->has_ids;
}

}  // namespace

bool ParseB3(std::string_view value, B3* out) {
  std::string_view rest = TrimOws(value);
  B3 read;
  if (rest.size() == 1) {
    if (!ReadDecision(rest, &read)) return false;
    *out = read;
    return true;
  }
  if (rest.empty() || rest.back() == '-') return false;
  const std::string_view trace_id = TakePart(rest), span_id = TakePart(rest);
  const std::string_view decision = TakePart(rest), parent = TakePart(rest);
  if (!rest.empty() || !ReadIds(trace_id, span_id, parent, &read)) return false;
  if (decision.empty() ? !parent.empty() : !ReadDecision(decision, &read)) return false;
  *out = read;
  return true;
}

bool ParseB3(const B3Fields& fields, B3* out) {
  B3 read;
  const std::string_view trace_id = TrimOws(fields.trace_id), span_id = TrimOws(fields.span_id);
  const std::string_view parent = TrimOws(fields.parent_span_id);
  if ((!trace_id.empty() || !span_id.empty()) && !ReadIds(trace_id, span_id, parent, &read)) {
    return false;
  }
  std::string_view sampled = TrimOws(fields.sampled);
  if (TrimOws(fields.flags) == "1") sampled = "d";
  if (EqualsLower(sampled, "true")) sampled = "1";
  if (EqualsLower(sampled, "false")) sampled = "0";
  if (!sampled.empty() && !ReadDecision(sampled, &read)) return false;
  if (!read.has_ids && !read.has_decision) return false;
  *out = read;
  return true;
}

bool FormatB3(const hf_trace& trace, char* out) {
  if (!HasTraceIds(trace)) return false;
  out = EncodeHex(trace.trace_id, sizeof trace.trace_id, out);
  *out++ = '-';
  out = EncodeHex(trace.span_id, sizeof trace.span_id, out);
  *out++ = '-';
  *out = (trace.flags & kTraceSampled) != 0 ? '1' : '0';
  return true;
}

}  // namespace holdfast::codec
