/* SPDX-License-Identifier: Apache-2.0 */
/* Formats: what single header values say, bytes <-> values. traceparent is in context.h; whole requests
 * are read and written by propagation.h, which needs none of this from its caller.
 *
 *   value            source                                       not as it came
 *   tracestate       W3C Trace Context 2, 3.3                     spaces around members, empty members, the
 *                                                                 second member of a key
 *   baggage          W3C Baggage                                  likewise but for keys, which may come
 *                                                                 twice; lower-case escapes; broken UTF-8
 *   b3               openzipkin/b3-propagation                    debug reads as sampled; the parent is not kept
 *   grpc-timeout     gRPC over HTTP/2                             written rounded down: never later
 *   idempotency-key  draft-ietf-httpapi-idempotency-key-header    read without its quotes, too
 *
 * Reading what was written gives the same value, and writing what was read is a fixed point after one
 * application. Buffers are the caller's. No function allocates.
 */
#ifndef HOLDFAST_C_FORMATS_H_
#define HOLDFAST_C_FORMATS_H_

#include <holdfast/c/context.h>

HF_BEGIN_DECLS

#define HF_TRACESTATE_MEMBERS 32u
#define HF_BAGGAGE_MEMBERS 180u
#define HF_B3_SIZE 51u          /* bytes at most that hf_b3_format writes */
#define HF_GRPC_TIMEOUT_SIZE 9u /* likewise of hf_grpc_timeout_format */

/* The property that keeps a baggage member inside the process (propagation.h): personal data. */
#define HF_BAGGAGE_PRIVATE "holdfast-pii"

/* Reads tracestate header values as one list, in order, and writes it as one value.
 * Contract: no spaces around members, no empty ones, of a key only its first; all or nothing.
 *   Ownership: out has `capacity` bytes; the sum of the values' sizes and of `count` is always enough.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL, a malformed member, more than 32. RESOURCE_EXHAUSTED: does
 *   not fit, or more than HF_TRACESTATE_MAX. *size is 0 then. Since: 0.3 */
HF_API hf_code hf_tracestate_parse(const hf_str* values, size_t count, char* out, size_t capacity,
                                   size_t* size) HF_NOEXCEPT;

/* Reads baggage header values as one list, in order, and writes it as one value.
 * Contract: `key=value;property;property=value,...` without spaces; values stay percent-encoded, what is not
 *   UTF-8 under its escapes becomes U+FFFD. Members that are malformed, or beyond 180 or
 *   HF_BAGGAGE_MAX, are left out and counted in *dropped (nullable). Ownership: out has `capacity` bytes:
 *   what does not fit counts as dropped; HF_BAGGAGE_MAX is always enough.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL; *size is 0 then. Since: 0.3 */
HF_API hf_code hf_baggage_parse(const hf_str* values, size_t count, char* out, size_t capacity,
                                size_t* size, uint32_t* dropped) HF_NOEXCEPT;

/* Any bytes as a baggage value: all but A-Z a-z 0-9 - . _ ~ become %XX; what is not UTF-8, U+FFFD.
 * Contract: *need (nullable) tells the size, also if `out` is too small. Ownership: out has `capacity`
 *   bytes, may be NULL if that is 0; three times size is always enough, nine times if not UTF-8.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL. RESOURCE_EXHAUSTED: too small, nothing written.
 * Since: 0.3 */
HF_API hf_code hf_baggage_encode(const char* data, size_t size, char* out, size_t capacity,
                                 size_t* need) HF_NOEXCEPT;

/* A baggage value as UTF-8; `+` is itself.
 * Contract: *need (nullable) as above. Ownership: as above; three times size is always enough, and size if
 *   the value comes from hf_baggage_parse.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL, `%` without two hex digits. RESOURCE_EXHAUSTED: too
 *   small, nothing written. Since: 0.3 */
HF_API hf_code hf_baggage_decode(const char* data, size_t size, char* out, size_t capacity,
                                 size_t* need) HF_NOEXCEPT;

/* Reads a single b3 header value that has ids.
 * Contract: a 16-digit trace id gets zeros on its left; no decision reads as not sampled.
 *   Ownership: *out is written only on OK.
 * Threads: any. Errors: INVALID_ARGUMENT: malformed, zero ids, a decision without ids, NULL. Since: 0.3 */
HF_API hf_code hf_b3_parse(const char* data, size_t size, hf_trace* out) HF_NOEXCEPT;

/* Writes a single b3 header value, HF_B3_SIZE bytes, not terminated: `trace-span-0` or `-1`.
 * Contract: 32 digits of trace id. Ownership: out has HF_B3_SIZE bytes.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL or a zero id. Since: 0.3 */
HF_API hf_code hf_b3_format(const hf_trace* trace, char* out) HF_NOEXCEPT;

/* Reads a grpc-timeout value: 1 to 8 digits and one of H M S m u n.
 * Contract: what exceeds HF_INFINITE - 1 reads as that. Ownership: *out is written only on OK.
 * Threads: any. Errors: INVALID_ARGUMENT: malformed, or NULL. Since: 0.3 */
HF_API hf_code hf_grpc_timeout_parse(const char* data, size_t size, hf_duration* out) HF_NOEXCEPT;

/* Writes a grpc-timeout value, not terminated, in the finest unit that 8 digits can say, rounded down.
 * Contract: *size bytes, at most HF_GRPC_TIMEOUT_SIZE. Ownership: out has HF_GRPC_TIMEOUT_SIZE bytes.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL, a negative duration, HF_INFINITE. Since: 0.3 */
HF_API hf_code hf_grpc_timeout_format(hf_duration timeout, char* out, size_t* size) HF_NOEXCEPT;

/* Reads an Idempotency-Key header value: a structured field String, whose parameters are ignored; also a key
 * without quotes, as many clients send it.
 * Contract: who received two values refuses both. Ownership: out has `size` bytes; *key_size are written.
 * Threads: any. Errors: INVALID_ARGUMENT: empty, unbalanced quotes, bytes other than 0x20..0x7E, a space
 *   or comma outside quotes, NULL. Since: 0.3 */
HF_API hf_code hf_idempotency_key_parse(const char* data, size_t size, char* out,
                                        size_t* key_size) HF_NOEXCEPT;

/* Writes a key as a structured field String, with its quotes.
 * Contract: *need (nullable) tells the size, also if `out` is too small; 2 * size + 2 is always enough.
 *   Ownership: out has `capacity` bytes.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL, empty, bytes other than 0x20..0x7E. RESOURCE_EXHAUSTED:
 *   too small, nothing written. Since: 0.3 */
HF_API hf_code hf_idempotency_key_format(const char* data, size_t size, char* out, size_t capacity,
                                         size_t* need) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_FORMATS_H_ */
