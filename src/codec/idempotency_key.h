// SPDX-License-Identifier: Apache-2.0
//
// The Idempotency-Key header, draft-ietf-httpapi-idempotency-key-header: a structured field String (RFC 9651
// 3.3.3), whose parameters are ignored. Many clients send the bare key; it is read as well, and never written.
#ifndef HOLDFAST_CODEC_IDEMPOTENCY_KEY_H_
#define HOLDFAST_CODEC_IDEMPOTENCY_KEY_H_

#include <cstddef>
#include <string_view>

#include "codec/percent.h"

namespace holdfast::codec {

// Writes the key, value.size() bytes at most. False, with part of it written, for anything malformed or empty.
bool ParseIdempotencyKey(std::string_view value, TextSink& out);

// False, and nothing written, if the key is empty or has bytes other than 0x20..0x7E.
bool FormatIdempotencyKey(std::string_view key, TextSink& out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_IDEMPOTENCY_KEY_H_
