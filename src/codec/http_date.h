// SPDX-License-Identifier: Apache-2.0
//
// HTTP-date, RFC 9110 5.6.7 <-> seconds since 1970-01-01T00:00:00Z.
//
//   Sun, 06 Nov 1994 08:49:37 GMT    IMF-fixdate, the only one that is written
//   Sunday, 06-Nov-94 08:49:37 GMT   RFC 850: the year is one of 1970..2069
//   Sun Nov  6 08:49:37 1994         asctime
//
// The weekday is not compared with the date: RFC 8594's own example has a wrong one. Letters may have any case.
#ifndef HOLDFAST_CODEC_HTTP_DATE_H_
#define HOLDFAST_CODEC_HTTP_DATE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::codec {

inline constexpr std::size_t kHttpDateSize = 29;

// False, and *out as it was, for anything malformed; white space around it is passed over.
bool ParseHttpDate(std::string_view value, std::int64_t* out);

// `seconds` is within the years 1..9999 (timestamp.h); `out` has kHttpDateSize bytes, all of which are written.
void FormatHttpDate(std::int64_t seconds, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_HTTP_DATE_H_
