/* SPDX-License-Identifier: Apache-2.0 */
/* Confluent framing: which registered schema a Kafka payload was written with.
 *
 *   version   bytes                                                            where
 *   V0        00, schema id (int32, big endian), message indexes, payload      before the payload
 *   V1        01, schema GUID (16 bytes), message indexes                      header __value_schema_id (__key_...)
 *
 * Message indexes exist for protobuf only: which message of the writer's file, as a path, in zigzag varints after
 * their count; [0] is written as the single byte 00, and read as 02 00 too. Some writers use plain varints: that
 * reads as a negative number, or as fewer indexes than the writer meant, and is refused where it can be seen.
 *
 * Apicurio's registry can be told to write ids of 8 bytes after the same 00. Nothing in such bytes says so:
 * it is the caller who knows (HF_CONFLUENT_WIDE).
 */
#ifndef HOLDFAST_C_CONFLUENT_H_
#define HOLDFAST_C_CONFLUENT_H_

#include <holdfast/c/base.h>

HF_BEGIN_DECLS

#define HF_CONFLUENT_INDEXES 16u /* at most: how deep messages nest */
#define HF_CONFLUENT_MAX 101u    /* bytes at most of a frame without its payload */

/* What stands between the version and the payload. */
typedef int32_t hf_confluent_form;
#define HF_CONFLUENT_PLAIN 0    /* of Avro and JSON: the schema alone */
#define HF_CONFLUENT_PROTOBUF 1 /* the schema and message indexes */
#define HF_CONFLUENT_WIDE 2     /* V0: an id of 8 bytes (Apicurio), no indexes */

/* A frame. Fixed layout. */
typedef struct hf_confluent {
  uint32_t version; /* 0 or 1 */
  hf_confluent_form form;
  int64_t schema_id; /* V0: 1..2^31-1, of WIDE 1..2^63-1 */
  uint8_t guid[16];  /* V1 */
  uint32_t reserved0;
  uint32_t index_count;                  /* of PROTOBUF 1..HF_CONFLUENT_INDEXES, else 0 */
  int32_t indexes[HF_CONFLUENT_INDEXES]; /* none is negative */
} hf_confluent;

/* Reads a frame, of a payload or of a header's value: by its first byte, 00 or 01.
 * Contract: *used bytes are the frame's; the payload is what follows. Ownership: *out and *used are written only on
 *   OK; error is nullable and names the byte.
 * Threads: any. Errors: INVALID_ARGUMENT HF_R_MALFORMED: no such first byte, truncated, a schema id below 1,
 *   negative or too many indexes, a varint that is too long; HF_R_OUT_OF_RANGE: form; HF_R_NULL_ARGUMENT. Since: 0.5 */
HF_API hf_code hf_confluent_read(const void* data, size_t size, hf_confluent_form form,
                                 hf_confluent* out, size_t* used, hf_error* error) HF_NOEXCEPT;

/* Writes a frame without its payload.
 * Contract: *size bytes; [0] as the single byte. Ownership: out has HF_CONFLUENT_MAX bytes; error is nullable.
 * Threads: any. Errors: INVALID_ARGUMENT HF_R_OUT_OF_RANGE, naming the field; HF_R_NULL_ARGUMENT. Since: 0.5 */
HF_API hf_code hf_confluent_write(const hf_confluent* frame, char* out, size_t* size,
                                  hf_error* error) HF_NOEXCEPT;

HF_END_DECLS

#endif /* HOLDFAST_C_CONFLUENT_H_ */
