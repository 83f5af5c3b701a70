/* SPDX-License-Identifier: Apache-2.0 */
/* Context: what follows one unit of work through threads, processes and partners.
 *
 * A context is an immutable value behind a reference count: correlation id (the whole story), causation
 * id (the step that led here), W3C trace context, deadline, and what the layers above say of retries (the
 * one thing in it that changes: a count of what is left, shared by the calls made under it). Each thread has one current slot, and the
 * slot lives in this shared object because it cannot live in headers: two libraries built with hidden
 * visibility would each see their own.
 */
#ifndef HOLDFAST_C_CONTEXT_H_
#define HOLDFAST_C_CONTEXT_H_

#include <holdfast/c/base.h>

HF_BEGIN_DECLS

typedef struct hf_context hf_context;

/* W3C trace context, https://www.w3.org/TR/trace-context-2/. Fixed layout. All zero: none. */
typedef struct hf_trace {
  uint8_t trace_id[16];
  uint8_t span_id[8];
  uint8_t flags; /* bit 0 sampled, bit 1 random trace id; others are dropped */
  uint8_t reserved0[7];
} hf_trace;

#define HF_TRACEPARENT_SIZE 55u
#define HF_CONTEXT_ID_MAX \
  128u /* bytes of a correlation, causation or request id; printable ASCII, no spaces */
#define HF_CONTEXT_NAME_MAX 256u /* bytes of a tenant or principal; printable ASCII, no spaces */
#define HF_TRACESTATE_MAX 16447u /* bytes: 32 members of 256 + 1 + 256, and their commas */
#define HF_BAGGAGE_MAX 8192u     /* bytes, of 180 members at most */

typedef struct hf_context_options {
  uint32_t struct_size, abi_level;
  hf_str correlation_id; /* empty: none */
  hf_str causation_id;   /* empty: none */
  hf_trace trace;        /* all zero: none */
  hf_time deadline;      /* on the steady clock of this process; 0: none */
  int32_t retries;       /* what the layers above left to this work and all below it; 0: not told */
  uint32_t attempt;      /* the attempt of the layer above that this work is, from 1; 0: not told */
  hf_context*
      retries_of;    /* nullable: share that context's retries and attempt; a reference is taken */
  hf_str tracestate; /* one header value, formats.h; needs a trace; empty: none */
  hf_str baggage;    /* one header value, formats.h, of whole and legal members; empty: none */
  hf_str request_id; /* of one request of an outer client; opaque, never reformatted; empty: none */
  hf_str tenant;     /* empty: none */
  hf_str principal;  /* who asked, for people and logs: a claim, never a credential; empty: none */
  hf_criticality criticality; /* 0: not told */
  uint32_t reserved0;
} hf_context_options;
#define HF_NO_RETRIES (-1) /* of `retries`: told that none are left */

/* Reads a traceparent header value.
 * Contract: outer spaces and tabs are dropped; version 00 is exactly 55 bytes, a higher version is read
 *   by its first 55; ff, upper case, zero ids and anything else malformed are refused. One value only:
 *   two joined by a comma are malformed, and so are two that a caller received apart.
 *   Ownership: *out is written only on OK.
 * Threads: any. Errors: INVALID_ARGUMENT: malformed, or NULL. Since: 0.1 */
HF_API hf_code hf_traceparent_parse(const char* data, size_t size, hf_trace* out) HF_NOEXCEPT;

/* Writes a traceparent header value, version 00, 55 bytes, not terminated.
 * Contract: flags other than sampled and random are written as 0. Ownership: out has 55 bytes.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL or a zero id. Since: 0.1 */
HF_API hf_code hf_traceparent_format(const hf_trace* trace, char* out) HF_NOEXCEPT;

/* Creates a context.
 * Contract: strings are copied; options NULL means an empty one. Of tracestate and baggage the spaces
 *   around members, and empty members, are dropped. Ownership: *out holds one reference.
 * Threads: any. Errors: INVALID_ARGUMENT naming the field: an id that is too long or not printable
 *   ASCII, a trace with a zero id that is not all zero, a negative deadline, a malformed tracestate or
 *   baggage member. RESOURCE_EXHAUSTED. Since: 0.1 */
HF_API hf_code hf_context_new(const hf_context_options* options, hf_context** out,
                              hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_context_ref(hf_context* context) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_context_unref(hf_context* context) HF_NOEXCEPT;

/* Reads a context.
 * Contract: out->struct_size is set by the caller; strings point into the context. context NULL gives
 *   an empty one. Ownership: borrowed while a reference is held. Threads: any.
 * Errors: INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_context_get(const hf_context* context, hf_context_options* out) HF_NOEXCEPT;

/* How many retries were made under a context, and under those that share its retries, by calls that were
 * given it (call.h): what a layer tells the one above.
 * Contract: 0 for NULL. Ownership: none. Threads: any. Errors: none. Since: 0.2 */
HF_API uint32_t hf_context_retried(const hf_context* context) HF_NOEXCEPT;

/* The calling thread's current context, or NULL.
 * Contract: no reference is added. Ownership: borrowed until the next swap on this thread.
 * Threads: this thread's slot. Errors: none. Since: 0.1 */
HF_API hf_context* hf_context_current(void) HF_NOEXCEPT;

/* Puts `next` (nullable) into the calling thread's slot, and gives back what was there.
 * Contract: the slot owns one reference of what it holds. Whoever puts something in takes it out again
 *   before the thread ends, for what is left in the slot then is leaked.
 * Ownership: the caller's reference of `next` goes into the slot, and the slot's reference of what was
 *   there goes to the caller. Threads: this thread's slot. Errors: none. Since: 0.1 */
HF_API hf_context* hf_context_swap(hf_context* next) HF_NOEXCEPT;

/* A flow is work whose current context travels with it: from the code that starts an operation to the
 * handler that goes on when it is done, on whatever thread. Beside its slot each thread has a mark that
 * says which flow it is running, by a number. Drivers that carry contexts set it (asio/context.h); nobody
 * else needs it.
 *
 * A number for a flow.
 * Contract: even, not 0, and given to nobody else in this process. Ownership: none.
 * Threads: any. Errors: none. Since: 0.3 */
HF_API uint64_t hf_context_flow_new(void) HF_NOEXCEPT;

/* The flow that the calling thread is running, or 0.
 * Contract: as it was set last. Ownership: none. Threads: this thread's mark. Errors: none. Since: 0.3 */
HF_API uint64_t hf_context_flow(void) HF_NOEXCEPT;

/* Says that the calling thread runs the flow `next` from now on (0: none), and which one it did before.
 * Contract: whoever sets it sets it back, as with hf_context_swap. Ownership: none.
 * Threads: this thread's mark. Errors: none. Since: 0.3 */
HF_API uint64_t hf_context_flow_swap(uint64_t next) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_CONTEXT_H_ */
