// SPDX-License-Identifier: Apache-2.0
// RecordCodec: a record as one Redis string. Little-endian; times are microseconds, the resolution of TIME.
//
//   at  size  field
//    0    1   version, 1
//    1    1   state; ABSENT is a tombstone: only its token counts, which the next owner's must exceed
//    2    1   reconcile, 0 or 1
//    3    1   truncated, HF_BODY_*
//    4    4   code
//    8    8   not_before
//   16    8   expires_at
//   24    8   completed_at
//   32    8   lease_until; 0 while IN_PROGRESS: `lease` counted from the SET that wrote this record
//   40    8   token
//   48    4   attempt
//   52    4   checkpoints, how many there were: no change of a record leaves all of its header as it was
//   56    1   on_expiry
//   57    1   0
//   58    2   size of the label
//   60    4   0
//   64    8   lease
//   72    8   px: milliseconds given to that SET; PEXPIRETIME - px is when it ran
//   80   16   nonce
//   96   32   fingerprint
//  128        label, then the body up to the end
//
// What a settling script replaces (0 to 39) and what it compares (0 to 1, and the token) is contiguous.
// A version that is not 1 is CORRUPT and is never written to: it may be a newer holdfast's.
#ifndef HOLDFAST_ADAPTERS_REDIS_RECORD_CODEC_H_
#define HOLDFAST_ADAPTERS_REDIS_RECORD_CODEC_H_

#include <holdfast/c/record.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::redis {

inline constexpr uint8_t kRecordVersion = 1;
inline constexpr size_t kHeaderSize = 128;
inline constexpr size_t kCompletedAt = 24;
inline constexpr size_t kTokenAt = 40;
inline constexpr size_t kAttemptAt = 48;
inline constexpr size_t kNonceAt = 80;

// What a stored record has besides hf_record's fields.
struct Packing {
  uint32_t checkpoints = 0;
  int64_t px = 0;               // milliseconds, of the SET that writes it
  bool lease_from_set = false;  // `lease` counts from that SET; else record.lease_until does
  hf_duration lease = 0;
};

// Rounds times up to microseconds: a lease is never shorter than it was given.
std::string Pack(const hf_record& record, const Packing& packing);

// A tombstone.
std::string PackToken(uint64_t token, int64_t px);

struct Unpacked {
  enum class Kind { kRecord, kTombstone, kForeign, kDamaged };
  Kind kind = Kind::kDamaged;
  hf_record
      record{};  // body and label point into the bytes given; of a tombstone only the token counts
  Packing packing;
};

// `expires_ms`: PEXPIRETIME of its key, milliseconds since the Unix epoch; negative: none. Without it a lease that
// counts from its SET is of unknown length, and lasts for ever.
Unpacked Unpack(std::string_view bytes, std::optional<int64_t> expires_ms);

// Appends and reads little-endian numbers; the audit log's rows use them too.
void PutNumber(std::string* out, uint64_t value, size_t size);
uint64_t GetNumber(std::string_view bytes, size_t at, size_t size);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_RECORD_CODEC_H_
