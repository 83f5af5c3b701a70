// SPDX-License-Identifier: Apache-2.0
#include "codec/timestamp.h"

#include "codec/ascii.h"

namespace holdfast::codec {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr int kNanosDigits = 9;

struct Date {
  int year = 1, month = 1, day = 1;
};

// Eras of 400 years, 146 097 days each. Years begin in March, so that the leap day is the last one; then the
// months before month m (0: March) have (153 m + 2) / 5 days.
constexpr std::int64_t kEraDays = 146'097;
constexpr std::int64_t kEpochFromEra = 719'468;  // days from 0000-03-01 to 1970-01-01

constexpr std::int64_t DaysOf(const Date& date) {
  const int year = date.month <= 2 ? date.year - 1 : date.year;  // 0 at least: era 0 or later
  const std::int64_t era = year / 400;
  const std::int64_t year_of_era = year % 400;
  const std::int64_t month = (date.month + 9) % 12;
  const std::int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
  return era * kEraDays + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         kEpochFromEra;
}

constexpr Date DateOf(std::int64_t days) {
  const std::int64_t shifted = days + kEpochFromEra;  // not negative from the year 1 on
  const std::int64_t era = shifted / kEraDays;
  const std::int64_t day_of_era = shifted % kEraDays;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;
  Date date;
  date.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  date.year = static_cast<int>(era * 400 + year_of_era + (date.month <= 2 ? 1 : 0));
  date.day = static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1);
  return date;
}

static_assert(DaysOf({1970, 1, 1}) == 0);
static_assert(DaysOf({1, 1, 1}) * kDay == kFirstSecond);
static_assert((DaysOf({9999, 12, 31}) + 1) * kDay - 1 == kLastSecond);
static_assert(DateOf(DaysOf({2000, 2, 29})).day == 29);

constexpr int DaysIn(int year, int month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Takes numbers and marks off a text; what does not fit is remembered.
class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text) {}

  int Number(int digits) {
    int number = 0;
    for (; digits > 0; --digits) {
      const char digit = Take();
      ok_ = ok_ && IsDigit(digit);
      number = number * 10 + (digit - '0');
    }
    return ok_ ? number : 0;
  }
  int NumberIn(int lowest, int highest) {
    const int number = Number(2);
    ok_ = ok_ && number >= lowest && number <= highest;
    return number;
  }
  void Mark(char upper) {
    const char next = Take();
    ok_ = ok_ && (next == upper || next == upper + ('a' - 'A') * IsUpper(upper));
  }
  // Whether it comes next; it is taken then.
  bool Skip(char mark) {
    if (left_.empty() || left_.front() != mark) return false;
    left_.remove_prefix(1);
    return true;
  }
  // At least one digit; those beyond the ninth are cut off.
  std::int32_t Fraction() {
    std::int32_t nanos = 0;
    int digits = 0;
    for (; !left_.empty() && IsDigit(left_.front()); left_.remove_prefix(1), ++digits) {
      if (digits < kNanosDigits) nanos = nanos * 10 + (left_.front() - '0');
    }
    ok_ = ok_ && digits > 0;
    for (; digits < kNanosDigits; ++digits) nanos *= 10;
    return nanos;
  }
  bool done() const { return ok_ && left_.empty(); }
  bool ok() const { return ok_; }

 private:
  char Take() {
    if (left_.empty()) {
      ok_ = false;
      return '\0';
    }
    const char byte = left_.front();
    left_.remove_prefix(1);
    return byte;
  }

  std::string_view left_;
  bool ok_ = true;
};

// Seconds to take off for UTC.
std::int64_t ReadOffset(Reader* reader) {
  const bool east = reader->Skip('+');
  if (!east && !reader->Skip('-')) {
    reader->Mark('Z');
    return 0;
  }
  const int hours = reader->NumberIn(0, 23);
  reader->Mark(':');
  const std::int64_t seconds = hours * 3600 + reader->NumberIn(0, 59) * 60;
  return east ? seconds : -seconds;
}

// Whether the second before the one that `seconds` names is the last of a month: where a leap second may be.
bool EndsMonth(std::int64_t seconds) {
  const std::int64_t since_first = seconds + 1 - kFirstSecond;
  return since_first % kDay == 0 &&
         DateOf((seconds + 1) / kDay - ((seconds + 1) % kDay < 0)).day == 1;
}

char* PutNumber(int number, int digits, char* out) {
  for (int i = digits; i-- > 0; number /= 10) out[i] = static_cast<char>('0' + number % 10);
  return out + digits;
}

// Nine digits, or six or three if the rest is zero; nothing if all are.
char* PutFraction(std::int32_t nanos, char* out) {
  if (nanos == 0) return out;
  *out++ = '.';
  int digits = kNanosDigits;
  for (; nanos % 1000 == 0; nanos /= 1000) digits -= 3;
  return PutNumber(nanos, digits, out);
}

}  // namespace

bool ParseTimestamp(std::string_view text, Timestamp* out) {
  Reader reader(text);
  Date date;
  date.year = reader.Number(4);
  reader.Mark('-');
  date.month = reader.NumberIn(1, 12);
  reader.Mark('-');
  date.day = reader.NumberIn(1, 31);
  reader.Mark('T');
  const int hour = reader.NumberIn(0, 23);
  reader.Mark(':');
  const int minute = reader.NumberIn(0, 59);
  reader.Mark(':');
  const int second = reader.NumberIn(0, 60);
  Timestamp time;
  if (reader.Skip('.')) time.nanos = reader.Fraction();
  const std::int64_t offset = ReadOffset(&reader);
  if (!reader.done() || date.year == 0 || date.day > DaysIn(date.year, date.month)) return false;
  const bool leap = second == 60;
  time.seconds = DaysOf(date) * kDay + hour * 3600 + minute * 60 + second - leap - offset;
  if (!IsTimestamp(time) || (leap && !EndsMonth(time.seconds))) return false;
  *out = time;
  return true;
}

std::size_t FormatTimestamp(const Timestamp& time, char* out) {
  const std::int64_t since_first = time.seconds - kFirstSecond;
  const Date date = DateOf(since_first / kDay + kFirstSecond / kDay);
  const int second = static_cast<int>(since_first % kDay);
  char* end = PutNumber(date.year, 4, out);
  *end++ = '-';
  end = PutNumber(date.month, 2, end);
  *end++ = '-';
  end = PutNumber(date.day, 2, end);
  *end++ = 'T';
  end = PutNumber(second / 3600, 2, end);
  *end++ = ':';
  end = PutNumber(second / 60 % 60, 2, end);
  *end++ = ':';
  end = PutNumber(second % 60, 2, end);
  end = PutFraction(time.nanos, end);
  *end++ = 'Z';
  return static_cast<std::size_t>(end - out);
}

}  // namespace holdfast::codec
