// SPDX-License-Identifier: Apache-2.0
// hf_context_extract: headers -> context, in two passes.
//
//   gather    which headers are there, how often, and the first value of each
//   decide    trace, ids, numbers: what is usable, what must be made, and from which random bytes
//   build     one allocation, as large as the two lists can get; they are written straight into it
//
// Invariant: whatever the bytes, the context is one that hf_context_new would have made.
#include <holdfast/c/uuid7.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "abi/context.h"
#include "abi/propagation.h"
#include "codec/ascii.h"
#include "codec/b3.h"
#include "codec/baggage.h"
#include "codec/grpc_timeout.h"
#include "codec/hex.h"
#include "codec/request_id.h"
#include "codec/traceparent.h"
#include "codec/tracestate.h"

namespace holdfast::abi {
namespace {

using codec::Header;

constexpr size_t kTraceEntropy = 24;  // a trace id and a span id
constexpr size_t kUuidEntropy = 16;
static_assert(kTraceEntropy + kUuidEntropy == HF_EXTRACT_ENTROPY);

std::string_view View(const hf_str& text) { return {text.data, text.size}; }

class Extraction {
 public:
  Extraction(const hf_propagation& policy, std::span<const hf_header> headers,
             const hf_extract_options& options)
      : policy_(policy), headers_(headers), options_(options) {
    report_.struct_size = sizeof report_;
  }

  hf_code Gather(hf_error* error);
  hf_code Decide(hf_error* error);
  hf_context* Build();
  const hf_propagation_snapshot& report() const { return report_; }

 private:
  struct Seen {
    std::string_view value;  // the first one, without the white space around it
    uint32_t count = 0;
  };

  const Seen& At(Header header) const { return seen_[codec::Index(header)]; }
  static void Note(uint32_t& fields, uint32_t field) { fields |= field; }

  void DecideTrace();
  bool ReadB3(codec::B3* out);
  hf_code MakeTrace(hf_error* error);
  hf_code DecideRequestId(hf_error* error);
  void DecideCorrelation();
  void DecideDeadline();
  // The only value of a field, if the peer is believed and the policy carries it; else empty, and noted why.
  std::string_view Only(Header header, uint32_t field);
  std::string_view OnlyId(Header header, uint32_t field, size_t max);
  template <class Parse, class Value>
  void ReadOnly(Header header, uint32_t field, Parse parse, Value* out);

  template <class Each>
  void ForEach(Header header, Each each) const;
  size_t RoomOf(std::string_view baggage) const;
  void AddTracestate(hf_context* context, size_t room);
  void AddBaggage(hf_context* context, size_t room);

  const hf_propagation& policy_;
  const std::span<const hf_header> headers_;
  const hf_extract_options& options_;
  hf_propagation_snapshot report_{};
  Seen seen_[codec::kHeaders + 1];  // the last one for all that are not ours

  hf_trace trace_{};
  uint8_t restart_flags_ = 0;
  bool has_traceparent_ = false;
  std::string_view correlation_id_, causation_id_, request_id_, tenant_, principal_;
  hf_criticality criticality_ = 0;
  uint32_t attempt_ = 0;
  int32_t retries_ = 0;
  hf_time deadline_ = 0;
  char trace_id_hex_[32];
  char uuid_[HF_UUID_TEXT_SIZE];
};

hf_code Extraction::Gather(hf_error* error) {
  for (const hf_header& header : headers_) {
    if ((header.name.data == nullptr && header.name.size != 0) ||
        (header.value.data == nullptr && header.value.size != 0)) {
      return FailNull(error, "headers");
    }
    Seen& seen = seen_[codec::Index(codec::HeaderNamed(View(header.name)))];
    if (seen.count++ == 0) seen.value = View(header.value);
  }
  return HF_OK;
}

hf_code Extraction::Decide(hf_error* error) {
  DecideTrace();
  if (!codec::HasTraceIds(trace_) && policy_.read_formats != 0) {
    if (const hf_code code = MakeTrace(error); code != HF_OK) return code;
  }
  if (const hf_code code = DecideRequestId(error); code != HF_OK) return code;
  DecideCorrelation();
  causation_id_ = OnlyId(Header::kCausationId, HF_FIELD_CAUSATION_ID, HF_CONTEXT_ID_MAX);
  tenant_ = OnlyId(Header::kTenant, HF_FIELD_TENANT, HF_CONTEXT_NAME_MAX);
  principal_ = OnlyId(Header::kPrincipal, HF_FIELD_PRINCIPAL, HF_CONTEXT_NAME_MAX);
  ReadOnly(Header::kCriticality, HF_FIELD_CRITICALITY, codec::ParseCriticality, &criticality_);
  ReadOnly(Header::kAttempt, HF_FIELD_ATTEMPT, codec::ParseAttempt, &attempt_);
  ReadOnly(Header::kRetries, HF_FIELD_RETRIES, codec::ParseRetries, &retries_);
  DecideDeadline();
  return HF_OK;
}

void Extraction::DecideTrace() {
  const Seen& traceparent = At(Header::kTraceparent);
  if ((policy_.read_formats & HF_FORMAT_W3C) != 0 && traceparent.count != 0) {
    if (traceparent.count > 1) {
      Note(report_.repeated, HF_FIELD_TRACEPARENT);
    } else if (codec::ParseTraceparent(traceparent.value, &trace_)) {
      has_traceparent_ = true;
      Note(report_.carried, HF_FIELD_TRACEPARENT);
    } else {
      Note(report_.malformed, HF_FIELD_TRACEPARENT);
    }
    return;
  }
  codec::B3 b3;
  if (!ReadB3(&b3)) return;
  if (b3.has_ids) trace_ = b3.trace;
  restart_flags_ = b3.trace.flags;
  Note(report_.carried, HF_FIELD_B3);
}

bool Extraction::ReadB3(codec::B3* out) {
  const Seen& single = At(Header::kB3);
  if ((policy_.read_formats & HF_FORMAT_B3_SINGLE) != 0 && single.count != 0) {
    if (single.count > 1) Note(report_.repeated, HF_FIELD_B3);
    if (codec::ParseB3(single.value, out)) return true;
    Note(report_.malformed, HF_FIELD_B3);
    return false;
  }
  if ((policy_.read_formats & HF_FORMAT_B3_MULTI) == 0) return false;
  const Seen &trace_id = At(Header::kB3TraceId), &span_id = At(Header::kB3SpanId);
  const Seen &parent = At(Header::kB3ParentSpanId), &sampled = At(Header::kB3Sampled);
  const Seen& flags = At(Header::kB3Flags);
  const uint32_t most = std::max({trace_id.count, span_id.count, sampled.count, flags.count});
  if (most == 0) return false;
  if (most > 1) Note(report_.repeated, HF_FIELD_B3);
  if (codec::ParseB3({trace_id.value, span_id.value, parent.value, sampled.value, flags.value},
                     out)) {
    return true;
  }
  Note(report_.malformed, HF_FIELD_B3);
  return false;
}

bool AllZero(const uint8_t* bytes, size_t size) {
  return std::all_of(bytes, bytes + size, [](uint8_t byte) { return byte == 0; });
}

hf_code NoEntropy(hf_error* error) {
  return FailField(error, HF_FAILED_PRECONDITION, HF_R_ZERO_NONCE, "entropy",
                   "an id must be made, from random bytes");
}

hf_code Extraction::MakeTrace(hf_error* error) {
  if (options_.entropy == nullptr) return NoEntropy(error);
  std::memcpy(trace_.trace_id, options_.entropy, sizeof trace_.trace_id);
  std::memcpy(trace_.span_id, options_.entropy + sizeof trace_.trace_id, sizeof trace_.span_id);
  trace_.flags = restart_flags_ | codec::kTraceRandom;
  if (!codec::HasTraceIds(trace_)) return NoEntropy(error);
  Note(report_.made, HF_FIELD_TRACEPARENT);
  return HF_OK;
}

hf_code Extraction::DecideRequestId(hf_error* error) {
  if (!policy_.Carries(HF_FIELD_REQUEST_ID)) return HF_OK;
  request_id_ = OnlyId(Header::kRequestId, HF_FIELD_REQUEST_ID, HF_CONTEXT_ID_MAX);
  if (!request_id_.empty()) return HF_OK;
  if (options_.entropy == nullptr || AllZero(options_.entropy + kTraceEntropy, kUuidEntropy)) {
    return NoEntropy(error);
  }
  codec::FormatRandomUuid(options_.entropy + kTraceEntropy, uuid_);
  request_id_ = {uuid_, sizeof uuid_};
  Note(report_.made, HF_FIELD_REQUEST_ID);
  return HF_OK;
}

void Extraction::DecideCorrelation() {
  correlation_id_ = OnlyId(Header::kCorrelationId, HF_FIELD_CORRELATION_ID, HF_CONTEXT_ID_MAX);
  const bool made = correlation_id_.empty() && policy_.Carries(HF_FIELD_CORRELATION_ID) &&
                    codec::HasTraceIds(trace_);
  if (!made) return;
  codec::EncodeHex(trace_.trace_id, sizeof trace_.trace_id, trace_id_hex_);
  correlation_id_ = {trace_id_hex_, sizeof trace_id_hex_};
  Note(report_.made, HF_FIELD_CORRELATION_ID);
}

void Extraction::DecideDeadline() {
  deadline_ = options_.deadline;
  const Seen& seen = At(policy_.DeadlineHeader());
  if (seen.count == 0 || !policy_.Carries(HF_FIELD_DEADLINE)) return;
  if (seen.count > 1) Note(report_.repeated, HF_FIELD_DEADLINE);
  hf_duration timeout = 0;
  // From a now that nobody told, every deadline would long have passed.
  if (options_.now == 0 || !codec::ParseGrpcTimeout(seen.value, &timeout)) {
    Note(report_.malformed, HF_FIELD_DEADLINE);
    return;
  }
  const hf_duration left = std::min(timeout, HF_INFINITE - 1 - options_.now) - policy_.margin;
  const hf_time told = std::max<hf_time>(1, options_.now + left);
  deadline_ = deadline_ == 0 ? told : std::min(deadline_, told);
  Note(report_.carried, HF_FIELD_DEADLINE);
}

std::string_view Extraction::Only(Header header, uint32_t field) {
  constexpr uint32_t kBelieved = HF_FIELD_CORRELATION_ID | HF_FIELD_CAUSATION_ID;
  const Seen& seen = At(header);
  if (seen.count == 0 || !policy_.Carries(field)) return {};
  if (!policy_.TrustsPeer() && (field & kBelieved) == 0) {
    Note(report_.untrusted, field);
    return {};
  }
  if (seen.count > 1) {
    Note(report_.repeated, field);
    return {};
  }
  const std::string_view value = codec::TrimOws(seen.value);
  if (value.empty()) Note(report_.malformed, field);
  return value;
}

std::string_view Extraction::OnlyId(Header header, uint32_t field, size_t max) {
  const std::string_view value = Only(header, field);
  if (value.empty()) return {};
  const bool usable = codec::IsOpaqueId(value, max);
  Note(usable ? report_.carried : report_.malformed, field);
  return usable ? value : std::string_view{};
}

template <class Parse, class Value>
void Extraction::ReadOnly(Header header, uint32_t field, Parse parse, Value* out) {
  const std::string_view value = Only(header, field);
  if (!value.empty()) Note(parse(value, out) ? report_.carried : report_.malformed, field);
}

template <class Each>
void Extraction::ForEach(Header header, Each each) const {
  if (At(header).count == 1) {
    each(At(header).value);
    return;
  }
  for (const hf_header& other : headers_) {
    if (codec::HeaderNamed(View(other.name)) == header) each(View(other.value));
  }
}

// With the property that its members may get.
size_t Extraction::RoomOf(std::string_view baggage) const {
  const size_t room = BaggageRoom(baggage);
  if (policy_.PrivateKeys() == nullptr) return room;
  const auto members = std::count(baggage.begin(), baggage.end(), ',') + 1;
  return room + static_cast<size_t>(members) * (1 + codec::kPrivateProperty.size());
}

hf_context* Extraction::Build() {
  const bool with_tracestate = At(Header::kTracestate).count != 0 &&
                               policy_.Carries(HF_FIELD_TRACESTATE) &&
                               (policy_.read_formats & HF_FORMAT_W3C) != 0;
  // Without its traceparent it says nothing.
  if (with_tracestate && !has_traceparent_) Note(report_.malformed, HF_FIELD_TRACESTATE);
  size_t tracestate_room = 0, baggage_room = 0;
  if (with_tracestate && has_traceparent_) {
    ForEach(Header::kTracestate,
            [&](std::string_view value) { tracestate_room += value.size() + 1; });
    tracestate_room = std::min(tracestate_room, codec::kTracestateMax);
  }
  if (At(Header::kBaggage).count != 0 && policy_.Carries(HF_FIELD_BAGGAGE)) {
    ForEach(Header::kBaggage, [&](std::string_view value) { baggage_room += RoomOf(value) + 1; });
    baggage_room = std::min(baggage_room, codec::kBaggageMax);
  }
  hf_context* const context =
      hf_context::Make(correlation_id_.size() + causation_id_.size() + request_id_.size() +
                       tenant_.size() + principal_.size() + tracestate_room + baggage_room);
  context->trace = trace_;
  context->deadline = deadline_;
  context->attempt = attempt_;
  context->retries_left = retries_ == HF_NO_RETRIES ? 0 : retries_;
  context->retries_told = retries_ != 0;
  context->criticality = criticality_;
  context->Add(hf_context::kCorrelationId, correlation_id_);
  context->Add(hf_context::kCausationId, causation_id_);
  context->Add(hf_context::kRequestId, request_id_);
  context->Add(hf_context::kTenant, tenant_);
  context->Add(hf_context::kPrincipal, principal_);
  if (tracestate_room != 0) AddTracestate(context, tracestate_room);
  if (baggage_room != 0) AddBaggage(context, baggage_room);
  return context;
}

void Extraction::AddTracestate(hf_context* context, size_t room) {
  codec::TracestateList list(context->tail(), room, policy_.TracestateFilter());
  ForEach(Header::kTracestate, [&](std::string_view value) { list.Add(value); });
  context->Claim(hf_context::kTracestate, list.text().size());
  report_.tracestate_dropped = list.repeated() + list.untrusted();
  if (list.malformed() || list.overflowed()) Note(report_.malformed, HF_FIELD_TRACESTATE);
  if (list.untrusted() != 0) Note(report_.untrusted, HF_FIELD_TRACESTATE);
  if (list.repeated() != 0) Note(report_.repeated, HF_FIELD_TRACESTATE);
  if (!list.text().empty()) Note(report_.carried, HF_FIELD_TRACESTATE);
}

void Extraction::AddBaggage(hf_context* context, size_t room) {
  codec::BaggageList list(context->tail(), room, policy_.BaggageFilter(), policy_.PrivateKeys());
  ForEach(Header::kBaggage, [&](std::string_view value) { list.Add(value); });
  context->Claim(hf_context::kBaggage, list.text().size());
  context->has_private_baggage = list.has_private();
  report_.baggage_malformed = list.malformed();
  report_.baggage_untrusted = list.untrusted();
  report_.baggage_over = list.over();
  if (list.malformed() != 0) Note(report_.malformed, HF_FIELD_BAGGAGE);
  if (list.untrusted() != 0) Note(report_.untrusted, HF_FIELD_BAGGAGE);
  if (list.over() != 0) Note(report_.over, HF_FIELD_BAGGAGE);
  if (list.kept() != 0) Note(report_.carried, HF_FIELD_BAGGAGE);
}

}  // namespace
}  // namespace holdfast::abi

namespace abi = holdfast::abi;

hf_code hf_context_extract(const hf_propagation* propagation, const hf_header* headers,
                           size_t count, const hf_extract_options* options, hf_context** out,
                           hf_propagation_snapshot* report, hf_error* error) noexcept {
  return abi::Guarded(error, [&] {
    if (out == nullptr) return abi::FailNull(error, "out");
    *out = nullptr;
    if (propagation == nullptr) return abi::FailNull(error, "propagation");
    if (headers == nullptr && count != 0) return abi::FailNull(error, "headers");
    hf_extract_options known;
    hf_code code = abi::CopyIn(options, &known, error);
    if (code == HF_OK) code = abi::CheckRange(error, "now", known.now, 0, HF_INFINITE - 1);
    if (code == HF_OK) code = abi::CheckRange(error, "deadline", known.deadline, 0, HF_INFINITE);
    if (code == HF_OK && report != nullptr) {
      code = abi::CheckOutSize(report->struct_size, sizeof *report);
      if (code != HF_OK) {
        return abi::FailField(error, code, HF_R_STRUCT_SIZE, "report", "struct_size is too small");
      }
    }
    if (code != HF_OK) return code;
    abi::Extraction extraction(*propagation, {headers, count}, known);
    code = extraction.Gather(error);
    if (code == HF_OK) code = extraction.Decide(error);
    if (code != HF_OK) return code;
    *out = extraction.Build();
    if (report != nullptr) abi::CopyOut(extraction.report(), report);
    return abi::Succeed(error);
  });
}
