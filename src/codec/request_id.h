// SPDX-License-Identifier: Apache-2.0
//
// Correlation, causation and request ids, tenants and principals: opaque text, never reformatted, of bytes
// that no header and no log line breaks on. And the small words and numbers that travel beside them.
#ifndef HOLDFAST_CODEC_REQUEST_ID_H_
#define HOLDFAST_CODEC_REQUEST_ID_H_

#include <holdfast/c/base.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::codec {

inline constexpr std::uint32_t kAttemptMax = 1000;

// 1..max bytes of printable ASCII without spaces.
bool IsOpaqueId(std::string_view text, std::size_t max);

// A random UUID (RFC 9562, version 4) out of 16 random bytes, in HF_UUID_TEXT_SIZE bytes. What Envoy reads at its
// character 14 says "not sampled".
void FormatRandomUuid(const std::uint8_t* entropy, char* out);

// critical-plus, critical, sheddable-plus, sheddable. False: none of them.
bool ParseCriticality(std::string_view value, hf_criticality* out);
std::string_view FormatCriticality(hf_criticality criticality);

// 0 reads as 1, more than kAttemptMax as that. False, and *out as it was: no number.
bool ParseAttempt(std::string_view value, std::uint32_t* out);

// As hf_context_options::retries has it: "0" is HF_NO_RETRIES. False likewise.
bool ParseRetries(std::string_view value, std::int32_t* out);

inline constexpr std::size_t kNumberSize = 10;

// Returns how many bytes of `out`, which has kNumberSize, were written.
std::size_t FormatNumber(std::uint32_t number, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_REQUEST_ID_H_
