// SPDX-License-Identifier: Apache-2.0
//
// Timestamps, RFC 3339 <-> seconds since 1970-01-01T00:00:00Z and nanoseconds, in the proleptic Gregorian calendar.
//
// Read: `T` and `Z` in either case, any offset (-00:00 is UTC), any digits of a second, of which those beyond nine are cut
// off; a leap second, 23:59:60 in UTC at the end of a month, reads as the 59th with its fraction. Written: UTC,
// upper case, and 0, 3, 6 or 9 digits of a second, which readers of every language take.
#ifndef HOLDFAST_CODEC_TIMESTAMP_H_
#define HOLDFAST_CODEC_TIMESTAMP_H_

#include <holdfast/c/attribute.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::codec {

struct Timestamp {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;  // 0..999999999

  friend bool operator==(const Timestamp&, const Timestamp&) = default;
};

inline constexpr std::int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
inline constexpr std::int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z

constexpr bool IsTimestamp(const Timestamp& time) {
  return time.seconds >= kFirstSecond && time.seconds <= kLastSecond && time.nanos >= 0 &&
         time.nanos <= 999'999'999;
}

// False, and *out as it was, for anything malformed or outside the years 0001..9999 (in UTC).
bool ParseTimestamp(std::string_view text, Timestamp* out);

// `time` is a timestamp. Returns how many bytes of `out`, which has HF_TIMESTAMP_SIZE, were written.
std::size_t FormatTimestamp(const Timestamp& time, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_TIMESTAMP_H_
