// SPDX-License-Identifier: Apache-2.0
// The Idempotency-Key header of HTTP: a quoted string on the wire, a bare one from many clients.
// Source: draft-ietf-httpapi-idempotency-key-header; RFC 9651 3.3.3. Threads: pure functions.
#ifndef HOLDFAST_IDEMPOTENCY_KEY_H_
#define HOLDFAST_IDEMPOTENCY_KEY_H_

#include <holdfast/c/formats.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

// Reads one header value, quoted or not; nullopt if it is empty or malformed. Who received two refuses both.
inline std::optional<std::string> ParseIdempotencyKey(std::string_view value) {
  std::string key(value.size(), '\0');
  std::size_t size = 0;
  if (value.empty() ||
      hf_idempotency_key_parse(value.data(), value.size(), key.data(), &size) != HF_OK) {
    return std::nullopt;
  }
  key.resize(size);
  return key;
}

// The header value of a key; nullopt if it is empty or not printable ASCII, which the header cannot say.
inline std::optional<std::string> FormatIdempotencyKey(std::string_view key) {
  std::string value(2 * key.size() + 2, '\0');
  std::size_t size = 0;
  if (hf_idempotency_key_format(key.data(), key.size(), value.data(), value.size(), &size) !=
      HF_OK) {
    return std::nullopt;
  }
  value.resize(size);
  return value;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_IDEMPOTENCY_KEY_H_
