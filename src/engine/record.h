// SPDX-License-Identifier: Apache-2.0
// The idempotency record's transition table, the one truth that every store runs inside its own
// atomic step. The table itself is in <holdfast/c/record.h>; this is that table and nothing else.
//
// Invariants:
//  - Tokens of a key only rise: max(previous + 1, floor + 1, store time in microseconds).
//  - Time to live never frees a record that is leased or in doubt.
//  - Whoever does not hold the token changes nothing.
//  - A record that cannot be is never acted upon and never overwritten.
//
// What happens when a lease is over is the owner's word (on_expiry in the record), not the word of
// whoever comes next: only the owner knew what its work can bear.
//
// Locking: none. Memory: none; next.body and reply.body point into the arguments.
#ifndef HOLDFAST_ENGINE_RECORD_H_
#define HOLDFAST_ENGINE_RECORD_H_

#include <holdfast/c/idempotency.h>
#include <holdfast/c/record.h>

#include <cstddef>
#include <cstdint>

namespace holdfast::engine {

inline constexpr size_t kRecordBodyMax = 8388608;
inline constexpr size_t kDigestSize = 32;
// Tokens and times are kept by stores as signed 64-bit numbers.
inline constexpr uint64_t kTokenMax = INT64_MAX;
inline constexpr hf_duration kLeaseMax = 24 * 3600 * HF_S;

// Applies `request` to `old` (nullptr: absent). Anything but code OK means: write nothing. *change and *reply are
// always written; *next, which may be *old, on WRITE (the whole record) and on ERASE (the token to remember).
hf_code ApplyRecord(const hf_record* old, const hf_store_request& request, int64_t store_now,
                    uint64_t token_floor, hf_record* next, hf_record_change* change,
                    hf_store_reply* reply);

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_RECORD_H_
