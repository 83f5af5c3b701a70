// SPDX-License-Identifier: Apache-2.0
// Context: what follows one unit of work through threads, processes and partners.
//
//   correlation id   the whole story: the same from the first request to the last message
//   causation id     the step that led here
//   trace            the W3C trace context, whose span id is this step
//   deadline         when the whole story is over, on the steady clock of this process
//
// An immutable value behind a reference count. Each thread has one current context, which lives in the
// shared object: libraries that do not know of each other see the same one. It does not follow work to
// another thread by itself: take Context::Current() along and attach it there (scoped_context.h), or let an
// executor carry it, over co_await too (asio/context.h).
#ifndef HOLDFAST_CONTEXT_H_
#define HOLDFAST_CONTEXT_H_

#include <absl/status/statusor.h>
#include <holdfast/c/context.h>
#include <holdfast/entropy.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_2 {

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

// Ids are at most 128 bytes of printable ASCII without spaces: fit for a header and a log line.
struct ContextOptions {
  std::string_view correlation_id = {};  // empty: none
  std::string_view causation_id = {};    // empty: none
  hf_trace trace = {};                   // all zero: none
  hf_time deadline = 0;                  // on the steady clock of this process; 0: none
  int32_t retries = 0;  // what the layers above left to this work; 0: not told; HF_NO_RETRIES: none
  uint32_t attempt = 0;  // the attempt of the layer above that this is, from 1; 0: not told
  hf_context* retries_of = nullptr;  // share the retries and attempt of that context instead
};

// What a child does not take over from its parent.
struct ChildOptions {
  std::string_view causation_id = {};  // empty: the parent's span id in hex, else its causation id
  hf_time deadline = 0;                // 0: the parent's; one later than the parent's has no effect
  SpanId span_id = {};                 // all zero: a fresh one
};

// Immutable, cheap to copy. Thread-safe.
class Context {
 public:
  using Options = ContextOptions;

  // Errors: kInvalidArgument, whose message names the field; kResourceExhausted.
  static absl::StatusOr<Context> Create(const Options& options) {
    hf_context_options raw = HF_INIT(hf_context_options);
    raw.correlation_id = {options.correlation_id.data(), options.correlation_id.size()};
    raw.causation_id = {options.causation_id.data(), options.causation_id.size()};
    raw.trace = options.trace;
    raw.deadline = options.deadline;
    raw.retries = options.retries;
    raw.attempt = options.attempt;
    raw.retries_of = options.retries_of;
    hf_context* created = nullptr;
    hf_error error;
    if (hf_context_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return Context(HandleType::Adopt(created));
  }

  // The beginning of a story: as Create, with a fresh trace where none is given, and the trace id in hex
  // as the correlation id where none is given.
  static absl::StatusOr<Context> Start(Options options = {}) {
    if (!HasTrace(options.trace)) options.trace = FreshTrace();
    const std::string trace_id = FormatTraceparent(options.trace).substr(3, 32);
    if (options.correlation_id.empty()) options.correlation_id = trace_id;
    return Create(options);
  }

  // The calling thread's current context; an empty one if there is none.
  static Context Current() { return Context(HandleType::Share(hf_context_current())); }

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

  // What is left by now of the retries that the layers above allowed: 0: not told, HF_NO_RETRIES: none.
  int32_t retries() const { return Read().retries; }
  // The attempt of the layer above that this work is, from 1; 0: not told.
  uint32_t attempt() const { return Read().attempt; }
  // Made under this context, and under those that share its retries.
  uint32_t retried() const { return hf_context_retried(raw()); }

  // The context of a step that this one causes: the same story, trace and retries, a span of its own,
  // and no later deadline. Errors: as Create.
  absl::StatusOr<Context> Child(const ChildOptions& options = {}) const {
    const hf_context_options parent = Read();
    Options child{View(parent.correlation_id), options.causation_id, parent.trace, parent.deadline};
    child.retries_of = raw();
    const std::string parent_span = SpanHex(parent.trace);
    if (child.causation_id.empty()) {
      child.causation_id = parent_span.empty() ? View(parent.causation_id) : parent_span;
    }
    if (!parent_span.empty()) {
      const SpanId span = options.span_id == SpanId{} ? FreshSpanId() : options.span_id;
      std::copy(span.begin(), span.end(), child.trace.span_id);
    }
    if (child.deadline == 0 || (options.deadline != 0 && options.deadline < child.deadline)) {
      child.deadline = options.deadline;
    }
    return Create(child);
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

}  // namespace holdfast::inline v0_2

#include <holdfast/scoped_context.h>  // at the end: it needs Context

#endif  // HOLDFAST_CONTEXT_H_
