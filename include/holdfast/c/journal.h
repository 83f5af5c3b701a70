/* SPDX-License-Identifier: Apache-2.0 */
/* Journal: typed events of any number of objects, in a bounded ring, drained by whoever listens.
 *
 * An object is connected to a journal by the fields `journal` and `object` of its options. It writes each
 * event at the moment it happens, under its own lock where it has one, so that the order in the ring is
 * the order of what happened; nobody is called. An object without a journal pays one test of a pointer,
 * on its rare paths only. A full ring drops its oldest event and counts it: the newest tell the state.
 * Refusals are many and changes of state few, so a reader who wants the changes only mutes the rest,
 * which then neither cost a lock nor push anything out.
 */
#ifndef HOLDFAST_C_JOURNAL_H_
#define HOLDFAST_C_JOURNAL_H_

#include <holdfast/c/base.h>

HF_BEGIN_DECLS

typedef struct hf_journal hf_journal;

/* What happened; an open set. */
typedef int32_t hf_event_kind;
#define HF_EVENT_KIND_STATE 1    /* before, after: the object's states (HF_BREAKER_*) */
#define HF_EVENT_KIND_REFUSED 2  /* reason: why; after: the kind of permit or the cost asked for */
#define HF_EVENT_KIND_LOST 3     /* a probe's lease ran out; after: how many */
#define HF_EVENT_KIND_LIMIT 4    /* before, after: an adaptive limit, a send rate in thousandths */
#define HF_EVENT_KIND_UPDATED 5  /* a new configuration; after: its number from 1 */
#define HF_EVENT_KIND_SWITCHED 6 /* a kill switch; before, after: a rule's number if on, 0 off */
#define HF_EVENT_KIND_FAULT 7    /* a fault was injected; reason, after: its code or its delay */
#define HF_EVENT_KIND_EVICTED 8  /* a registry forgot a key; before: its hash */
#define HF_EVENT_KIND_HEDGED 9   /* a hedge was sent; after: its attempt number */
#define HF_EVENT_KIND_RETRIED 10 /* a retry was allowed; after: the attempt that follows */
/* a group let a member go on that refuses; before: how many are ejected; after: of how many members */
#define HF_EVENT_KIND_OVERRIDDEN 11

/* Fixed layout. */
typedef struct hf_event {
  uint64_t object;   /* the number its owner gave to the object; best unique in a journal */
  uint64_t sequence; /* the object's, from 1; a gap says that events were lost */
  hf_time time;      /* of the step that it happened in */
  hf_event_kind kind;
  hf_reason reason; /* HF_R_NONE where the kind has none */
  int64_t before;
  int64_t after;
} hf_event;

typedef struct hf_journal_options {
  uint32_t struct_size, abi_level;
  uint32_t capacity; /* events; 1..1e6; default 1024; allocated at once, 48 bytes each */
  uint32_t muted;    /* kinds not to write: the sum of 1u << HF_EVENT_KIND_*; default 0: none */
} hf_journal_options;

typedef struct hf_journal_snapshot {
  uint32_t struct_size; /* set by the caller */
  uint32_t waiting;     /* to be drained */
  uint64_t written;     /* ever */
  uint64_t lost;        /* dropped because nobody drained in time */
} hf_journal_snapshot;

/* Creates a journal, empty.
 * Contract: options NULL means all defaults. Ownership: *out holds one reference. Threads: any.
 * Errors: INVALID_ARGUMENT naming the field, RESOURCE_EXHAUSTED. Since: 0.2 */
HF_API hf_code hf_journal_new(const hf_journal_options* options, hf_journal** out,
                              hf_error* error) HF_NOEXCEPT;
/* Contract: adds a reference. Ownership: one unref each. Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_journal_ref(hf_journal* journal) HF_NOEXCEPT;
/* Contract: drops a reference; connected objects hold one each. Ownership: NULL is fine.
 * Threads: any. Errors: none. Since: 0.2 */
HF_API void hf_journal_unref(hf_journal* journal) HF_NOEXCEPT;

/* Takes the oldest events out, in order.
 * Contract: at most `capacity` of them into `out`; *count is how many. Two drainers share the events, so
 *   one thread at a time sees them in order. Ownership: the caller's memory. Threads: any; a short lock
 *   for each 32 events, no allocation.
 * Errors: INVALID_ARGUMENT: NULL (out may be NULL if capacity is 0). Since: 0.2 */
HF_API hf_code hf_journal_drain(hf_journal* journal, hf_event* out, size_t capacity,
                                size_t* count) HF_NOEXCEPT;

/* Copies the counts.
 * Contract: writes at most out->struct_size bytes. Ownership: the caller's memory. Threads: any.
 * Errors: INVALID_ARGUMENT. Since: 0.2 */
HF_API hf_code hf_journal_read(const hf_journal* journal, hf_journal_snapshot* out) HF_NOEXCEPT;

/* The name of a kind ("refused"), or "event_?" if unknown.
 * Contract: terminated. Ownership: static storage. Threads: any. Errors: none. Since: 0.2 */
HF_API const char* hf_event_kind_name(hf_event_kind kind) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_JOURNAL_H_ */
