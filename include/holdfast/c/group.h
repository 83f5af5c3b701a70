/* SPDX-License-Identifier: Apache-2.0 */
/* Group: of the breakers of one service's hosts, only so many may be ejected at once; the others go on
 * admitting, open or not. A bad deployment or a broken probe that opens every breaker must not turn a service
 * that half works into one that nobody calls at all.
 *
 *   a member   event                                              next
 *   FREE       its breaker refuses, fewer than allowed EJECTED    EJECTED: the refusal stands
 *   FREE       its breaker refuses, no room                       OVERRIDDEN: it admits all the same
 *   OVERRIDDEN its breaker refuses, room by now                   EJECTED
 *   EJECTED    its breaker refuses, members left                  OVERRIDDEN, if more are EJECTED than allowed
 *   any        its breaker closes, or is forced; or it leaves     FREE
 *
 *   allowed = min(members - 1, max(1, members * max_ejected))      rounded down
 *
 * So the last member that admits is never ejected, and a group of one never refuses. The share is the panic
 * threshold, too: whoever was ejected stays so, whoever trips beyond it goes on admitting; there is no point
 * at which all are let in again at once (Envoy's panic mode, below a healthy share, is such a point).
 *
 * An overridden call gets a permit of kind HF_PERMIT_OVERRIDDEN, and is not judged: recording it changes
 * nothing, for its breaker's verdict is in. The breaker probes as ever once open_for is over, and its probes
 * close it. FORCED_OPEN is somebody's decision, and is never overridden.
 *
 * A breaker is in one group at most, and its group speaks wherever it is asked: hf_breaker_acquire, a
 * pipeline, a registry's breaker. A member that admits by itself pays nothing for it.
 * Time comes from `now`, and is only written down.
 */
#ifndef HOLDFAST_C_GROUP_H_
#define HOLDFAST_C_GROUP_H_

#include <holdfast/c/breaker.h>
#include <holdfast/c/journal.h>

HF_BEGIN_DECLS

typedef struct hf_group hf_group;

/* Admitted though the breaker refused: recorded like any permit, and not judged. */
#define HF_PERMIT_OVERRIDDEN 3u

typedef struct hf_group_options {
  uint32_t struct_size, abi_level;
  double max_ejected;  /* share of the members; 0.001..1, rounded to 0.001; default 0.1 */
  hf_journal* journal; /* nullable, kept by a reference; HF_EVENT_KIND_OVERRIDDEN, _UPDATED */
  uint64_t object;     /* the group's number in the journal */
} hf_group_options;

typedef struct hf_group_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t members;
  uint32_t ejected;    /* members whose refusals stand */
  uint32_t allowed;    /* how many that may be */
  uint64_t overridden; /* calls admitted though their breaker refused */
} hf_group_snapshot;

/* Creates a group with no members.
 * Contract: options NULL means all defaults. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field, RESOURCE_EXHAUSTED. Since: 0.2 */
HF_API hf_code hf_group_new(const hf_group_options* options, hf_group** out,
                            hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_group_ref(hf_group* group) HF_NOEXCEPT;
/* Contract: drops a reference; each member holds one. Ownership: NULL is fine. Threads: any.
 * Errors: none. Since: 0.2 */
HF_API void hf_group_unref(hf_group* group) HF_NOEXCEPT;

/* Makes a breaker a member, for as long as the breaker lives.
 * Contract: before the breaker is shared with other threads. Breakers of a registry: hf_registry_options.
 * Ownership: the breaker takes a reference to the group, the group none to the breaker.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL; FAILED_PRECONDITION: it is in a group. Since: 0.2 */
HF_API hf_code hf_group_add(hf_group* group, hf_breaker* breaker) HF_NOEXCEPT;

/* Swaps the share in.
 * Contract: members stay as they are until they refuse next; journal and object are not read.
 * Ownership: none. Threads: any. Errors: as hf_group_new, and nothing is changed. Since: 0.2 */
HF_API hf_code hf_group_update(hf_group* group, const hf_group_options* options, hf_time now,
                               hf_error* error) HF_NOEXCEPT;

/* Copies the counts.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any; each field
 *   is exact, together only while nobody else uses the group. Errors: INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_group_read(const hf_group* group, hf_group_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_GROUP_H_ */
