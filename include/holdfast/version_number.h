// SPDX-License-Identifier: Apache-2.0
// VersionNumber: which version of a contract, "major.minor", as the attribute `contractversion` has it.
#ifndef HOLDFAST_VERSION_NUMBER_H_
#define HOLDFAST_VERSION_NUMBER_H_

#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace holdfast::inline v0_5 {

struct VersionNumber {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;

  friend auto operator<=>(const VersionNumber&, const VersionNumber&) = default;
};

// "2.1".
inline std::string Text(const VersionNumber& number) {
  return std::to_string(number.major) + "." + std::to_string(number.minor);
}

// nullopt: not two numbers of at most five digits, with a dot between them and no leading zeros.
inline std::optional<VersionNumber> ParseVersionNumber(std::string_view text) {
  constexpr std::size_t kDigits = 5;
  const auto part = [](std::string_view digits, std::uint32_t* value) {
    const char* const end = digits.data() + digits.size();
    const bool canonical = digits.size() == 1 || (digits.size() <= kDigits && digits[0] != '0');
    if (digits.empty() || !canonical) return false;
    const auto [ptr, error] = std::from_chars(digits.data(), end, *value);
    return error == std::errc{} && ptr == end;
  };
  const std::size_t dot = text.find('.');
  VersionNumber number;
  if (dot == std::string_view::npos || !part(text.substr(0, dot), &number.major) ||
      !part(text.substr(dot + 1), &number.minor)) {
    return std::nullopt;
  }
  return number;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_VERSION_NUMBER_H_
