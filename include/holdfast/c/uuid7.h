/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDv7 (RFC 9562, 5.7): identifiers that sort by the time they were made.
 *
 *   48 bits     4      12 bits        2     30 bits        32 bits
 *   unix_ms     0111   counter, high  10    counter, low   random
 *
 * One generator never gives an id that is not above the one before: within a millisecond the counter, which
 * begins anywhere in the lower half of its 42 bits, goes up by one; when the clock goes back, the last
 * millisecond stays; when the counter is used up, the millisecond goes one ahead of the clock. The generator's random
 * bits come from its seed by a fast generator: they keep ids of different generators apart, and keep no secret.
 */
#ifndef HOLDFAST_C_UUID7_H_
#define HOLDFAST_C_UUID7_H_

#include <holdfast/c/base.h>

HF_BEGIN_DECLS

#define HF_UUID_SIZE 16u
#define HF_UUID_TEXT_SIZE 36u
#define HF_UUID7_ENTROPY 32u

/* A generator, in the caller's memory. */
typedef struct hf_uuid7 {
  uint64_t opaque[8];
} hf_uuid7;

/* Begins a generator.
 * Contract: each process, and each child after a fork, begins its own; a generator stays where it was begun.
 *   Ownership: entropy is HF_UUID7_ENTROPY bytes from the operating system.
 * Threads: one at a time. Errors: INVALID_ARGUMENT: NULL, or entropy that is all zero. Since: 0.5 */
HF_API hf_code hf_uuid7_start(hf_uuid7* generator, const uint8_t* entropy) HF_NOEXCEPT;

/* The next id, HF_UUID_SIZE bytes in network order.
 * Contract: unix_ms is the wall clock, 0..2^48-1; it may step back. Ownership: *id is written only on OK.
 * Threads: one at a time. Errors: INVALID_ARGUMENT: NULL, out of range; FAILED_PRECONDITION: not started, or a
 *   copy of one that was; RESOURCE_EXHAUSTED: the last millisecond there is has no id left. Since: 0.5 */
HF_API hf_code hf_uuid7_next(hf_uuid7* generator, int64_t unix_ms, uint8_t* id) HF_NOEXCEPT;

/* Writes an id of any version as HF_UUID_TEXT_SIZE characters in lower case, not terminated.
 * Contract: none. Ownership: text is the caller's. Threads: any. Errors: INVALID_ARGUMENT: NULL. Since: 0.5 */
HF_API hf_code hf_uuid7_format(const uint8_t* id, char* text) HF_NOEXCEPT;

/* Reads an id of any version, in either case.
 * Contract: none. Ownership: *id is written only on OK. Threads: any. Errors: INVALID_ARGUMENT. Since: 0.5 */
HF_API hf_code hf_uuid7_parse(const char* text, size_t size, uint8_t* id) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_UUID7_H_ */
