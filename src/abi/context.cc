// SPDX-License-Identifier: Apache-2.0
// c/context.h: an immutable value behind a reference count, and one slot per thread that owns what it holds.
//
// Locking: none. A context never changes after hf_context_new but for its retries, which are atomic, and
// a slot belongs to its thread.
// Memory: one allocation per context, none in a swap.
#include "abi/context.h"

#include <atomic>
#include <cstddef>

#include "codec/traceparent.h"

namespace holdfast::abi {

template <>
inline constexpr uint32_t kFirstSize<hf_context_options> = offsetof(hf_context_options, retries);

namespace {

// initial-exec: one load instead of a call. The object is linked with -z nodelete and the slot and
// the mark are sixteen bytes, which the loader's spare static TLS always holds, even under dlopen.
[[gnu::tls_model("initial-exec")]] thread_local hf_context* current_context = nullptr;
[[gnu::tls_model("initial-exec")]] thread_local uint64_t current_flow = 0;

std::atomic<uint64_t> last_flow{0};

hf_code Malformed(hf_error* error, std::string_view field, std::string_view text) {
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_MALFORMED, field, text);
}

hf_code CheckId(hf_error* error, std::string_view field, const hf_str& id) {
  if (id.size == 0) return HF_OK;
  if (id.data == nullptr) return FailNull(error, field);
  if (id.size > HF_CONTEXT_ID_MAX) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, field,
                     "is longer than 128 bytes");
  }
  for (const char c : std::string_view(id.data, id.size)) {
    if (c < '!' || c > '~') return Malformed(error, field, "is not printable ASCII without spaces");
  }
  return HF_OK;
}

hf_code CheckTrace(hf_error* error, const hf_trace& trace) {
  for (const uint8_t byte : trace.reserved0) {
    if (byte != 0) return CheckReserved(error, "trace.reserved0", byte);
  }
  constexpr hf_trace kNone{};
  if (std::memcmp(&trace, &kNone, sizeof trace) == 0 || codec::HasTraceIds(trace)) return HF_OK;
  return Malformed(error, "trace", "has a zero trace_id or span_id");
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
  return code;
}

uint32_t CopyId(const hf_str& id, char* out) {
  if (id.size != 0) std::memcpy(out, id.data, id.size);
  return static_cast<uint32_t>(id.size);
}

hf_context* Build(const hf_context_options& options) {
  auto* context = new hf_context;
  context->trace = options.trace;
  context->trace.flags &= codec::kTraceKnownFlags;
  context->deadline = options.deadline;
  context->correlation_size = CopyId(options.correlation_id, context->correlation_id);
  context->causation_size = CopyId(options.causation_id, context->causation_id);
  context->retries_left = options.retries == HF_NO_RETRIES ? 0 : options.retries;
  context->retries_told = options.retries != 0;
  context->attempt = options.attempt;
  if (options.retries_of != nullptr) {
    context->ledger = options.retries_of->ledger;
    if (context->ledger != context) context->ledger->AddRef();
  }
  return context;
}

}  // namespace
}  // namespace holdfast::abi

namespace abi = holdfast::abi;
namespace codec = holdfast::codec;

hf_code hf_traceparent_parse(const char* data, size_t size, hf_trace* out) noexcept {
  if (data == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return codec::ParseTraceparent({data, size}, out) ? HF_OK : HF_INVALID_ARGUMENT;
}

hf_code hf_traceparent_format(const hf_trace* trace, char* out) noexcept {
  if (trace == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return codec::FormatTraceparent(*trace, out) ? HF_OK : HF_INVALID_ARGUMENT;
}

hf_code hf_context_new(const hf_context_options* options, hf_context** out,
                       hf_error* error) noexcept {
  return abi::Guarded(error, [&] {
    if (out == nullptr) return abi::FailNull(error, "out");
    *out = nullptr;
    hf_context_options known;
    hf_code code = abi::CopyIn(options, &known, error);
    if (code == HF_OK) code = abi::Check(error, known);
    if (code != HF_OK) return code;
    *out = abi::Build(known);
    return abi::Succeed(error);
  });
}

void hf_context_ref(hf_context* context) noexcept { abi::Ref(context); }
void hf_context_unref(hf_context* context) noexcept { abi::Unref(context); }

hf_context::~hf_context() {
  if (ledger != this) hf_context_unref(ledger);
}

uint32_t hf_context_retried(const hf_context* context) noexcept {
  return context == nullptr ? 0 : context->ledger->retried.load();
}

hf_code hf_context_get(const hf_context* context, hf_context_options* out) noexcept {
  hf_context_options value{};
  value.abi_level = HF_ABI_LEVEL;
  if (context != nullptr) {
    value.trace = context->trace;
    value.deadline = context->deadline;
    value.correlation_id = {context->correlation_id, context->correlation_size};
    value.causation_id = {context->causation_id, context->causation_size};
    value.retries = context->RetriesForPeople();
    value.attempt = context->ledger->attempt;
  }
  return abi::CopyOut(value, out);
}

hf_context* hf_context_current(void) noexcept { return abi::current_context; }

hf_context* hf_context_swap(hf_context* next) noexcept {
  hf_context* const previous = abi::current_context;
  abi::current_context = next;
  return previous;
}

uint64_t hf_context_flow_new(void) noexcept {
  return abi::last_flow.fetch_add(2, std::memory_order_relaxed) + 2;
}

uint64_t hf_context_flow(void) noexcept { return abi::current_flow; }

uint64_t hf_context_flow_swap(uint64_t next) noexcept {
  const uint64_t previous = abi::current_flow;
  abi::current_flow = next;
  return previous;
}
