// SPDX-License-Identifier: Apache-2.0
//
// The Deprecation header, RFC 9745: a structured field (RFC 9651) Date, `@1688169599`. Drafts before it had `true`, and
// HTTP-dates (http_date.h): read, never written.
#ifndef HOLDFAST_CODEC_DEPRECATION_H_
#define HOLDFAST_CODEC_DEPRECATION_H_

#include <holdfast/c/deprecation.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::codec {

// What `true` reads as: no date is earlier.
inline constexpr std::int64_t kDeprecatedEver = INT64_MIN;

// False, and *out as it was, for anything malformed, and for dates outside the years 1..9999.
bool ParseDeprecation(std::string_view value, std::int64_t* out);

// `seconds` is within the years 1..9999. Returns how many bytes of `out` were written, HF_DEPRECATION_SIZE at most.
std::size_t FormatDeprecation(std::int64_t seconds, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_DEPRECATION_H_
