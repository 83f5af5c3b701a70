/* SPDX-License-Identifier: Apache-2.0 */
/* Fault injection: errors, delays and canned results on purpose, inside limits, and the same again from
 * the same seeds.
 *
 *   state     event                                        next
 *   STOPPED   start                                        RUNNING, until `expiry` from now
 *   RUNNING   `expiry` is over, or stop, with its reason   STOPPED
 *
 *   for each attempt, while RUNNING: the first rule that means the call and whose draw is below its rate
 *   ERROR     the attempt is not made; its outcome is the rule's, after the rule's delay if it has one
 *   DELAY     the attempt is made, later
 *   RESULT    the attempt is not made; it is answered by what the caller keeps under `result`
 *
 * What a draw says is a function of (seed of the rule, seed of the call, attempt) and nothing else: not of
 * time, threads, or other calls. A run is repeated from the seed in its snapshot and the seeds of its
 * calls; hf_fault_preview asks without doing. Only the limits depend on what else is going on: at
 * max_active or max_total a fault is skipped, and counted.
 *
 *   invariants   Nothing is injected unless started, nor by a draw that begins after a stop has returned.
 *                active <= max_active, injected <= max_total. A draw sees the rules of one configuration.
 *   place        last before the attempt: a breaker, a limit or a bulkhead that refuses it comes first.
 *   events       STATE (before, after: HF_FAULT_STOPPED, HF_FAULT_RUNNING; reason: of the stop), FAULT per
 *                fault (before: the rule's place from 0; after: its code, or its delay), UPDATED.
 */
#ifndef HOLDFAST_C_FAULT_H_
#define HOLDFAST_C_FAULT_H_

#include <holdfast/c/journal.h>
#include <holdfast/c/match.h>
#include <holdfast/c/outcome.h>

HF_BEGIN_DECLS

typedef struct hf_fault hf_fault;

typedef int32_t hf_fault_kind;
#define HF_FAULT_NONE 0 /* in a decision: nothing is injected */
#define HF_FAULT_ERROR 1
#define HF_FAULT_DELAY 2
#define HF_FAULT_RESULT 3

typedef int32_t hf_fault_state;
#define HF_FAULT_STOPPED 1
#define HF_FAULT_RUNNING 2

/* An element of hf_fault_options.rules; may grow, see rule_size. */
typedef struct hf_fault_rule {
  hf_match match;
  hf_fault_kind kind; /* ERROR, DELAY or RESULT */
  uint32_t reserved0;
  double rate;           /* required: of the attempts it means; above 0, at most 1 */
  uint64_t seed;         /* 0: from the seed of the options and the rule's place */
  hf_duration delay_min; /* 0..1 h; a DELAY needs delay_max above 0, for the others 0 is at once */
  hf_duration delay_max; /* delay_min..1 h, uniform in between; default delay_min: fixed */
  hf_outcome outcome;    /* ERROR: with a code but OK. RESULT: what it counts as. DELAY: must be 0.
                            DERIVE in its fields: as if it had really happened */
  uint64_t result;       /* RESULT: which one, the caller's own number but 0; else must be 0 */
} hf_fault_rule;

typedef struct hf_fault_options {
  uint32_t struct_size, abi_level;
  const hf_fault_rule* rules; /* 1..16 of them, in order; copied */
  uint32_t rule_count;
  uint32_t rule_size;  /* sizeof(hf_fault_rule) */
  uint64_t seed;       /* fresh from the operating system, or an earlier run's; 0 is refused */
  hf_duration expiry;  /* required: how long a run lasts at most, from start on; 1 s..7 days */
  uint64_t max_total;  /* faults in the life of the object; default 0: no limit but the expiry */
  uint32_t max_active; /* faults whose delay is not over; 1..1e6; default 16 */
  uint32_t reserved0;
  hf_journal* journal; /* nullable; a reference is taken. Ignored by update */
  uint64_t object;     /* its number there. Ignored by update */
} hf_fault_options;

/* What is to be done to one attempt. Fixed layout. */
typedef struct hf_fault_decision {
  hf_fault_kind kind;
  hf_reason reason;    /* HF_R_FAULT_INJECTED unless NONE: nobody takes it for a real failure */
  uint32_t rule;       /* its place, from 0 */
  uint32_t attempt;    /* as given */
  hf_time delay_until; /* wait until then first; 0: at once */
  hf_outcome outcome;  /* ERROR, RESULT: of the attempt that is not made */
  uint64_t result;     /* RESULT: as in the rule */
  uint64_t ticket;     /* not 0: counted as active until hf_fault_done */
} hf_fault_decision;

typedef struct hf_fault_snapshot {
  uint32_t struct_size; /* set by the caller */
  hf_fault_state state;
  uint64_t seed;
  hf_duration left; /* RUNNING: until it expires */
  uint64_t errors;  /* injected, as the next two */
  uint64_t delays;  /* of kind DELAY */
  uint64_t results;
  uint64_t skipped_active; /* not injected: max_active was reached */
  uint64_t skipped_total;  /* not injected: max_total was reached */
  uint64_t starts;
  uint64_t updates;
  uint32_t active;
  hf_reason stop_reason; /* of the last stop: HF_R_DEADLINE if it expired; NONE before the first */
} hf_fault_snapshot;

/* Creates a fault injector, stopped.
 * Contract: none of the options is optional as a whole: rules, seed and expiry are required.
 * Ownership: rules are copied; *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field, of a rule as "rules[2].rate"; HF_R_ZERO_SEED.
 *   RESOURCE_EXHAUSTED. Since: 0.2 */
HF_API hf_code hf_fault_new(const hf_fault_options* options, hf_fault** out,
                            hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_fault_ref(hf_fault* fault) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_fault_unref(hf_fault* fault) HF_NOEXCEPT;

/* New rules, seed and limits, all at once; counts, active faults and a run under way stay.
 * Contract: a run under way keeps its end; a new expiry counts from the next start. A refused update
 *   changes nothing. Ownership: rules are copied. Threads: any, no allocation; calls read the rules
 *   meanwhile and do not wait. Errors: as hf_fault_new. Since: 0.2 */
HF_API hf_code hf_fault_update(hf_fault* fault, const hf_fault_options* options, hf_time now,
                               hf_error* error) HF_NOEXCEPT;

/* Begins a run. Nothing is injected without.
 * Contract: while RUNNING it begins anew, with a new end. Ownership: none. Threads: any, no allocation.
 * Errors: INVALID_ARGUMENT: NULL, negative now. Since: 0.2 */
HF_API hf_code hf_fault_start(hf_fault* fault, hf_time now, hf_error* error) HF_NOEXCEPT;
/* Ends the run, whoever finds that it goes too far: an operator, a breaker that opened, an alert.
 * Contract: idempotent and cheap (one load if stopped already), so it may be called on every sign of
 *   trouble; the first reason is kept. After it no fault begins; delays under way run out.
 * Ownership: none. Threads: any, no allocation.
 * Errors: INVALID_ARGUMENT: NULL, reason NONE. Since: 0.2 */
HF_API hf_code hf_fault_stop(hf_fault* fault, hf_reason reason, hf_time now) HF_NOEXCEPT;

/* What to do to one attempt, counted.
 * Contract: *out says what; kind NONE: nothing. seed is the call's, not 0; attempt from 1. With a ticket
 *   in it, one hf_fault_done when the delay is over or given up. facts NULL: nothing is known.
 * Ownership: *facts borrowed. Threads: any, no allocation; one load while stopped; lock-free, but
 *   for a draw that finds the run past its end.
 * Errors: INVALID_ARGUMENT, with kind NONE: NULL, HF_R_ZERO_SEED, attempt 0, negative now. Since: 0.2 */
HF_API hf_code hf_fault_draw(hf_fault* fault, uint64_t seed, uint32_t attempt,
                             const hf_facts* facts, hf_time now,
                             hf_fault_decision* out) HF_NOEXCEPT;
/* What a draw would say, running or not, with no limits and no counts.
 * Contract: as hf_fault_draw, without a ticket.
 * Ownership: *facts borrowed. Threads: any, lock-free, no allocation. Errors: INVALID_ARGUMENT.
 * Since: 0.2 */
HF_API hf_code hf_fault_preview(hf_fault* fault, uint64_t seed, uint32_t attempt,
                                const hf_facts* facts, hf_time now,
                                hf_fault_decision* out) HF_NOEXCEPT;
/* The delay of a decision is over.
 * Contract: its ticket becomes 0; idempotent, fine on a decision without one. Ownership: the caller's
 *   memory. Threads: any, lock-free. Errors: INVALID_ARGUMENT: NULL, HF_R_BAD_PERMIT: another
 *   injector's ticket. Since: 0.2 */
HF_API hf_code hf_fault_done(hf_fault* fault, hf_fault_decision* decision) HF_NOEXCEPT;

/* Copies the counts.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any.
 * Errors: INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_fault_read(hf_fault* fault, hf_time now, hf_fault_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_FAULT_H_ */
