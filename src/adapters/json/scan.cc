// SPDX-License-Identifier: Apache-2.0
#include "adapters/json/scan.h"

#include <algorithm>

namespace holdfast::inline v0_5::json {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kOfNumbers = "+-.0123456789eE";

bool Is(std::string_view set, char byte) { return set.find(byte) != std::string_view::npos; }

const char* SkipBlank(const char* at, const char* end) {
  return std::find_if_not(at, end, [](char byte) { return Is(kBlank, byte); });
}

// Says nothing but whether it is JSON, and not too deep.
struct Validator {
  std::uint32_t max_depth;
  std::uint32_t depth = 0;

  bool Open() { return ++depth <= max_depth; }
  bool Close() {
    --depth;
    return true;
  }

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(std::int64_t) { return true; }
  bool number_unsigned(std::uint64_t) { return true; }
  bool number_float(long double, const std::string&) { return true; }
  bool string(std::string&) { return true; }
  bool binary(Json::binary_t&) { return true; }
  bool key(std::string&) { return true; }
  bool start_object(std::size_t) { return Open(); }
  bool start_array(std::size_t) { return Open(); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) {
    return false;
  }
};

}  // namespace

std::string_view ValueAt(const char* begin, const char* seen) {
  if (!Is(kOfNumbers, *begin)) return {begin, seen};
  const char* const end =
      std::find_if_not(begin, seen, [](char byte) { return Is(kOfNumbers, byte); });
  return {begin, end};
}

const char* ValueAfterName(const char* after, const char* end) {
  const char* const colon = SkipBlank(after, end);
  return colon == end ? end : SkipBlank(colon + 1, end);
}

bool IsValue(std::string_view text, std::uint32_t max_depth) {
  // To the parser a zero byte is the end of the text, and a byte order mark nothing.
  if (text.starts_with(kByteOrderMark) || Is(text, '\0')) return false;
  Validator validator{max_depth};
  return Json::sax_parse(text.begin(), text.end(), &validator);
}

std::string_view TrimJson(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

bool AppendString(std::string_view text, std::string* out) {
  try {
    out->append(Json(std::string(text)).dump());
    return true;
  } catch (const Json::type_error&) {  // the only one that writing a string throws: no UTF-8
    return false;
  }
}

}  // namespace holdfast::inline v0_5::json
