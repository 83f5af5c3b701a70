// SPDX-License-Identifier: Apache-2.0
// Context: what follows one unit of work through threads, processes and partners.
//
//   correlation id   the whole story: the same from the first request to the last message
//   causation id     the step that led here
//   trace            the W3C trace context, whose span id is this step
//   deadline         when the whole story is over, on the steady clock of this process
//   tracestate, baggage, request id, tenant, principal, criticality   as c/propagation.h carries them
//
// An immutable value behind a reference count. Each thread has one current context, which lives in the
// shared object: libraries that do not know of each other see the same one. It does not follow work to
// another thread by itself: take Context::Current() along and attach it there (scoped_context.h), or let an
// executor carry it, over co_await too (asio/context.h).
#ifndef HOLDFAST_CONTEXT_H_
#define HOLDFAST_CONTEXT_H_

#include <absl/status/statusor.h>
#include <holdfast/c/context.h>
#include <holdfast/context_options.h>
#include <holdfast/criticality.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>
#include <holdfast/trace.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5 {

// Immutable, cheap to copy. Thread-safe.
class Context {
 public:
  using Options = ContextOptions;

  // Errors: kInvalidArgument, whose message names the field; kResourceExhausted.
  static absl::StatusOr<Context> Create(const Options& options) {
    const hf_context_options raw = options.Raw();
    hf_context* created = nullptr;
    hf_error error;
    if (hf_context_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return Context(HandleType::Adopt(created));
  }

  // The beginning of a story: as Create, with a fresh trace where none is given, and the trace id in hex
  // as the correlation id where none is given.
  static absl::StatusOr<Context> Start(Options options = {}) {
    if (!HasTrace(options.trace)) {
      options.trace = FreshTrace();
      options.tracestate = {};  // it belonged to another one
    }
    const std::string trace_id = FormatTraceparent(options.trace).substr(3, 32);
    if (options.correlation_id.empty()) options.correlation_id = trace_id;
    return Create(options);
  }

  // The calling thread's current context; an empty one if there is none.
  static Context Current() { return Context(HandleType::Share(hf_context_current())); }

  // Takes over one reference that the caller owns; null is an empty context.
  static Context Adopt(hf_context* owned) { return Context(HandleType::Adopt(owned)); }

  // Empty: no ids, no trace, no deadline. Attaching it detaches the thread.
  Context() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Views last as long as a copy of this context does.
  std::string_view correlation_id() const { return View(Read().correlation_id); }
  std::string_view causation_id() const { return View(Read().causation_id); }
  // All zero: none (HasTrace).
  hf_trace trace() const { return Read().trace; }
  // 0: none.
  hf_time deadline() const { return Read().deadline; }
  // One header value each, empty: none. To read members, and to change them: tracestate.h, baggage.h.
  std::string_view tracestate() const { return View(Read().tracestate); }
  std::string_view baggage() const { return View(Read().baggage); }
  std::string_view request_id() const { return View(Read().request_id); }
  std::string_view tenant() const { return View(Read().tenant); }
  // A claim for people and logs, never proof of who asks.
  std::string_view principal() const { return View(Read().principal); }
  // nullopt: not told.
  std::optional<Criticality> criticality() const {
    const hf_criticality told = Read().criticality;
    return told == 0 ? std::nullopt : std::optional(static_cast<Criticality>(told));
  }

  // What is left by now of the retries that the layers above allowed: 0: not told, HF_NO_RETRIES: none.
  int32_t retries() const { return Read().retries; }
  // The attempt of the layer above that this work is, from 1; 0: not told.
  uint32_t attempt() const { return Read().attempt; }
  // Made under this context, and under those that share its retries.
  uint32_t retried() const { return hf_context_retried(raw()); }

  // The context of a step that this one causes: the same story, trace and retries, a span of its own,
  // and no later deadline. Errors: as Create.
  absl::StatusOr<Context> Child(const ChildOptions& options = {}) const {
    Options child = ContextOptions::From(Read());
    child.retries = 0;  // shared, not copied
    child.attempt = 0;
    child.retries_of = raw();
    const std::string parent_span = SpanHex(child.trace);
    child.causation_id = options.causation_id;
    if (child.causation_id.empty()) {
      child.causation_id = parent_span.empty() ? causation_id() : parent_span;
    }
    if (!parent_span.empty()) {
      const SpanId span = options.span_id == SpanId{} ? FreshSpanId() : options.span_id;
      std::copy(span.begin(), span.end(), child.trace.span_id);
    }
    if (child.deadline == 0 || (options.deadline != 0 && options.deadline < child.deadline)) {
      child.deadline = options.deadline;
    }
    if (options.tracestate) child.tracestate = *options.tracestate;
    if (options.baggage) child.baggage = *options.baggage;
    return Create(child);
  }

  // The same story for work that goes on when this request is over: everything but the deadline, and
  // the retries and attempt, of which it has an account of its own. Errors: kResourceExhausted.
  absl::StatusOr<Context> Detached() const {
    Options detached = ContextOptions::From(Read());
    detached.deadline = 0;
    detached.retries = 0;
    detached.attempt = 0;
    return Create(detached);
  }

  // The C object, borrowed; null if empty.
  hf_context* raw() const { return handle_.get(); }
  // Its reference goes to the caller, and this is empty afterwards: for hf_context_swap.
  hf_context* Release() { return handle_.Release(); }

  // The same object, not equal contents.
  friend bool operator==(const Context& a, const Context& b) { return a.handle_ == b.handle_; }

 private:
  using HandleType = Handle<hf_context, hf_context_ref, hf_context_unref>;

  explicit Context(HandleType handle) : handle_(std::move(handle)) {}

  static std::string_view View(const hf_str& text) { return {text.data, text.size}; }

  static std::string SpanHex(const hf_trace& trace) {
    const std::string value = FormatTraceparent(trace);
    return value.empty() ? value : value.substr(36, 16);
  }

  hf_context_options Read() const {
    hf_context_options out = HF_INIT(hf_context_options);
    hf_context_get(raw(), &out);
    return out;
  }

  HandleType handle_;
};

}  // namespace holdfast::inline v0_5

#include <holdfast/scoped_context.h>  // at the end: it needs Context

#endif  // HOLDFAST_CONTEXT_H_
