/* SPDX-License-Identifier: Apache-2.0 */
/* Kill switch: somebody stops some calls now, says who and why, and cannot forget to let them go again.
 *
 *   state     event                       next
 *   -         arm                         ARMED     refuses nothing, counts what it would refuse
 *   ARMED     fire, within arm_window     ON        refuses the calls it means, until `expiry` from now
 *   ARMED     arm_window is over          LAPSED
 *   ON        `expiry` is over            EXPIRED
 *   ARMED ON  lift                        LIFTED    by whom is kept
 *
 * Two steps, so that nobody stops a service by one wrong line: between them, hf_kill_switch_list shows
 * what the rule means and how many calls it would have refused. In an emergency the second call may follow
 * the first at once; there is no third way. Every rule has an owner, a reason and an end.
 *
 *   invariants   A check sees each rule that was on before it began and is still on after it ended; it
 *                never sees half of one. At most `capacity` rules are ARMED or ON. No rule outlives its
 *                end, and a step with an older `now` does not bring it back. An update of the options
 *                touches no rule.
 *   precedence   over everything: asked before any other guard.
 *   events       SWITCHED when a rule goes on or off (before, after: its number, 0 for off; reason: KILLED
 *                on, NONE lifted, DEADLINE expired), REFUSED per refused call (after: the rule's number).
 */
#ifndef HOLDFAST_C_KILL_SWITCH_H_
#define HOLDFAST_C_KILL_SWITCH_H_

#include <holdfast/c/journal.h>
#include <holdfast/c/match.h>

HF_BEGIN_DECLS

typedef struct hf_kill_switch hf_kill_switch;

typedef struct hf_kill_switch_options {
  uint32_t struct_size, abi_level;
  uint32_t capacity; /* rules that are armed or on; 1..64; default 64 */
  uint32_t reserved0;
  hf_duration arm_window; /* from arm to fire; 1 s..1 h; default 60 s */
  hf_journal* journal;    /* nullable; a reference is taken. Ignored by update */
  uint64_t object;        /* its number there. Ignored by update */
} hf_kill_switch_options;

typedef int32_t hf_kill_state;
#define HF_KILL_ARMED 1
#define HF_KILL_ON 2
#define HF_KILL_LIFTED 3
#define HF_KILL_EXPIRED 4
#define HF_KILL_LAPSED 5

/* What to stop. The texts are copied. */
typedef struct hf_kill_options {
  uint32_t struct_size, abi_level;
  hf_match match;     /* one that means all calls needs HF_KILL_EVERYTHING */
  hf_str owner;       /* required: who answers for it; 1..63 bytes, no control characters */
  hf_str reason;      /* required: why, for those who are stopped; 1..127 bytes, likewise */
  hf_duration expiry; /* required: how long at most, from fire on; 1 s..30 days */
  hf_code code;       /* what refused calls get, not OK; default UNAVAILABLE */
  uint32_t flags;     /* HF_KILL_* */
} hf_kill_options;
#define HF_KILL_EVERYTHING 1u /* yes, all calls */

/* One rule, as it is listed. Texts are terminated. Fixed layout. */
typedef struct hf_kill_entry {
  uint64_t token; /* its number, from 1 */
  hf_kill_state state;
  hf_code code;
  uint64_t hits;      /* calls it meant while on, whichever rule refused them */
  uint64_t watched;   /* calls it meant while armed */
  hf_duration expiry; /* as given */
  hf_duration left;   /* until it expires (ON) or lapses (ARMED); 0 when over */
  char owner[64];
  char reason[128];
  char ended_by[64]; /* LIFTED: by whom; else empty */
  char operation[136];
  char tenant[136];
  char correlation_id[136];
  char target[136];
} hf_kill_entry;

typedef struct hf_kill_switch_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t capacity;
  uint32_t armed;
  uint32_t on;
  uint64_t refused; /* calls */
  uint64_t fired;   /* rules, ever */
  uint64_t updates;
} hf_kill_switch_snapshot;

/* Creates a kill switch, nothing on.
 * Contract: options NULL means all defaults. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field, RESOURCE_EXHAUSTED. Since: 0.2 */
HF_API hf_code hf_kill_switch_new(const hf_kill_switch_options* options, hf_kill_switch** out,
                                  hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_kill_switch_ref(hf_kill_switch* kill_switch) HF_NOEXCEPT;
/* Contract: drops a reference. Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_kill_switch_unref(hf_kill_switch* kill_switch) HF_NOEXCEPT;

/* New capacity and arm_window; rules stay, even more of them than the new capacity allows.
 * Contract: options NULL means all defaults; a refused update changes nothing. Ownership: none.
 * Threads: any, no allocation. Errors: INVALID_ARGUMENT naming the field. Since: 0.2 */
HF_API hf_code hf_kill_switch_update(hf_kill_switch* kill_switch,
                                     const hf_kill_switch_options* options, hf_time now,
                                     hf_error* error) HF_NOEXCEPT;

/* The first step: the rule is checked, listed, and counts what it would refuse.
 * Contract: OK fills *token. It takes the place of a rule that is over, the longest over first.
 * Ownership: everything is copied. Threads: any, no allocation.
 * Errors: INVALID_ARGUMENT naming the field; HF_R_BAD_OPTIONS: it means all calls without
 *   HF_KILL_EVERYTHING. RESOURCE_EXHAUSTED HF_R_REGISTRY_FULL. *token is 0 then. Since: 0.2 */
HF_API hf_code hf_kill_switch_arm(hf_kill_switch* kill_switch, const hf_kill_options* options,
                                  hf_time now, uint64_t* token, hf_error* error) HF_NOEXCEPT;
/* The second step: the rule is on.
 * Contract: when it returns, every check that begins sees the rule. Ownership: none.
 * Threads: any, no allocation. Errors: DEADLINE_EXCEEDED HF_R_DEADLINE: arm_window is over; arm it again.
 *   NOT_FOUND HF_R_BAD_STATE: not armed. INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_kill_switch_fire(hf_kill_switch* kill_switch, uint64_t token, hf_time now,
                                   hf_error* error) HF_NOEXCEPT;

/* Ends a rule, armed or on.
 * Contract: `who` (1..63 bytes, no control characters) is kept in its entry. Ownership: *who borrowed.
 * Threads: any, no allocation.
 * Errors: NOT_FOUND HF_R_BAD_STATE: over already, or never was. INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_kill_switch_lift(hf_kill_switch* kill_switch, uint64_t token, const hf_str* who,
                                   hf_time now, hf_error* error) HF_NOEXCEPT;
/* Ends all rules of one owner, armed or on.
 * Contract: *lifted (nullable) is how many, perhaps 0. Ownership: both strings borrowed. Threads: any, no
 *   allocation. Errors: INVALID_ARGUMENT naming the field. Since: 0.2 */
HF_API hf_code hf_kill_switch_lift_owned(hf_kill_switch* kill_switch, const hf_str* owner,
                                         const hf_str* who, hf_time now, uint32_t* lifted,
                                         hf_error* error) HF_NOEXCEPT;

/* Whether a call may go on.
 * Contract: OK, or the code of the rule that means it; of several, the one that ends last, so that
 *   why->retry_after is when all of them are over. facts NULL: nothing is known of the call.
 * Ownership: *facts borrowed, *why nullable. Threads: any; lock-free but for the first check after a rule
 *   has expired; no allocation.
 * Errors: the rule's code with HF_R_KILLED. INVALID_ARGUMENT: NULL, negative now, facts with a size and
 *   no data. Since: 0.2 */
HF_API hf_code hf_kill_switch_check(hf_kill_switch* kill_switch, const hf_facts* facts, hf_time now,
                                    hf_rejection* why) HF_NOEXCEPT;

/* Copies the rules, the oldest first: all that are armed or on, and the last ones that are over.
 * Contract: at most `capacity` of them into `out`; *count is how many there are in all (64 at most).
 * Ownership: the caller's memory. Threads: any; a short lock, no allocation.
 * Errors: INVALID_ARGUMENT: NULL (out may be NULL if capacity is 0). Since: 0.2 */
HF_API hf_code hf_kill_switch_list(hf_kill_switch* kill_switch, hf_time now, hf_kill_entry* out,
                                   size_t capacity, size_t* count) HF_NOEXCEPT;

/* Copies the counts.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any.
 * Errors: INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_kill_switch_read(hf_kill_switch* kill_switch, hf_time now,
                                   hf_kill_switch_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_KILL_SWITCH_H_ */
