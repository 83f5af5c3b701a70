// SPDX-License-Identifier: Apache-2.0
// JSON text through nlohmann's SAX parser, with what that does not tell: where each value begins and ends.
//
// The parser keeps one bit a level and never recurses; ours is the limit of the depth.
#ifndef HOLDFAST_ADAPTERS_JSON_SCAN_H_
#define HOLDFAST_ADAPTERS_JSON_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::json {

// Numbers as wide as they come: the parser refuses those that overflow its type.
using Json = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t,
                                  std::uint64_t, long double>;

// A place in a text that tells somebody else how far it has come.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}

  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  friend bool operator==(const Cursor& a, const Cursor& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  const char** seen_;
};

// The value that `text`, up to where the parser has come, ends with; it began at `begin`. A number has been read one byte
// too far, to see that it ends.
std::string_view ValueAt(const char* begin, const char* seen);

// Where the value after a member's name begins: `after` is what follows the name.
const char* ValueAfterName(const char* after, const char* end);

// Whether it is one JSON value in UTF-8 that can stand inside another text: without a byte order mark.
bool IsValue(std::string_view text, std::uint32_t max_depth);

std::string_view TrimJson(std::string_view text);

// Appends text as a JSON string. False, and nothing is appended, if it is not UTF-8.
bool AppendString(std::string_view text, std::string* out);

}  // namespace holdfast::inline v0_5::json

#endif  // HOLDFAST_ADAPTERS_JSON_SCAN_H_
