/* SPDX-License-Identifier: Apache-2.0 */
/* Propagation: a context out of a request's headers, and into those of the next one.
 *
 * A policy says who is at the other end:
 *
 *   boundary   read                                            written
 *   ingress    a stranger: tracestate and baggage only as      likewise by the lists; no tenant,
 *              allowed; tenant, principal, criticality,        principal or criticality
 *              attempt and retries not believed; x-request-id
 *              always made anew
 *   internal   one of ours: all of it is believed; a missing   all of it
 *              x-request-id is made
 *
 * Private baggage (HF_BAGGAGE_PRIVATE) is read, seen in process, and written by no policy.
 *
 *   header                  several     malformed                     in the context
 *   traceparent             a restart   a restart, no tracestate      trace
 *   tracestate              one list    none of it                    tracestate
 *   b3, x-b3-*              the first   a restart                     trace; only without a traceparent
 *   baggage                 one list    whole members left out        baggage
 *   x-correlation-id        none        none: the trace id in hex     correlation_id
 *   x-causation-id          none        none                          causation_id
 *   x-request-id            none        none: a fresh UUID            request_id
 *   holdfast-tenant, -principal, -criticality, -attempt, -retries     tenant, ...: none, likewise
 *   grpc-timeout            the first   none                          deadline (over HTTP: holdfast-timeout)
 *
 * A restart is a fresh trace, not sampled unless b3 asked for it without ids. Nothing a peer
 * sends is an error: context describes work, it must not stop it. What was left out is in the report.
 * Names are compared without case; bytes that no header may have make a value malformed, folded lines too.
 */
#ifndef HOLDFAST_C_PROPAGATION_H_
#define HOLDFAST_C_PROPAGATION_H_

#include <holdfast/c/context.h>
#include <holdfast/c/formats.h>

HF_BEGIN_DECLS

typedef struct hf_propagation hf_propagation;

/* One header field, borrowed; a name may come several times. Fixed layout. */
typedef struct hf_header {
  hf_str name;
  hf_str value;
} hf_header;

typedef int32_t hf_boundary;
#define HF_BOUNDARY_INGRESS 1 /* the default */
#define HF_BOUNDARY_INTERNAL 2

typedef int32_t hf_transport;
#define HF_TRANSPORT_HTTP 1 /* the default */
#define HF_TRANSPORT_GRPC 2 /* lower-case names; the deadline is grpc-timeout */

/* Trace formats, as bits. */
#define HF_FORMAT_W3C 1u /* traceparent and tracestate */
#define HF_FORMAT_B3_SINGLE 2u
#define HF_FORMAT_B3_MULTI 4u

/* What a header says, as bits. */
#define HF_FIELD_TRACEPARENT 0x1u
#define HF_FIELD_TRACESTATE 0x2u
#define HF_FIELD_B3 0x4u
#define HF_FIELD_BAGGAGE 0x8u
#define HF_FIELD_CORRELATION_ID 0x10u
#define HF_FIELD_CAUSATION_ID 0x20u
#define HF_FIELD_REQUEST_ID 0x40u
#define HF_FIELD_TENANT 0x80u
#define HF_FIELD_PRINCIPAL 0x100u
#define HF_FIELD_CRITICALITY 0x200u
#define HF_FIELD_ATTEMPT 0x400u
#define HF_FIELD_RETRIES 0x800u
#define HF_FIELD_DEADLINE 0x1000u
#define HF_FIELDS 0x1FFFu

#define HF_PROPAGATION_KEYS 64u /* in each list */
#define HF_INJECT_HEADERS 20u   /* more are never written */

/* The lists are copied. Their keys match to the letter; "*" among them is every key. */
typedef struct hf_propagation_options {
  uint32_t struct_size, abi_level;
  hf_boundary boundary;
  hf_transport transport;
  uint32_t read_formats;  /* HF_FORMAT_*; default W3C */
  uint32_t write_formats; /* HF_FORMAT_*; default W3C */
  uint32_t left_out;      /* HF_FIELD_* that are neither read nor written: somebody else does */
  uint32_t budget;        /* bytes written at most, as HTTP/2 counts (name + value + 32 each):
                              * 256..65536; default 4096 */
  hf_duration margin;     /* taken off a deadline that is read: 0..1 h; default none */
  const hf_str* baggage_allow;    /* keys let through at ingress; default none */
  const hf_str* baggage_private;  /* keys made private where they are read, and never written */
  const hf_str* tracestate_allow; /* keys let through at ingress; default none */
  uint32_t baggage_allow_count;
  uint32_t baggage_private_count;
  uint32_t tracestate_allow_count;
  uint32_t reserved0;
} hf_propagation_options;

/* What came of each field (HF_FIELD_*), and of the members of the two lists. */
typedef struct hf_propagation_snapshot {
  uint32_t struct_size;
  uint32_t carried;            /* in the context, or written; of a list, some of it */
  uint32_t malformed;          /* could not be read */
  uint32_t repeated;           /* came several times */
  uint32_t untrusted;          /* not taken from, or not told to, this peer */
  uint32_t over;               /* did not fit into the budget; some of it, of a list */
  uint32_t made;               /* TRACEPARENT, CORRELATION_ID, REQUEST_ID: made here */
  uint32_t tracestate_dropped; /* members, for any reason */
  uint32_t baggage_malformed;  /* members left out: malformed */
  uint32_t baggage_untrusted;  /* not allowed */
  uint32_t baggage_private;    /* kept in process */
  uint32_t baggage_over;       /* beyond 180, HF_BAGGAGE_MAX, or the budget */
  uint32_t bytes;              /* written, as the budget counts */
  uint32_t reserved0;
} hf_propagation_snapshot;

/* What the reader adds. Zero: no time, no deadline, nothing to make ids from. */
typedef struct hf_extract_options {
  uint32_t struct_size, abi_level;
  hf_time now;            /* on the clock of the deadlines; 0: what a request tells is left out */
  hf_time deadline;       /* known besides the headers; the earlier one counts; 0: none */
  const uint8_t* entropy; /* 40 random bytes, nullable: for a fresh trace, span and request id */
} hf_extract_options;
#define HF_EXTRACT_ENTROPY 40u

/* Creates a policy.
 * Contract: options NULL is an ingress over HTTP that lets no baggage in. Ownership: *out holds one
 *   reference; the lists are copied.
 * Threads: any. Errors: INVALID_ARGUMENT naming the field; RESOURCE_EXHAUSTED. Since: 0.3 */
HF_API hf_code hf_propagation_new(const hf_propagation_options* options, hf_propagation** out,
                                  hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.3 */
HF_API void hf_propagation_ref(hf_propagation* propagation) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.3 */
HF_API void hf_propagation_unref(hf_propagation* propagation) HF_NOEXCEPT;

/* Reads a context from headers.
 * Contract: other headers are passed over. The context has a trace, a correlation id and a request id: as
 *   read, else made from options->entropy. Allocates the context and nothing else.
 *   Ownership: *out holds one reference; report is nullable, its struct_size set by the caller.
 * Threads: any. Errors: INVALID_ARGUMENT: a NULL policy, headers, out or value; options out of range.
 *   FAILED_PRECONDITION HF_R_ZERO_NONCE: an id must be made, and entropy is NULL, or zero for it: call
 *   again with some; *out is NULL, the report is not written. RESOURCE_EXHAUSTED. Since: 0.3 */
HF_API hf_code hf_context_extract(const hf_propagation* propagation, const hf_header* headers,
                                  size_t count, const hf_extract_options* options, hf_context** out,
                                  hf_propagation_snapshot* report, hf_error* error) HF_NOEXCEPT;

/* Writes a context into headers, the most needed ones first: what the budget does not hold is left out, of
 * tracestate and baggage whole members. The trace's span id goes out as it is: give the context of the
 * step (a child), not that of the request it came from.
 * Contract: context NULL writes nothing. Allocates nothing. Values are text of the context, of the library,
 *   or of `buffer`. Ownership: headers has HF_INJECT_HEADERS, *count are written; buffer has `capacity`
 *   bytes, the policy's budget is always enough; report is nullable, its struct_size set by the caller.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL. DEADLINE_EXCEEDED HF_R_DEADLINE: no time is left, nothing is
 *   to be sent. RESOURCE_EXHAUSTED HF_R_BUFFER_TOO_SMALL. *count is 0 then. Since: 0.3 */
HF_API hf_code hf_context_inject(const hf_propagation* propagation, const hf_context* context,
                                 hf_time now, hf_header* headers, size_t* count, char* buffer,
                                 size_t capacity, hf_propagation_snapshot* report,
                                 hf_error* error) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_PROPAGATION_H_ */
