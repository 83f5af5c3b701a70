/* SPDX-License-Identifier: Apache-2.0 */
/* Envelope: a CloudEvents 1.0 event, read in place and written in one pass.
 *
 * The bytes are a message io.cloudevents.v1.CloudEvent of the normative cloudevents.proto:
 *
 *   field                       in hf_envelope
 *   1 id, 2 source, 4 type      id, source (a URI-reference), type: none is empty
 *   3 spec_version              always "1.0"
 *   5 attributes, a map         attributes: subject, time, datacontenttype, dataschema, and extensions
 *   6, 7, 8: one of the data    data_kind BINARY, TEXT (UTF-8), PROTO (google.protobuf.Any: data, data_type)
 *   any other                   unknown: runs of fields, byte for byte
 *
 * Written are the fields by number, the attributes in their order, then what is unknown, and the data last: what
 * was read and written is a fixed point, and a payload can follow the head without being copied. Read is any order; but
 * each field, and each attribute, only once.
 *
 * Everything a decoded envelope points to lies in the bytes it was read from. No function allocates. An error says
 * "attribute: byte N: what is wrong", and shows no value: N counts from the beginning of the event if it was read, of
 * the value if it is checked or written.
 */
#ifndef HOLDFAST_C_ENVELOPE_H_
#define HOLDFAST_C_ENVELOPE_H_

#include <holdfast/c/attribute.h>

HF_BEGIN_DECLS

typedef int32_t hf_data_kind;
#define HF_DATA_NONE 0
#define HF_DATA_BINARY 1
#define HF_DATA_TEXT 2
#define HF_DATA_PROTO 3

#define HF_ENVELOPE_ATTRIBUTES 64u /* at most, and the default limit */
#define HF_ENVELOPE_UNKNOWN 4u     /* runs of unknown fields */
#define HF_ENVELOPE_PREFIX 11u     /* bytes at most that hf_envelope_batch_prefix writes */

/* An event, borrowed: the caller sets struct_size and abi_level, and gives the array of attributes. */
typedef struct hf_envelope {
  uint32_t struct_size, abi_level;
  hf_str id;
  hf_str source;
  hf_str type;
  hf_attribute* attributes;
  uint32_t attribute_count;
  uint32_t attribute_capacity; /* what decode may fill: 0..HF_ENVELOPE_ATTRIBUTES */
  hf_str data;
  hf_str data_type; /* of PROTO: the type URL, "type.googleapis.com/acme.Order" */
  hf_data_kind data_kind;
  uint32_t unknown_count;
  hf_str unknown[HF_ENVELOPE_UNKNOWN];
} hf_envelope;

/* What is refused, by reader and writer alike. */
typedef struct hf_envelope_limits {
  uint32_t struct_size, abi_level;
  uint64_t max_size;       /* bytes of the whole event: 64..2^31-1; default 1 MiB */
  uint32_t max_attributes; /* in the map: 1..HF_ENVELOPE_ATTRIBUTES; default all of them */
  uint32_t
      max_text; /* bytes of id, source, type, and of each attribute: 64..1 MiB; default 8 KiB */
} hf_envelope_limits;

/* Reads an event.
 * Contract: what comes out passes hf_envelope_check. Ownership: *out keeps pointers into `data`; its
 *   attributes array is the caller's. limits and error are nullable; the error names the attribute and the byte.
 * Threads: any. Errors: INVALID_ARGUMENT HF_R_MALFORMED: truncated, wrong wire or value types, invalid UTF-8, a field
 *   or attribute twice, a required one missing, a rule of attribute.h broken; HF_R_OUT_OF_RANGE: a number outside its
 *   kind. UNIMPLEMENTED HF_R_UNSUPPORTED_FIELD: another spec_version. RESOURCE_EXHAUSTED HF_R_OUT_OF_RANGE: over a
 *   limit, or more unknown runs than there is room for; HF_R_BUFFER_TOO_SMALL: over attribute_capacity. *out holds no
 *   event then. Since: 0.5 */
HF_API hf_code hf_envelope_decode(const void* data, size_t size, const hf_envelope_limits* limits,
                                  hf_envelope* out, hf_error* error) HF_NOEXCEPT;

/* Reads an event of `size` bytes of which only the first `have` are at hand, such as the first slice of a message.
 * Contract: as hf_envelope_decode, but the data may reach beyond what is at hand: out->data begins in `head`
 *   and has its whole size. TEXT is checked as far as it is at hand. Ownership: as above.
 * Threads: any. Errors: as above; OUT_OF_RANGE HF_R_BUFFER_TOO_SMALL: something other than the data's bytes lies
 *   beyond: come back with more. Since: 0.5 */
HF_API hf_code hf_envelope_decode_head(const void* head, size_t have, size_t size,
                                       const hf_envelope_limits* limits, hf_envelope* out,
                                       hf_error* error) HF_NOEXCEPT;

/* Writes an event, in one pass.
 * Contract: the event is checked first. *need (nullable) tells the size, also if `out` is too small.
 *   Ownership: out has `capacity` bytes, may be NULL if that is 0; limits and error are nullable.
 * Threads: any. Errors: as hf_envelope_check; RESOURCE_EXHAUSTED HF_R_BUFFER_TOO_SMALL: nothing written. Since: 0.5 */
HF_API hf_code hf_envelope_encode(const hf_envelope* envelope, const hf_envelope_limits* limits,
                                  void* out, size_t capacity, size_t* need,
                                  hf_error* error) HF_NOEXCEPT;

/* Writes all but the data's bytes: head and data, one after the other, are the event.
 * Contract: as hf_envelope_encode. Ownership: likewise. Threads: any. Errors: likewise. Since: 0.5 */
HF_API hf_code hf_envelope_encode_head(const hf_envelope* envelope,
                                       const hf_envelope_limits* limits, void* out, size_t capacity,
                                       size_t* need, hf_error* error) HF_NOEXCEPT;

/* Whether an event may be sent: everything that hf_envelope_decode would refuse is refused.
 * Contract: nothing is written. Ownership: limits and error are nullable.
 * Threads: any. Errors: INVALID_ARGUMENT, naming the attribute; RESOURCE_EXHAUSTED HF_R_OUT_OF_RANGE. Since: 0.5 */
HF_API hf_code hf_envelope_check(const hf_envelope* envelope, const hf_envelope_limits* limits,
                                 hf_error* error) HF_NOEXCEPT;

/* The attribute of this name among envelope->attributes, or NULL: id, source, type and specversion are not there.
 * Contract: linear. Ownership: the caller's array. Threads: any. Errors: none. Since: 0.5 */
HF_API const hf_attribute* hf_envelope_find(const hf_envelope* envelope, const char* name,
                                            size_t size) HF_NOEXCEPT;

/* The next event of a message io.cloudevents.v1.CloudEventBatch.
 * Contract: *at is 0 at first and passed back as it is; event->data is NULL after the last one. Fields other than
 *   the events are passed over. Ownership: *event lies in `data`.
 * Threads: any. Errors: INVALID_ARGUMENT HF_R_MALFORMED, naming the byte. Since: 0.5 */
HF_API hf_code hf_envelope_batch_next(const void* data, size_t size, size_t* at, hf_str* event,
                                      hf_error* error) HF_NOEXCEPT;

/* What stands before each event of `size` bytes in a batch.
 * Contract: *prefix_size bytes. Ownership: prefix has HF_ENVELOPE_PREFIX bytes.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL, a size above 2^31-1. Since: 0.5 */
HF_API hf_code hf_envelope_batch_prefix(size_t size, char* prefix, size_t* prefix_size) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_ENVELOPE_H_ */
