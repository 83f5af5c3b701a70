// SPDX-License-Identifier: Apache-2.0
//
// Base64 (RFC 4648, 4), strictly: the alphabet of A-Z a-z 0-9 + /, padded, nothing between. Bits that the last digit
// has too many are zero (3.5): so each value has one text, and what was read and written is a fixed point.
#ifndef HOLDFAST_CODEC_BASE64_H_
#define HOLDFAST_CODEC_BASE64_H_

#include <cstddef>
#include <string_view>

namespace holdfast::codec {

constexpr std::size_t Base64Size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

// How many bytes a text of this size and padding decodes to; its digits are not looked at.
std::size_t Base64DecodedSize(std::string_view text);

// Writes Base64DecodedSize(text) bytes. False, with part of them written, for anything malformed.
bool DecodeBase64(std::string_view text, char* out);

// Writes Base64Size(bytes.size()) digits.
void EncodeBase64(std::string_view bytes, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_BASE64_H_
