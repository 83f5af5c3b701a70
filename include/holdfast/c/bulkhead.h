/* SPDX-License-Identifier: Apache-2.0 */
/* Bulkhead: at most `limit` at once, at most `queue` waiting, first come first served, each with a
 * deadline. One slow dependency then holds `limit` threads of a service, never all of them.
 *
 *   invariants   in_flight <= limit. Nobody waits while in_flight < limit. A permit handed to a waiter
 *                that has left (deadline, cancel) goes on to the next one, and is never lost.
 */
#ifndef HOLDFAST_C_BULKHEAD_H_
#define HOLDFAST_C_BULKHEAD_H_

#include <holdfast/c/breaker.h>

HF_BEGIN_DECLS

typedef struct hf_bulkhead hf_bulkhead;

typedef struct hf_bulkhead_options {
  uint32_t struct_size, abi_level;
  uint32_t limit;       /* 1..1e6; default 64 */
  uint32_t queue;       /* 0..1e6 waiters; default 0: refuse at once */
  hf_duration max_wait; /* 1 us..24 h; a bound on each wait besides its deadline; default 1 s */
} hf_bulkhead_options;

typedef struct hf_bulkhead_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t in_flight;
  uint32_t waiting;
  uint32_t limit;
  uint64_t refused;
  uint64_t timed_out;
} hf_bulkhead_snapshot;

/* A place in the queue: the caller's memory, pinned from hf_bulkhead_wait_start until a poll gives an
 * answer other than "still waiting", or the cancel. */
typedef struct hf_bulkhead_wait {
  uint64_t opaque[12];
} hf_bulkhead_wait;

/* Creates a bulkhead, empty.
 * Contract: options NULL means all defaults. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field, RESOURCE_EXHAUSTED. Since: 0.1 */
HF_API hf_code hf_bulkhead_new(const hf_bulkhead_options* options, hf_bulkhead** out,
                               hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_bulkhead_ref(hf_bulkhead* bulkhead) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.1 */
HF_API void hf_bulkhead_unref(hf_bulkhead* bulkhead) HF_NOEXCEPT;

/* Takes a permit at once, or not at all; never passes a waiter.
 * Contract: OK fills *permit; give it back by one hf_bulkhead_release. Ownership: the caller's memory.
 * Threads: any, no allocation, lock-free while nobody waits.
 * Errors: RESOURCE_EXHAUSTED HF_R_BULKHEAD_FULL with *why (nullable). INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_bulkhead_try_acquire(hf_bulkhead* bulkhead, hf_time now, hf_permit* permit,
                                       hf_rejection* why) HF_NOEXCEPT;

/* Takes a permit, or a place in the queue.
 * Contract: OK: as try_acquire. UNAVAILABLE with reason NONE: queued, *until is when to poll at the
 *   latest; the waker (fn may be NULL for a pure poller) tells of an earlier end.
 *   deadline 0: none; max_wait holds besides. Ownership: *wait pinned, see its declaration.
 * Threads: any, no allocation. Errors: RESOURCE_EXHAUSTED HF_R_BULKHEAD_FULL; DEADLINE_EXCEEDED
 *   HF_R_BULKHEAD_TIMEOUT if the deadline has passed; INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_bulkhead_wait_start(hf_bulkhead* bulkhead, hf_bulkhead_wait* wait,
                                      const hf_waker* waker, hf_time deadline, hf_time now,
                                      hf_permit* permit, hf_time* until,
                                      hf_rejection* why) HF_NOEXCEPT;

/* Asks what became of a wait.
 * Contract: OK fills *permit. UNAVAILABLE with reason NONE: still queued. Any other answer ends the
 *   wait. Ownership: *wait is the caller's again unless still queued. Threads: the waiter's; may spin
 *   while a wake-up is under way. Errors: DEADLINE_EXCEEDED HF_R_BULKHEAD_TIMEOUT; INVALID_ARGUMENT
 *   HF_R_BAD_STATE for a wait that is not queued. Since: 0.1 */
HF_API hf_code hf_bulkhead_wait_poll(hf_bulkhead* bulkhead, hf_bulkhead_wait* wait, hf_time now,
                                     hf_permit* permit, hf_rejection* why) HF_NOEXCEPT;

/* Leaves the queue; a permit granted in the meantime goes to the next waiter.
 * Contract: idempotent; after it the waker runs no more. Ownership: *wait is the caller's again.
 * Threads: the waiter's. Errors: INVALID_ARGUMENT: NULL. Since: 0.1 */
HF_API hf_code hf_bulkhead_wait_cancel(hf_bulkhead* bulkhead, hf_bulkhead_wait* wait,
                                       hf_time now) HF_NOEXCEPT;

/* Gives a permit back: to the first waiter whose deadline has not passed, if any.
 * Contract: *permit becomes NONE. May run that waiter's waker on this thread, with no lock held.
 * Ownership: the caller's memory. Threads: any, no allocation, lock-free while nobody waits.
 * Errors: INVALID_ARGUMENT: NULL, HF_R_BAD_PERMIT. Since: 0.1 */
HF_API hf_code hf_bulkhead_release(hf_bulkhead* bulkhead, hf_permit* permit,
                                   hf_time now) HF_NOEXCEPT;

/* Copies the counts.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any.
 * Errors: INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_bulkhead_read(const hf_bulkhead* bulkhead, hf_bulkhead_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_BULKHEAD_H_ */
