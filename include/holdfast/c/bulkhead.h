/* SPDX-License-Identifier: Apache-2.0 */
/* Bulkhead: at most `limit` at once, at most `queue` waiting, each with a deadline. One slow dependency
 * then holds `limit` threads of a service, never all of them.
 *
 *   invariants   What is let in finds in_flight < limit; only a partition below its guarantee may find
 *                more. Nobody waits while in_flight < limit. A permit handed to a waiter that has left
 *                (deadline, cancel) goes on to the next one, and is never lost. A smaller limit takes
 *                nothing back and blocks nobody: in_flight sinks to it as permits come back.
 *
 * A permit is given back by hf_bulkhead_release or hf_bulkhead_settle. A refusal for want of a permit
 * may be unjust by a few instructions: it may have met another attempt that was being refused.
 * Events of a connected journal: REFUSED (before: in_flight), LIMIT, UPDATED, and STATE (before, after:
 * 1 while the queue stands, else 0; by the orders other than FIFO).
 */
#ifndef HOLDFAST_C_BULKHEAD_H_
#define HOLDFAST_C_BULKHEAD_H_

#include <holdfast/c/adaptive.h>
#include <holdfast/c/breaker.h>
#include <holdfast/c/journal.h>

HF_BEGIN_DECLS

typedef struct hf_bulkhead hf_bulkhead;

/* Who of those waiting is served first. A queue stands if within a whole `interval` the one who has
 * waited longest never waited for less than `target` (CoDel). */
typedef int32_t hf_bulkhead_order;
#define HF_BULKHEAD_FIFO 1 /* the oldest; the default */
#define HF_BULKHEAD_LIFO 2 /* the newest while the queue stands, else the oldest */
#define HF_BULKHEAD_CODEL \
  3 /* the oldest; while the queue stands, who waited 2 * target is dropped */
#define HF_BULKHEAD_CODEL_LIFO 4 /* both */

#define HF_BULKHEAD_PARTITIONS 8

typedef struct hf_bulkhead_options {
  uint32_t struct_size, abi_level;
  uint32_t limit;       /* 1..1e6; default 64 */
  uint32_t queue;       /* 0..1e6 waiters; default 0: refuse at once */
  hf_duration max_wait; /* 1 us..24 h; a bound on each wait besides its deadline; default 1 s */
  /* Since 0.2: */
  hf_bulkhead_order order; /* default FIFO */
  uint32_t
      refuse_no_time;   /* 1: refuse at once who would not be done by their deadline, as far as the
                            * latencies of settled calls tell; 0: off, the default */
  hf_duration target;   /* 1 us..1 h; default 5 ms */
  hf_duration interval; /* 1 us..1 h; default 100 ms */
  /* The share of limit + queue that a criticality may see in use and still be let in, indexed by
   * criticality - 1; above 0, at most 1; default 1. */
  double criticality_share[HF_CRITICALITIES];
  /* The share of the limit that a partition can always have; others may borrow what it leaves. 0..1 each,
   * at most 1 together. 0: none, it only borrows. Those from `partitions` on must be 0. */
  double partition_share[HF_BULKHEAD_PARTITIONS];
  uint32_t partitions; /* 0..8; default 0: not partitioned */
  uint32_t reserved0;
  double user_share;   /* of the limit, at most, for one user; above 0, at most 1; default 0: off */
  hf_journal* journal; /* nullable; a reference is taken; hf_bulkhead_update does not look at it */
  uint64_t object;     /* the number its events carry; likewise */
  hf_adaptive*
      adaptive; /* nullable; a reference is taken: `limit` is then what it says, from settled
                          * calls; for one bulkhead only; likewise */
} hf_bulkhead_options;

/* Who asks. NULL stands for HF_INIT(hf_bulkhead_request). */
typedef struct hf_bulkhead_request {
  uint32_t struct_size;
  uint32_t abi_level;
  uint32_t partition; /* below options.partitions; default 0 */
  hf_criticality criticality;
  uint64_t user;    /* a hash of who asks; 0: nobody in particular, never held to a share */
  hf_time deadline; /* 0: none */
} hf_bulkhead_request;

typedef struct hf_bulkhead_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t in_flight;
  uint32_t waiting;
  uint32_t limit;
  uint64_t refused;    /* found it full */
  uint64_t timed_out;  /* waited in vain */
  uint64_t over_share; /* since 0.2, as is all below */
  uint64_t no_time;
  uint64_t dropped;    /* from a queue that stood */
  hf_duration latency; /* of settled calls, expected; 0: not known, or refuse_no_time is off */
  uint32_t overloaded; /* 1: the queue stands */
  uint32_t partitions;
  uint32_t partition_guarantee[HF_BULKHEAD_PARTITIONS];
  uint32_t partition_in_flight[HF_BULKHEAD_PARTITIONS];
  uint32_t partition_waiting[HF_BULKHEAD_PARTITIONS];
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

/* Puts another configuration in place of the present one.
 * Contract: at once and as a whole; who is inside stays inside, who waits keeps place and deadline, and
 *   the counts go on. journal and object are not looked at. Refused: all is as it was.
 *   May run wakers on this thread. Ownership: the caller's memory. Threads: any, no allocation.
 * Errors: as hf_bulkhead_new. Since: 0.2 */
HF_API hf_code hf_bulkhead_update(hf_bulkhead* bulkhead, const hf_bulkhead_options* options,
                                  hf_time now, hf_error* error) HF_NOEXCEPT;

/* Changes the limit alone, as an adaptive limit does.
 * Contract: never blocks. More room goes to who waits, whose wakers may run on this thread; less takes
 *   effect as permits come back. Ownership: none. Threads: any, no allocation.
 * Errors: INVALID_ARGUMENT: NULL, a limit outside 1..1e6. Since: 0.2 */
HF_API hf_code hf_bulkhead_set_limit(hf_bulkhead* bulkhead, uint32_t limit,
                                     hf_time now) HF_NOEXCEPT;

/* Takes a permit, or a place in the queue, as the one described by *request.
 * Contract: as wait_start, whose arguments have their meaning here; wait NULL: refused where it would
 *   queue, and then waker and until are not looked at. Ownership: *wait pinned, see its declaration.
 * Threads: any, no allocation; lock-free while nobody waits, if shares and refuse_no_time are off.
 * Errors: RESOURCE_EXHAUSTED HF_R_BULKHEAD_FULL, or HF_R_BULKHEAD_SHARE: over the share of its partition,
 *   criticality or user. DEADLINE_EXCEEDED HF_R_BULKHEAD_TIMEOUT, or HF_R_BULKHEAD_NO_TIME: retry_after
 *   is how long the queue will last. INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_bulkhead_acquire(hf_bulkhead* bulkhead, const hf_bulkhead_request* request,
                                   hf_bulkhead_wait* wait, const hf_waker* waker, hf_time now,
                                   hf_permit* permit, hf_time* until,
                                   hf_rejection* why) HF_NOEXCEPT;

/* Takes a permit at once, or not at all; never passes a waiter.
 * Contract: OK fills *permit; give it back by one hf_bulkhead_release. Ownership: the caller's memory.
 * Threads: any, no allocation, lock-free while nobody waits.
 * Errors: as acquire without a request, with *why (nullable). Since: 0.1 */
HF_API hf_code hf_bulkhead_try_acquire(hf_bulkhead* bulkhead, hf_time now, hf_permit* permit,
                                       hf_rejection* why) HF_NOEXCEPT;

/* Takes a permit, or a place in the queue.
 * Contract: OK: as try_acquire. UNAVAILABLE with reason NONE: queued, *until is when to poll at the
 *   latest; the waker (fn may be NULL for a pure poller) tells of an earlier end.
 *   deadline 0: none; max_wait holds besides. Ownership: *wait pinned, see its declaration.
 * Threads: any, no allocation. Errors: as acquire with a request of this deadline. Since: 0.1 */
HF_API hf_code hf_bulkhead_wait_start(hf_bulkhead* bulkhead, hf_bulkhead_wait* wait,
                                      const hf_waker* waker, hf_time deadline, hf_time now,
                                      hf_permit* permit, hf_time* until,
                                      hf_rejection* why) HF_NOEXCEPT;

/* Asks what became of a wait.
 * Contract: OK fills *permit. UNAVAILABLE with reason NONE: still queued. Any other answer ends the
 *   wait. Ownership: *wait is the caller's again unless still queued. Threads: the waiter's; may spin
 *   while a wake-up is under way. Errors: DEADLINE_EXCEEDED HF_R_BULKHEAD_TIMEOUT; RESOURCE_EXHAUSTED
 *   HF_R_BULKHEAD_OVERLOADED: dropped, the queue stood; INVALID_ARGUMENT HF_R_BAD_STATE for a wait that
 *   is not queued. Since: 0.1 */
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

/* Gives a permit back, and says how the call went: release with a sample.
 * Contract: as release. started: when the call began; now - started feeds the expected latency, unless
 *   it is negative, the verdict is IGNORED, or refuse_no_time is off; and the adaptive limit, to which a
 *   FAILURE is a drop. Ownership: the caller's memory.
 * Threads: as release. Errors: as release; INVALID_ARGUMENT also for a verdict other than SUCCESS,
 *   FAILURE, SLOW, IGNORED: the permit is then still held. Since: 0.2 */
HF_API hf_code hf_bulkhead_settle(hf_bulkhead* bulkhead, hf_permit* permit, hf_time started,
                                  hf_verdict verdict, hf_time now) HF_NOEXCEPT;

/* Copies the counts.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any, a
 *   short lock. Errors: INVALID_ARGUMENT. Since: 0.1 */
HF_API hf_code hf_bulkhead_read(const hf_bulkhead* bulkhead, hf_bulkhead_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_BULKHEAD_H_ */
