// SPDX-License-Identifier: Apache-2.0
// c/deprecation.h over the codecs. Locking: none. Memory: none.
#include "codec/deprecation.h"

#include "codec/http_date.h"
#include "codec/timestamp.h"

namespace codec = holdfast::codec;

static_assert(HF_SUNSET_SIZE == codec::kHttpDateSize);

hf_code hf_deprecation_format(int64_t unix_seconds, char* out, size_t* size) noexcept {
  if (out == nullptr || size == nullptr || !codec::IsTimestamp({unix_seconds, 0})) {
    return HF_INVALID_ARGUMENT;
  }
  *size = codec::FormatDeprecation(unix_seconds, out);
  return HF_OK;
}

hf_code hf_deprecation_parse(const char* data, size_t size, int64_t* unix_seconds) noexcept {
  if (data == nullptr || unix_seconds == nullptr) return HF_INVALID_ARGUMENT;
  return codec::ParseDeprecation({data, size}, unix_seconds) ? HF_OK : HF_INVALID_ARGUMENT;
}

hf_code hf_sunset_format(int64_t unix_seconds, char* out) noexcept {
  if (out == nullptr || !codec::IsTimestamp({unix_seconds, 0})) return HF_INVALID_ARGUMENT;
  codec::FormatHttpDate(unix_seconds, out);
  return HF_OK;
}

hf_code hf_sunset_parse(const char* data, size_t size, int64_t* unix_seconds) noexcept {
  if (data == nullptr || unix_seconds == nullptr) return HF_INVALID_ARGUMENT;
  return codec::ParseHttpDate({data, size}, unix_seconds) ? HF_OK : HF_INVALID_ARGUMENT;
}
