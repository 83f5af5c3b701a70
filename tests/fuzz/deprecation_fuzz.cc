// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a Sunset, a Deprecation and a Link: what reads as a date is written, and reads again as the same; what
// is linked to lies in the header.
#include <holdfast/deprecation.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireSunset(std::string_view text) {
  std::int64_t seconds = 0, again = 0;
  if (hf_sunset_parse(text.data(), text.size(), &seconds) != HF_OK) return;
  char out[HF_SUNSET_SIZE];
  Require(hf_sunset_format(seconds, out) == HF_OK);
  Require(hf_sunset_parse(out, sizeof out, &again) == HF_OK && again == seconds);
}

void RequireDeprecation(std::string_view text) {
  std::int64_t seconds = 0, again = 0;
  if (hf_deprecation_parse(text.data(), text.size(), &seconds) != HF_OK) return;
  if (seconds == INT64_MIN) return;
  char out[HF_DEPRECATION_SIZE];
  std::size_t size = 0;
  Require(hf_deprecation_format(seconds, out, &size) == HF_OK && size <= sizeof out);
  Require(hf_deprecation_parse(out, size, &again) == HF_OK && again == seconds);
}

void RequireLink(std::string_view text) {
  const hf_header header{{"link", 4}, {text.data(), text.size()}};
  const std::string_view target = holdfast::ReadDeprecation({&header, 1}).deprecation.migration;
  if (target.empty()) return;
  Require(target.data() > text.data() && target.data() + target.size() < text.data() + text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RequireSunset(text);
  RequireDeprecation(text);
  RequireLink(text);
  return 0;
}
