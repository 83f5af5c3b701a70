// SPDX-License-Identifier: Apache-2.0
#include "codec/deprecation.h"

#include <charconv>

#include "codec/ascii.h"
#include "codec/http_date.h"
#include "codec/timestamp.h"

namespace holdfast::codec {
namespace {

constexpr std::size_t kDigitsMax = 15;  // of an integer, RFC 9651 3.3.1

// `-?` and digits, without the @.
bool ParseDate(std::string_view text, std::int64_t* out) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || digits.size() > kDigitsMax || !IsDigit(digits.front())) return false;
  std::int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, seconds);
  if (read.ptr != end || !IsTimestamp({seconds, 0})) return false;
  *out = seconds;
  return true;
}

}  // namespace

bool ParseDeprecation(std::string_view value, std::int64_t* out) {
  const std::string_view text = TrimOws(value.substr(0, value.find(';')));
  if (text.starts_with('@')) return ParseDate(text.substr(1), out);
  if (text != "?1" && !EqualsLower(text, "true")) return ParseHttpDate(text, out);
  *out = kDeprecatedEver;
  return true;
}

std::size_t FormatDeprecation(std::int64_t seconds, char* out) {
  *out = '@';
  return static_cast<std::size_t>(std::to_chars(out + 1, out + HF_DEPRECATION_SIZE, seconds).ptr -
                                  out);
}

}  // namespace holdfast::codec
