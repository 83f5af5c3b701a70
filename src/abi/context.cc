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
    const hf_code code = abi::CopyIn(options, &known, error);
    if (code != HF_OK) return code;
    return abi::BuildContext(known, out, error);
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
    value.correlation_id = context->text(hf_context::kCorrelationId);
    value.causation_id = context->text(hf_context::kCausationId);
    value.retries = context->RetriesForPeople();
    value.attempt = context->ledger->attempt;
    value.tracestate = context->text(hf_context::kTracestate);
    value.baggage = context->text(hf_context::kBaggage);
    value.request_id = context->text(hf_context::kRequestId);
    value.tenant = context->text(hf_context::kTenant);
    value.principal = context->text(hf_context::kPrincipal);
    value.criticality = context->criticality;
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
