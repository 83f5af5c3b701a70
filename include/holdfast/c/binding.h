/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings: an event as the headers and the body of a transport's message (CloudEvents "binary content mode").
 *
 *   binding      an attribute's header        its value                      datacontenttype
 *   HTTP         ce-subject                   percent-encoded                content-type
 *   KAFKA        ce_subject                   UTF-8 as it is                 content-type
 *   AMQP         cloudEvents_subject          UTF-8 as it is                 content-type (the property)
 *   AMQP_COLON   cloudEvents:subject          likewise                       likewise
 *   GRPC         ce-subject                   as HTTP                        ce-datacontenttype: gRPC has its own
 *
 * There is no CloudEvents binding of gRPC metadata; ours is HTTP's, with names in lower case. Names of headers are
 * compared without case over HTTP and gRPC, exactly elsewhere; an AMQP reader takes both separators.
 *
 * Percent-encoded are the space, the quotation mark, the percent sign and everything but U+0021..U+007E, as UTF-8
 * in upper-case hex. A reader first undoes a quoted string, then decodes once. Go and Java SDKs send spaces and
 * lone percent signs as they are: these are read as what they say, and counted (hf_binding_report). Control bytes
 * and folded lines are refused. What stands in Content-Type is percent-encoded nowhere.
 *
 * A value's kind is not on such a wire: known names (hf_attribute_kind_of) are read as their kind, others as STRING.
 * Nor is the kind of the data: it is BINARY, or PROTO of Content-Type `application/protobuf` with a dataschema whose last
 * segment is a message's full name. A type URL without a scheme means https (google/protobuf/any.proto), which a
 * dataschema must have: `type.googleapis.com/acme.Order` goes as `https://type.googleapis.com/acme.Order`, and back.
 */
#ifndef HOLDFAST_C_BINDING_H_
#define HOLDFAST_C_BINDING_H_

#include <holdfast/c/envelope.h>
#include <holdfast/c/propagation.h>

HF_BEGIN_DECLS

typedef int32_t hf_binding;
#define HF_BINDING_HTTP 1
#define HF_BINDING_KAFKA 2
#define HF_BINDING_AMQP 3
#define HF_BINDING_AMQP_COLON 4
#define HF_BINDING_GRPC 5

typedef int32_t hf_content_mode;
#define HF_CONTENT_BINARY 1
#define HF_CONTENT_STRUCTURED 2
#define HF_CONTENT_BATCH 3

typedef int32_t hf_event_format;
#define HF_EVENT_FORMAT_NONE 0 /* binary mode: the body is the data */
#define HF_EVENT_FORMAT_JSON 1
#define HF_EVENT_FORMAT_PROTOBUF 2
#define HF_EVENT_FORMAT_OTHER 3 /* a format that holdfast does not read */

#define HF_BINDING_HEADERS (HF_ENVELOPE_ATTRIBUTES + 6u) /* more are never written */

/* What a reader put up with: peers that are known to be wrong, and how often. */
typedef struct hf_binding_report {
  uint32_t struct_size;
  uint32_t raw_bytes;     /* values with bytes that should have been percent-encoded */
  uint32_t lone_percents; /* values with a percent sign that is no escape, kept as it is */
  uint32_t quoted;        /* values in quotation marks */
  uint32_t passed_over;   /* headers that are no attributes */
  uint32_t reserved0;
} hf_binding_report;

/* How a message carries its event, by its Content-Type.
 * Contract: `application/cloudevents-batch` is a batch, `application/cloudevents` structured, each followed by +format,
 *   `;` or nothing, in any case; all else is binary, and so is an empty one. *format is nullable.
 * Ownership: none. Threads: any. Errors: none. Since: 0.5 */
HF_API hf_content_mode hf_content_mode_of(const char* content_type, size_t size,
                                          hf_event_format* format) HF_NOEXCEPT;

/* Reads an event in binary mode. `body` becomes its data; none if its pointer is NULL, and over HTTP and gRPC also if it
 * is empty and not PROTO, which may be.
 * Contract: what comes out passes hf_envelope_check. Ownership: *out keeps pointers into headers, body and
 *   `buffer`, which has `capacity` bytes: the sum of the names' and the values' sizes is always enough. limits,
 *   report (its struct_size set by the caller; all zero after an error) and error are nullable.
 * Threads: any. Errors: INVALID_ARGUMENT HF_R_MALFORMED, naming the attribute: one that comes twice, in whatever case;
 *   a required one missing; a name after the prefix that is none; bad UTF-8 after decoding; `ce-datacontenttype`
 *   beside Content-Type; a structured message; otherwise as hf_envelope_decode. RESOURCE_EXHAUSTED
 *   HF_R_BUFFER_TOO_SMALL: buffer, or over attribute_capacity. *out holds no event then. Since: 0.5 */
HF_API hf_code hf_binding_read(hf_binding binding, const hf_header* headers, size_t count,
                               const void* body, size_t body_size, const hf_envelope_limits* limits,
                               char* buffer, size_t capacity, hf_envelope* out,
                               hf_binding_report* report, hf_error* error) HF_NOEXCEPT;

/* Writes an event's headers in binary mode; the body is envelope->data.
 * Contract: the event is checked first. Of PROTO data Content-Type and dataschema are written where the event
 *   does not say them itself. *need (nullable) tells the size of `buffer`, also if it is too small.
 *   Ownership: headers has HF_BINDING_HEADERS, *count are written; they point into `buffer`, the envelope, and
 *   static storage. limits and error are nullable.
 * Threads: any. Errors: as hf_envelope_check; INVALID_ARGUMENT also for what headers cannot carry: an OPAQUE attribute,
 *   unknown fields, a Content-Type that no header may have or that says another mode, PROTO data of another
 *   type than its dataschema says, or of another Content-Type. RESOURCE_EXHAUSTED HF_R_BUFFER_TOO_SMALL, and
 *   HF_R_OUT_OF_RANGE: with those that say the type of PROTO data there would be more attributes than a reader
 *   takes. *count is 0 then. Since: 0.5 */
HF_API hf_code hf_binding_write(hf_binding binding, const hf_envelope* envelope,
                                const hf_envelope_limits* limits, hf_header* headers, size_t* count,
                                char* buffer, size_t capacity, size_t* need,
                                hf_error* error) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_BINDING_H_ */
