// SPDX-License-Identifier: Apache-2.0
#include "codec/http_date.h"

#include <algorithm>

#include "codec/ascii.h"
#include "codec/timestamp.h"

namespace holdfast::codec {
namespace {

// In lower case as they are compared; written with the first letter in upper case. Day 0 of 1970 was a Thursday.
constexpr std::string_view kDays[] = {"thu", "fri", "sat", "sun", "mon", "tue", "wed"};
constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::int64_t kDay = 86400;

// One row of the grammar: what stands where in the text after the weekday. Letters are: Mon, DD, YYYY or YY (then
// y), and the time of day; `_` is a digit or a space.
struct Form {
  std::string_view shape;
  std::size_t day, month, year, time;
  bool short_year;
};
constexpr Form kForms[] = {{", 00 Aaa 0000 00:00:00 GMT", 2, 5, 9, 14, false},
                           {", 00-Aaa-00 00:00:00 GMT", 2, 5, 9, 12, true},
                           {" Aaa _0 00:00:00 0000", 5, 1, 17, 8, false}};

bool Fits(char shape, char byte) {
  switch (shape) {
    case '0':
      return IsDigit(byte);
    case '_':
      return IsDigit(byte) || byte == ' ';
    case 'A':
    case 'a':
      return IsAlpha(byte);
    default:
      return ToLower(shape) == ToLower(byte);
  }
}

bool Fits(std::string_view shape, std::string_view text) {
  return shape.size() == text.size() &&
         std::equal(shape.begin(), shape.end(), text.begin(),
                    [](char wanted, char byte) { return Fits(wanted, byte); });
}

// Where in `names` the first three letters of `text` are; the number of names if they are not.
template <std::size_t kNames>
std::size_t IndexOf(const std::string_view (&names)[kNames], std::string_view text) {
  std::size_t at = 0;
  while (at < kNames && !EqualsLower(text.substr(0, 3), names[at])) ++at;
  return at;
}

void PutTwo(std::size_t number, char* out) {
  out[0] = static_cast<char>('0' + number / 10);
  out[1] = static_cast<char>('0' + number % 10);
}

void PutName(std::string_view name, char* out) {
  std::copy(name.begin(), name.end(), out);
  out[0] = static_cast<char>(out[0] - 'a' + 'A');
}

// The text after the weekday, as RFC 3339, whose reader knows how long months are.
bool ReadAs(const Form& form, std::string_view text, std::int64_t* out) {
  if (!Fits(form.shape, text)) return false;
  const std::size_t month = IndexOf(kMonths, text.substr(form.month));
  if (month == std::size(kMonths)) return false;
  char iso[] = "2000-00-00T00:00:00Z";
  if (form.short_year) {
    if (text[form.year] >= '7') std::copy_n("19", 2, iso);
    std::copy_n(text.data() + form.year, 2, iso + 2);
  } else {
    std::copy_n(text.data() + form.year, 4, iso);
  }
  PutTwo(month + 1, iso + 5);
  std::copy_n(text.data() + form.day, 2, iso + 8);
  if (iso[8] == ' ') iso[8] = '0';
  std::copy_n(text.data() + form.time, 8, iso + 11);
  Timestamp time;
  if (!ParseTimestamp({iso, sizeof iso - 1}, &time)) return false;
  *out = time.seconds;
  return true;
}

}  // namespace

bool ParseHttpDate(std::string_view value, std::int64_t* out) {
  const std::string_view text = TrimOws(value);
  std::size_t weekday = 0;
  while (weekday < text.size() && IsAlpha(text[weekday])) ++weekday;
  if (IndexOf(kDays, text.substr(0, weekday)) == std::size(kDays)) return false;
  return std::any_of(std::begin(kForms), std::end(kForms),
                     [&](const Form& form) { return ReadAs(form, text.substr(weekday), out); });
}

void FormatHttpDate(std::int64_t seconds, char* out) {
  char iso[HF_TIMESTAMP_SIZE];
  FormatTimestamp({seconds, 0}, iso);
  const std::int64_t day = (seconds - kFirstSecond) / kDay + kFirstSecond / kDay;
  const std::int64_t weekday = ((day % 7) + 7) % 7;
  std::copy_n("Ddd, 00 Mmm 0000 00:00:00 GMT", kHttpDateSize, out);
  PutName(kDays[weekday], out);
  std::copy_n(iso + 8, 2, out + 5);
  PutName(kMonths[10 * (iso[5] - '0') + (iso[6] - '0') - 1], out + 8);
  std::copy_n(iso, 4, out + 12);
  std::copy_n(iso + 11, 8, out + 17);
}

}  // namespace holdfast::codec
