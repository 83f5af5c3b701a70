/* SPDX-License-Identifier: Apache-2.0 */
/* Registry: one breaker, limiter or budget per key (a host, a tenant, an endpoint), made when it is first asked for,
 * bounded in number, and forgotten only when that loses nothing.
 *
 *   ask for a key         the handle of its object, with a reference: an ordinary handle, good for every
 *                         function that takes one; unref it when the call is over. While a reference is
 *                         out, the key stays.
 *   a key may go          nobody holds a reference, and the object stands as a new one would: a breaker that
 *                         is closed, not forced, with no failure in its window; a limiter or a budget
 *                         that is full
 *   it goes               when it was not asked for during idle_ttl, or when its place is needed
 *   no place, none may go RESOURCE_EXHAUSTED HF_R_REGISTRY_FULL, or one object that all such keys share
 *
 * So an open breaker is never evicted, which would close it, and neither is a limiter in debt. What was
 * left in such a state for good (a host that is gone) keeps its place until forget_after, if that is set.
 *
 * Why handles and not operations by key: a reference is what keeps a key from being evicted between acquire
 * and record, so something has to be held over the call. It is one atomic step to take and one to drop, on
 * the entry alone, and everything that takes a handle (a pipeline, a group) works with it unchanged.
 *
 * A known key is found without a lock and without allocation. The hash is keyed by the seed (SipHash), so
 * that who chooses keys cannot choose where they land. Memory grows in chunks of 64 keys and is reused, not
 * given back. All objects of a registry have one policy.
 * Time comes from `now`, and only moves an object's last use forward; a negative `now` is 0.
 */
#ifndef HOLDFAST_C_REGISTRY_H_
#define HOLDFAST_C_REGISTRY_H_

#include <holdfast/c/breaker.h>
#include <holdfast/c/group.h>
#include <holdfast/c/journal.h>
#include <holdfast/c/limiter.h>
#include <holdfast/c/retry.h>

HF_BEGIN_DECLS

typedef struct hf_registry hf_registry;

#define HF_REGISTRY_KEY_MAX 256u /* bytes of a key; also of a tenant */

typedef int32_t hf_registry_overflow;
#define HF_OVERFLOW_REFUSE 1 /* the default */
#define HF_OVERFLOW_SHARE 2  /* keys that find no place share one object, which is never evicted */

/* Exactly one of breaker, limiter and budget is not NULL: it says what a key stands for, and is only read. Its
 * journal (if it has one) is that of every object, under the key's hash instead of a number. */
typedef struct hf_registry_options {
  uint32_t struct_size, abi_level;
  uint32_t capacity;             /* keys; 1..16777216; default 10000 */
  hf_registry_overflow overflow; /* default refuse */
  uint64_t seed;                 /* of the hash; random, never 0 */
  hf_duration idle_ttl;          /* 1 s..30 d, at least what an object needs to recover (a breaker's
                                    open_for and window_time; the time in which a limiter fills, with its
                                    max_wait and warm_up); default the longer of that and 10 min */
  hf_duration forget_after; /* not asked for this long, a key goes whatever its state, unless it is
                                    forced or referenced; idle_ttl..365 d; default 0: never */
  const hf_breaker_options* breaker;
  const hf_limiter_options* limiter;
  const hf_budget_options* budget;
  hf_group* group;     /* nullable, kept by a reference: every breaker is a member of it */
  hf_journal* journal; /* nullable, kept by a reference; HF_EVENT_KIND_EVICTED and _REFUSED */
  uint64_t object;     /* the registry's number in the journal */
} hf_registry_options;

typedef struct hf_registry_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t capacity;
  uint32_t keys;
  uint32_t held;    /* keys of which a reference is out */
  uint64_t hits;    /* asked for, and there */
  uint64_t created; /* keys, ever */
  uint64_t evicted; /* keys, ever: created - keys */
  uint64_t refused; /* asks that found no place */
  uint64_t shared;  /* asks that were given the shared object instead */
  uint64_t bytes;   /* of memory for keys and objects, now */
} hf_registry_snapshot;

/* One key, for people. Fixed layout. */
typedef struct hf_registry_key {
  uint64_t hash; /* what events call `before` */
  hf_time used;  /* last asked for; known to a sixteenth of idle_ttl */
  uint64_t hits; /* how often, since it was made */
  uint32_t held; /* references that are out */
  int32_t state; /* HF_BREAKER_* of a breaker; else 0 */
  uint32_t tenant_size;
  uint32_t key_size;
  char tenant[HF_REGISTRY_KEY_MAX]; /* not terminated */
  char key[HF_REGISTRY_KEY_MAX];    /* not terminated */
} hf_registry_key;

/* Creates a registry with no keys.
 * Contract: options are needed (a seed, and what a key stands for). Ownership: *out holds one reference.
 * Threads: any. Errors: INVALID_ARGUMENT naming the field: its own or, in the words of its header, one of
 *   the breaker's or budget's; HF_R_ZERO_SEED; HF_R_BAD_OPTIONS: idle_ttl too short to recover in,
 *   forget_after below idle_ttl, not exactly one kind. RESOURCE_EXHAUSTED. Since: 0.2 */
HF_API hf_code hf_registry_new(const hf_registry_options* options, hf_registry** out,
                               hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_registry_ref(hf_registry* registry) HF_NOEXCEPT;
/* Contract: drops a reference. Handles that it gave out stay good until they are dropped, too.
 * Ownership: NULL is fine. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_registry_unref(hf_registry* registry) HF_NOEXCEPT;

/* The breaker of a key.
 * Contract: tenant NULL means none. Bytes are taken as they are; (tenant, key) is one name, whatever stands
 *   in either. Otherwise than OK, *out is NULL and *why (nullable) tells the reason.
 * Ownership: *out holds one reference, for hf_breaker_unref; keep it until its permits are recorded.
 * Threads: any; a known key: lock-free, no allocation. A new one takes short locks, and may allocate.
 * Errors: RESOURCE_EXHAUSTED HF_R_REGISTRY_FULL, HF_R_NO_MEMORY. INVALID_ARGUMENT: HF_R_NULL_ARGUMENT,
 *   HF_R_KEY_MISSING (empty), HF_R_KEY_OVERSIZE, HF_R_BAD_STATE (not a registry of breakers). Since: 0.2 */
HF_API hf_code hf_registry_breaker(hf_registry* registry, const hf_str* tenant, const hf_str* key,
                                   hf_time now, hf_breaker** out, hf_rejection* why) HF_NOEXCEPT;
/* The limiter of a key.
 * Contract: as hf_registry_breaker. Ownership: *out holds one reference, for hf_limiter_unref; keep it until its
 *   reservations are used or cancelled. Threads: as there. Errors: as there. Since: 0.2 */
HF_API hf_code hf_registry_limiter(hf_registry* registry, const hf_str* tenant, const hf_str* key,
                                   hf_time now, hf_limiter** out, hf_rejection* why) HF_NOEXCEPT;
/* The budget of a key.
 * Contract: as hf_registry_breaker. Ownership: *out holds one reference, for hf_budget_unref.
 * Threads: as there. Errors: as there. Since: 0.2 */
HF_API hf_code hf_registry_budget(hf_registry* registry, const hf_str* tenant, const hf_str* key,
                                  hf_time now, hf_budget** out, hf_rejection* why) HF_NOEXCEPT;

/* Swaps another policy in, for the objects that are there and those to come.
 * Contract: objects keep their state, as under their own update; each follows within the call. idle_ttl and
 *   forget_after are taken over, too. capacity and overflow: 0, or as they are. seed, group, journals and
 *   object are not read. Ownership: options are only read. Threads: any; passes by every key, under no
 *   lock that an ask for a known key would wait for.
 * Errors: INVALID_ARGUMENT as hf_registry_new; FAILED_PRECONDITION HF_R_CHANGED_SHAPE naming the field: then
 *   all is as it was. Since: 0.2 */
HF_API hf_code hf_registry_update(hf_registry* registry, const hf_registry_options* options,
                                  hf_time now, hf_error* error) HF_NOEXCEPT;

/* Evicts what is idle, among the next `looks` places; the next call goes on where this one ended.
 * Contract: not needed for the bound: every new key looks at two places itself. *evicted (nullable) is how
 *   many. Ownership: none. Threads: any. Errors: INVALID_ARGUMENT: NULL. Since: 0.2 */
HF_API hf_code hf_registry_sweep(hf_registry* registry, uint32_t looks, hf_time now,
                                 uint32_t* evicted) HF_NOEXCEPT;

/* Lists keys, for operators.
 * Contract: *cursor is 0 at first; each call writes at most `capacity` keys and moves *cursor on; *count 0
 *   says that it is through. Stops nobody: a key that is there all the while is listed once, one that comes
 *   or goes meanwhile may be. Listing is no use of a key.
 * Ownership: the caller's memory. Threads: any, no allocation. Errors: INVALID_ARGUMENT: NULL. Since: 0.2 */
HF_API hf_code hf_registry_list(hf_registry* registry, uint32_t* cursor, hf_time now,
                                hf_registry_key* out, size_t capacity, size_t* count) HF_NOEXCEPT;

/* Copies the counts.
 * Contract: passes by every key (milliseconds for a million); writes at most out->struct_size bytes.
 * Ownership: the caller's memory. Threads: any; fields are each exact, together only when nobody else uses
 *   the registry. Errors: INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_registry_read(hf_registry* registry, hf_registry_snapshot* out) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_REGISTRY_H_ */
