// SPDX-License-Identifier: Apache-2.0
// What a context is made of, and what a child does not take over: see context.h.
#ifndef HOLDFAST_CONTEXT_OPTIONS_H_
#define HOLDFAST_CONTEXT_OPTIONS_H_

#include <holdfast/c/context.h>
#include <holdfast/criticality.h>
#include <holdfast/trace.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::inline v0_5 {

// Ids are at most 128 bytes of printable ASCII without spaces, tenant and principal 256: fit for a header
// and a log line.
struct ContextOptions {
  std::string_view correlation_id = {};  // empty: none
  std::string_view causation_id = {};    // empty: none
  hf_trace trace = {};                   // all zero: none
  hf_time deadline = 0;                  // on the steady clock of this process; 0: none
  int32_t retries = 0;  // what the layers above left to this work; 0: not told; HF_NO_RETRIES: none
  uint32_t attempt = 0;  // the attempt of the layer above that this is, from 1; 0: not told
  hf_context* retries_of = nullptr;  // share the retries and attempt of that context instead
  std::string_view tracestate = {};  // one header value (tracestate.h); needs a trace
  std::string_view baggage = {};     // one header value (baggage.h)
  std::string_view request_id = {};  // opaque
  std::string_view tenant = {};
  std::string_view principal = {};  // a claim, for people and logs; never a credential
  std::optional<Criticality> criticality = {};

  // As the C ABI takes them, and gives them back. Views of the same bytes.
  hf_context_options Raw() const {
    hf_context_options raw = HF_INIT(hf_context_options);
    raw.correlation_id = Str(correlation_id);
    raw.causation_id = Str(causation_id);
    raw.trace = trace;
    raw.deadline = deadline;
    raw.retries = retries;
    raw.attempt = attempt;
    raw.retries_of = retries_of;
    raw.tracestate = Str(tracestate);
    raw.baggage = Str(baggage);
    raw.request_id = Str(request_id);
    raw.tenant = Str(tenant);
    raw.principal = Str(principal);
    raw.criticality = criticality ? static_cast<hf_criticality>(*criticality) : 0;
    return raw;
  }
  static ContextOptions From(const hf_context_options& raw) {
    ContextOptions options;
    options.correlation_id = View(raw.correlation_id);
    options.causation_id = View(raw.causation_id);
    options.trace = raw.trace;
    options.deadline = raw.deadline;
    options.retries = raw.retries;
    options.attempt = raw.attempt;
    options.tracestate = View(raw.tracestate);
    options.baggage = View(raw.baggage);
    options.request_id = View(raw.request_id);
    options.tenant = View(raw.tenant);
    options.principal = View(raw.principal);
    if (raw.criticality != 0) options.criticality = static_cast<Criticality>(raw.criticality);
    return options;
  }

 private:
  static hf_str Str(std::string_view text) { return {text.data(), text.size()}; }
  static std::string_view View(const hf_str& text) { return {text.data, text.size}; }
};

// What a child does not take over from its parent.
struct ChildOptions {
  std::string_view causation_id = {};  // empty: the parent's span id in hex, else its causation id
  hf_time deadline = 0;                // 0: the parent's; one later than the parent's has no effect
  SpanId span_id = {};                 // all zero: a fresh one
  std::optional<std::string_view> tracestate = {};  // nullopt: the parent's
  std::optional<std::string_view> baggage = {};     // nullopt: the parent's
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_CONTEXT_OPTIONS_H_
