// SPDX-License-Identifier: Apache-2.0
// A context out of a caller's options: every field checked, every text copied once.
//
// A child passes on its parent's tracestate and baggage by the pointers it read them from, and they are not
// looked at again.
#include <cstring>

#include "abi/context.h"
#include "codec/baggage.h"
#include "codec/request_id.h"
#include "codec/traceparent.h"
#include "codec/tracestate.h"

namespace holdfast::abi {
namespace {

std::string_view View(const hf_str& text) { return {text.data, text.size}; }

hf_code Malformed(hf_error* error, std::string_view field, std::string_view text) {
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_MALFORMED, field, text);
}

hf_code TooLong(hf_error* error, std::string_view field, std::string_view text) {
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, field, text);
}

hf_code CheckId(hf_error* error, std::string_view field, const hf_str& id) {
  if (id.size == 0) return HF_OK;
  if (id.data == nullptr) return FailNull(error, field);
  if (id.size > HF_CONTEXT_ID_MAX) return TooLong(error, field, "is longer than 128 bytes");
  if (codec::IsOpaqueId(View(id), HF_CONTEXT_ID_MAX)) return HF_OK;
  return Malformed(error, field, "is not printable ASCII without spaces");
}

hf_code CheckName(hf_error* error, std::string_view field, const hf_str& name) {
  if (name.size == 0) return HF_OK;
  if (name.data == nullptr) return FailNull(error, field);
  if (name.size > HF_CONTEXT_NAME_MAX) return TooLong(error, field, "is longer than 256 bytes");
  if (codec::IsOpaqueId(View(name), HF_CONTEXT_NAME_MAX)) return HF_OK;
  return Malformed(error, field, "is not printable ASCII without spaces");
}

bool IsNone(const hf_trace& trace) {
  constexpr hf_trace kNone{};
  return std::memcmp(&trace, &kNone, sizeof trace) == 0;
}

hf_code CheckTrace(hf_error* error, const hf_trace& trace) {
  for (const uint8_t byte : trace.reserved0) {
    if (byte != 0) return CheckReserved(error, "trace.reserved0", byte);
  }
  if (IsNone(trace) || codec::HasTraceIds(trace)) return HF_OK;
  return Malformed(error, "trace", "has a zero trace_id or span_id");
}

// The lists are read as they are written. Here only that there is something to read.
hf_code CheckLists(hf_error* error, const hf_context_options& options) {
  if (options.tracestate.size != 0 && options.tracestate.data == nullptr) {
    return FailNull(error, "tracestate");
  }
  if (options.tracestate.size != 0 && IsNone(options.trace)) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "tracestate", "has no trace");
  }
  if (options.tracestate.size > 2 * HF_TRACESTATE_MAX) {
    return TooLong(error, "tracestate", "is too long");
  }
  if (options.baggage.size != 0 && options.baggage.data == nullptr) {
    return FailNull(error, "baggage");
  }
  if (options.baggage.size > 2 * HF_BAGGAGE_MAX) return TooLong(error, "baggage", "is too long");
  return HF_OK;
}

hf_code Check(hf_error* error, const hf_context_options& options) {
  hf_code code = CheckId(error, "correlation_id", options.correlation_id);
  if (code == HF_OK) code = CheckId(error, "causation_id", options.causation_id);
  if (code == HF_OK) code = CheckTrace(error, options.trace);
  if (code == HF_OK) code = CheckRange(error, "deadline", options.deadline, 0, HF_INFINITE);
  if (code == HF_OK) code = CheckRange(error, "retries", options.retries, HF_NO_RETRIES, INT32_MAX);
  if (code == HF_OK && options.retries_of != nullptr && (options.retries | options.attempt) != 0) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS, "retries_of",
                     "already has retries and an attempt");
  }
  if (code == HF_OK) code = CheckLists(error, options);
  if (code == HF_OK) code = CheckId(error, "request_id", options.request_id);
  if (code == HF_OK) code = CheckName(error, "tenant", options.tenant);
  if (code == HF_OK) code = CheckName(error, "principal", options.principal);
  if (code == HF_OK) {
    code = CheckRange(error, "criticality", options.criticality, 0, HF_CRITICALITIES);
  }
  if (code == HF_OK) code = CheckReserved(error, "reserved0", options.reserved0);
  return code;
}

// Whether it is that context's own text, of which it was read.
bool IsOwn(const hf_str& text, const hf_context* of, hf_context::Text which) {
  return of != nullptr && of->text(which).data == text.data && of->text(which).size == text.size;
}

hf_code AddTracestate(const hf_context_options& options, hf_context* context, hf_error* error) {
  if (IsOwn(options.tracestate, options.retries_of, hf_context::kTracestate)) {
    context->Add(hf_context::kTracestate, View(options.tracestate));
    return HF_OK;
  }
  codec::TracestateList list(context->tail(), options.tracestate.size, nullptr);
  if (!list.Add(View(options.tracestate))) {
    return Malformed(error, "tracestate", "has a malformed member, or more than 32");
  }
  context->Claim(hf_context::kTracestate, list.text().size());
  return HF_OK;
}

hf_code AddBaggage(const hf_context_options& options, size_t room, hf_context* context,
                   hf_error* error) {
  if (IsOwn(options.baggage, options.retries_of, hf_context::kBaggage)) {
    context->Add(hf_context::kBaggage, View(options.baggage));
    context->has_private_baggage = options.retries_of->has_private_baggage;
    return HF_OK;
  }
  codec::BaggageList list(context->tail(), room, nullptr, nullptr);
  list.Add(View(options.baggage));
  if (list.malformed() != 0) return Malformed(error, "baggage", "has a malformed member");
  if (list.over() != 0) {
    return TooLong(error, "baggage", "has more than 180 members, or 8192 bytes");
  }
  context->Claim(hf_context::kBaggage, list.text().size());
  context->has_private_baggage = list.has_private();
  return HF_OK;
}

void ShareRetries(hf_context* of, hf_context* context) {
  context->ledger = of->ledger;
  if (context->ledger != context) context->ledger->AddRef();
}

}  // namespace

size_t BaggageRoom(std::string_view header) {
  const bool escaped = !header.empty() && std::memchr(header.data(), '%', header.size()) != nullptr;
  return escaped ? 3 * header.size() : header.size();
}

hf_code BuildContext(const hf_context_options& options, hf_context** out, hf_error* error) {
  if (const hf_code code = Check(error, options); code != HF_OK) return code;
  const size_t baggage_room = BaggageRoom(View(options.baggage));
  hf_context* const context = hf_context::Make(
      options.correlation_id.size + options.causation_id.size + options.request_id.size +
      options.tenant.size + options.principal.size + options.tracestate.size + baggage_room);
  context->trace = options.trace;
  context->trace.flags &= codec::kTraceKnownFlags;
  context->deadline = options.deadline;
  context->retries_left = options.retries == HF_NO_RETRIES ? 0 : options.retries;
  context->retries_told = options.retries != 0;
  context->attempt = options.attempt;
  context->criticality = options.criticality;
  if (options.retries_of != nullptr) ShareRetries(options.retries_of, context);
  context->Add(hf_context::kCorrelationId, View(options.correlation_id));
  context->Add(hf_context::kCausationId, View(options.causation_id));
  context->Add(hf_context::kRequestId, View(options.request_id));
  context->Add(hf_context::kTenant, View(options.tenant));
  context->Add(hf_context::kPrincipal, View(options.principal));
  hf_code code = AddTracestate(options, context, error);
  if (code == HF_OK) code = AddBaggage(options, baggage_room, context, error);
  if (code != HF_OK) {
    hf_context_unref(context);
    return code;
  }
  *out = context;
  return Succeed(error);
}

}  // namespace holdfast::abi
