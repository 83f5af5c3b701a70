// SPDX-License-Identifier: Apache-2.0
#include "codec/request_id.h"

#include <holdfast/c/context.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "codec/ascii.h"
#include "codec/uuid7.h"

namespace holdfast::codec {
namespace {

constexpr std::string_view kWords[HF_CRITICALITIES] = {"critical-plus", "critical",
                                                       "sheddable-plus", "sheddable"};

template <class Number>
bool ReadNumber(std::string_view text, Number* out) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return false;
  *out = number;
  return true;
}

}  // namespace

bool IsOpaqueId(std::string_view text, std::size_t max) {
  return !text.empty() && text.size() <= max && IsGraphic(text);
}

void FormatRandomUuid(const std::uint8_t* entropy, char* out) {
  std::uint8_t bytes[HF_UUID_SIZE];
  std::memcpy(bytes, entropy, sizeof bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  FormatUuid(bytes, out);
}

bool ParseCriticality(std::string_view value, hf_criticality* out) {
  const auto* const word = std::find(std::begin(kWords), std::end(kWords), value);
  if (word == std::end(kWords)) return false;
  *out = static_cast<hf_criticality>(word - kWords + HF_CRITICAL_PLUS);
  return true;
}

std::string_view FormatCriticality(hf_criticality criticality) {
  if (criticality < HF_CRITICAL_PLUS || criticality > HF_SHEDDABLE) return {};
  return kWords[criticality - HF_CRITICAL_PLUS];
}

bool ParseAttempt(std::string_view value, std::uint32_t* out) {
  std::uint32_t attempt = 0;
  if (!ReadNumber(value, &attempt)) return false;
  *out = std::clamp(attempt, std::uint32_t{1}, kAttemptMax);
  return true;
}

bool ParseRetries(std::string_view value, std::int32_t* out) {
  std::int32_t retries = 0;
  if (!ReadNumber(value, &retries) || retries < 0) return false;
  *out = retries == 0 ? HF_NO_RETRIES : retries;
  return true;
}

std::size_t FormatNumber(std::uint32_t number, char* out) {
  return static_cast<std::size_t>(std::to_chars(out, out + kNumberSize, number).ptr - out);
}

}  // namespace holdfast::codec
