/* SPDX-License-Identifier: Apache-2.0 */
/* Attribute: one named value of a CloudEvents 1.0 event.
 *
 *   kind        value in        canonical text (CloudEvents 1.0, "Type System")
 *   BOOLEAN     number 0 or 1   true, false
 *   INTEGER     number          -2147483648..2147483647, no plus sign, no leading zero, no exponent
 *   STRING      text            itself: UTF-8 without U+0000..U+001F, U+007F..U+009F and noncharacters
 *   BYTES       text            base64, RFC 4648, 4: with padding, and bits too many are 0
 *   URI         text            itself: RFC 3986, 4.3, absolute: a scheme, no fragment
 *   URI_REF     text            itself: RFC 3986, 4.1
 *   TIMESTAMP   number, nanos   RFC 3339 in UTC, with 0, 3, 6 or 9 digits of a second: years 0001..9999
 *   OPAQUE      text            none: a kind that this library does not know, kept as it came
 *
 * A name is 1 to 64 of a-z and 0-9 and never `data`; the specification advises 20 at most. Some names mean the same
 * everywhere and have a kind (hf_attribute_kind_of). Such an attribute has that kind, or is a STRING whose text is one of
 * that kind, for headers have no kinds, and what was relayed from them came as STRING; and a URI may stand where a URI_REF
 * is due. holdfast's own names (`contractversion`, `idempotencykey`, `deadlinems`, `senttime`, `attempt`, `tenant`,
 * `criticality`) are registered nowhere: what they say is judged where it is read as ours, and not here. Besides, `subject`
 * is not empty and `datacontenttype` is a media type (RFC 2046). No function here allocates.
 */
#ifndef HOLDFAST_C_ATTRIBUTE_H_
#define HOLDFAST_C_ATTRIBUTE_H_

#include <holdfast/c/base.h>

HF_BEGIN_DECLS

#define HF_ATTRIBUTE_NAME_MAX 64u
#define HF_TIMESTAMP_SIZE 30u /* bytes at most of a timestamp's canonical text */

/* The numbers are those of the oneof in cloudevents.proto, OPAQUE excepted. */
typedef int32_t hf_attribute_kind;
#define HF_ATTRIBUTE_BOOLEAN 1
#define HF_ATTRIBUTE_INTEGER 2
#define HF_ATTRIBUTE_STRING 3
#define HF_ATTRIBUTE_BYTES 4
#define HF_ATTRIBUTE_URI 5
#define HF_ATTRIBUTE_URI_REF 6
#define HF_ATTRIBUTE_TIMESTAMP 7
#define HF_ATTRIBUTE_OPAQUE 8

/* Borrowed: name and text are the caller's bytes. Fixed layout. */
typedef struct hf_attribute {
  hf_str name;
  hf_str text;
  int64_t number; /* of a TIMESTAMP: seconds since 1970-01-01T00:00:00Z */
  int32_t nanos;  /* of a TIMESTAMP: 0..999999999 */
  hf_attribute_kind kind;
} hf_attribute;

/* Whether the name, the value and its kind keep the rules above.
 * Contract: an OPAQUE value is not looked into. Ownership: none; error is nullable and names the attribute.
 * Threads: any. Errors: INVALID_ARGUMENT: HF_R_MALFORMED, HF_R_OUT_OF_RANGE, HF_R_NULL_ARGUMENT. Since: 0.5 */
HF_API hf_code hf_attribute_check(const hf_attribute* attribute, hf_error* error) HF_NOEXCEPT;

/* The kind that CloudEvents, one of its documented extensions or holdfast gives this name; 0 if none.
 * Contract: `sampledrate` INTEGER, `time` TIMESTAMP, ... and of those that are no hf_attribute `id`, `source`, `type`
 *   and `specversion`.
 * Ownership: none. Threads: any. Errors: none. Since: 0.5 */
HF_API hf_attribute_kind hf_attribute_kind_of(const char* name, size_t size) HF_NOEXCEPT;

/* Writes a value's canonical text, not terminated.
 * Contract: *need (nullable) tells the size, also if `out` is too small. The value is checked, the name is not.
 *   Ownership: out has `capacity` bytes, may be NULL if that is 0.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL, a value that breaks the rules, OPAQUE. RESOURCE_EXHAUSTED:
 *   too small, nothing written. Since: 0.5 */
HF_API hf_code hf_attribute_format(const hf_attribute* attribute, char* out, size_t capacity,
                                   size_t* need) HF_NOEXCEPT;

/* Reads a value's canonical text into value->text, number, nanos and kind; value->name stays.
 * Contract: a TIMESTAMP may have any offset and any digits of a second (beyond nine they are cut off), `T` and `Z` in
 *   lower case, and a 60th second where UTC can have one, at the end of a month: it reads as the 59th.
 *   Ownership: value->text is `text` itself; of BYTES it is in `buffer`, which has `capacity` bytes: 3 * (size / 4)
 *   is always enough, for other kinds 0.
 * Threads: any. Errors: INVALID_ARGUMENT: NULL, text that is no such value, OPAQUE. RESOURCE_EXHAUSTED: buffer
 *   too small. *value is unchanged then. Since: 0.5 */
HF_API hf_code hf_attribute_parse(hf_attribute_kind kind, const char* text, size_t size,
                                  char* buffer, size_t capacity, hf_attribute* value) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_ATTRIBUTE_H_ */
