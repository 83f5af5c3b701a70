/* SPDX-License-Identifier: Apache-2.0 */
/* Confluent framing: which registered schema a Kafka payload was written with.
 *
 *   version   bytes                                                            where
 *   V0        00, schema id (int32, big endian), message indexes, payload      before the payload
 *   V1        01, schema GUID (16 bytes), message indexes                      header __value_schema_id (__key_...)
 *
 * Message indexes exist for protobuf only: which message of the file, as a path, in zigzag varints after their
 * count; [0] is written as the single byte 00. Some writers use plain varints: that reads as a negative number, or as
 * fewer indexes than the writer meant, and is refused where it can be seen.
 */
#ifndef HOLDFAST_C_CONFLUENT_H_
#define HOLDFAST_C_CONFLUENT_H_

#include <holdfast/c/base.h>

HF_BEGIN_DECLS

#define HF_CONFLUENT_INDEXES 16u /* at most: how deep messages nest */
#define HF_CONFLUENT_MAX 101u    /* bytes at most of a frame without its payload */

/* A frame. Fixed layout. */
typedef struct hf_confluent {
  uint32_t version;                      /* 0 or 1 */
  int32_t schema_id;                     /* V0 */
  uint8_t guid[16];                      /* V1 */
  uint32_t has_indexes;                  /* 1: protobuf; 0: Avro, JSON */
  uint32_t index_count;                  /* 1..HF_CONFLUENT_INDEXES if has_indexes */
  int32_t indexes[HF_CONFLUENT_INDEXES]; /* none is negative */
} hf_confluent;

/* Reads a frame: of a payload if it begins with 00, of a header value if with 01.
 * Contract: *used bytes are the frame's; the payload is what follows. The caller says whether to expect indexes.
 *   Ownership: *out and *used are written only on OK; error is nullable and names the byte.
 * Threads: any. Errors: INVALID_ARGUMENT HF_R_MALFORMED: no such first byte, truncated, negative or too many
 *   indexes, a varint that is too long. Since: 0.5 */
HF_API hf_code hf_confluent_read(const void* data, size_t size, uint32_t has_indexes,
                                 hf_confluent* out, size_t* used, hf_error* error) HF_NOEXCEPT;

/* Writes a frame without its payload.
 * Contract: *size bytes. Ownership: out has HF_CONFLUENT_MAX bytes; error is nullable.
 * Threads: any. Errors: INVALID_ARGUMENT naming the field. Since: 0.5 */
HF_API hf_code hf_confluent_write(const hf_confluent* frame, char* out, size_t* size,
                                  hf_error* error) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_CONFLUENT_H_ */
