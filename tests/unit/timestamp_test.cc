// SPDX-License-Identifier: Apache-2.0
// Timestamps by RFC 3339, and the calendar behind them.
#include "codec/timestamp.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::codec {
namespace {

std::optional<Timestamp> Read(std::string_view text) {
  Timestamp time{-1, -1};
  if (ParseTimestamp(text, &time)) return time;
  EXPECT_EQ(time, (Timestamp{-1, -1})) << "written for " << text;
  return std::nullopt;
}

std::string Written(const Timestamp& time) {
  char out[HF_TIMESTAMP_SIZE];
  return std::string(out, FormatTimestamp(time, out));
}

std::string Canonical(std::string_view text) {
  const std::optional<Timestamp> time = Read(text);
  return time ? Written(*time) : "malformed";
}

TEST(Timestamp, ReadsTheExamplesOfRfc3339) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520Z"},
      {"1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z"},
      {"1990-12-31T23:59:60Z", "1990-12-31T23:59:59Z"},
      {"1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59Z"},
      {"1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870Z"}};
  for (const auto& [text, canonical] : rows) EXPECT_EQ(Canonical(text), canonical) << text;
}

TEST(Timestamp, ReadsEitherCaseEveryOffsetAndManyDigits) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"2018-04-05t17:31:00z", "2018-04-05T17:31:00Z"},
      {"2018-04-05T17:31:00-00:00", "2018-04-05T17:31:00Z"},
      {"2018-04-05T17:31:00+23:59", "2018-04-04T17:32:00Z"},
      {"2018-04-05T17:31:00-23:59", "2018-04-06T17:30:00Z"},
      {"2018-04-05T17:31:00.0Z", "2018-04-05T17:31:00Z"},
      {"2018-04-05T17:31:00.1Z", "2018-04-05T17:31:00.100Z"},
      {"2018-04-05T17:31:00.0001Z", "2018-04-05T17:31:00.000100Z"},
      {"2018-04-05T17:31:00.0000001Z", "2018-04-05T17:31:00.000000100Z"},
      {"2018-04-05T17:31:00.123456789Z", "2018-04-05T17:31:00.123456789Z"},
      {"2018-04-05T17:31:00.999999999999999Z", "2018-04-05T17:31:00.999999999Z"},
      {"2018-04-05T17:31:00.00000000000000000000000000001Z", "2018-04-05T17:31:00Z"}};
  for (const auto& [text, canonical] : rows) EXPECT_EQ(Canonical(text), canonical) << text;
}

TEST(Timestamp, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "2018",
                           "2018-04-05",
                           "2018-04-05T17:31:00",
                           "2018-04-05T17:31Z",
                           "2018-04-05 17:31:00Z",
                           "2018-04-05 17:31:00.5Z",
                           "2018-4-5T17:31:00Z",
                           "18-04-05T17:31:00Z",
                           "+2018-04-05T17:31:00Z",
                           "-2018-04-05T17:31:00Z",
                           "12018-04-05T17:31:00Z",
                           "2018-00-05T17:31:00Z",
                           "2018-13-05T17:31:00Z",
                           "2018-04-00T17:31:00Z",
                           "2018-04-31T17:31:00Z",
                           "2018-06-31T17:31:00Z",
                           "2018-09-31T17:31:00Z",
                           "2018-11-31T17:31:00Z",
                           "2018-01-32T17:31:00Z",
                           "2016-02-30T17:31:00Z",
                           "2018-02-29T17:31:00Z",
                           "1900-02-29T00:00:00Z",
                           "2018-04-05T24:00:00Z",
                           "2018-04-05T17:60:00Z",
                           "2018-04-05T17:31:61Z",
                           "2018-04-05T17:31:00.Z",
                           "2018-04-05T17:31:00,5Z",
                           "2018-04-05T17:31:00.5",
                           "2018-04-05T17:31:00ZZ",
                           "2018-04-05T17:31:00Z ",
                           " 2018-04-05T17:31:00Z",
                           "2018-04-05T17:31:00+0100",
                           "2018-04-05T17:31:00+01",
                           "2018-04-05T17:31:00+24:00",
                           "2018-04-05T17:31:00+01:60",
                           "2018-04-05T17:31:00*01:00",
                           "2018-04-05T17:31:00+01:00Z",
                           "2018-04-05T17:31:0\xC2Z",
                           "2018-04-05T17:31:00.1\xB2Z",
                           "2018-04-05Z17:31:00T",
                           "2018-04-05T17:31:00GMT",
                           "2018/04/05T17:31:00Z"}) {
    EXPECT_EQ(Read(text), std::nullopt) << text;
  }
}

TEST(Timestamp, HasLeapSecondsOnlyAtTheEndOfAMonthInUtc) {
  EXPECT_EQ(Canonical("2015-06-30T23:59:60.5Z"), "2015-06-30T23:59:59.500Z");
  EXPECT_EQ(Canonical("2015-07-01T05:29:60+05:30"), "2015-06-30T23:59:59Z");
  EXPECT_EQ(Canonical("2016-02-29T23:59:60Z"), "2016-02-29T23:59:59Z");
  EXPECT_EQ(Canonical("1969-12-31T23:59:60Z"), "1969-12-31T23:59:59Z");
  EXPECT_EQ(Canonical("0001-01-31T23:59:60Z"), "0001-01-31T23:59:59Z");
  for (const char* text : {"2015-06-30T23:58:60Z", "2015-06-30T22:59:60Z", "2015-06-29T23:59:60Z",
                           "2015-06-30T23:59:60+01:00", "2016-02-28T23:59:60Z",
                           "1969-12-30T23:59:60Z", "0001-01-30T23:59:60Z"}) {
    EXPECT_EQ(Read(text), std::nullopt) << text;
  }
}

TEST(Timestamp, CoversTheYears1To9999AndNoSecondMore) {
  EXPECT_EQ(Read("0001-01-01T00:00:00Z"), (Timestamp{kFirstSecond, 0}));
  EXPECT_EQ(Read("9999-12-31T23:59:59.999999999Z"), (Timestamp{kLastSecond, 999'999'999}));
  EXPECT_EQ(Read("9999-12-31T23:59:60Z"), (Timestamp{kLastSecond, 0}));
  EXPECT_EQ(Read("0000-12-31T23:59:59Z"), std::nullopt);
  EXPECT_EQ(Read("0000-12-31T23:00:00-02:00"), std::nullopt);  // no such year where it was written
  EXPECT_EQ(Read("0001-01-01T00:59:59+01:00"), std::nullopt);
  EXPECT_EQ(Read("9999-12-31T23:59:59-00:01"), std::nullopt);
  EXPECT_EQ(Read("0001-01-01T01:00:00+01:00"), (Timestamp{kFirstSecond, 0}));
  EXPECT_FALSE(IsTimestamp({kFirstSecond - 1, 0}));
  EXPECT_FALSE(IsTimestamp({kLastSecond + 1, 0}));
  EXPECT_FALSE(IsTimestamp({0, -1}));
  EXPECT_FALSE(IsTimestamp({0, 1'000'000'000}));
  EXPECT_EQ(Written({kLastSecond, 999'999'999}).size(), HF_TIMESTAMP_SIZE);
}

TEST(Timestamp, KnowsEveryDayOfTheCalendar) {
  using namespace std::chrono;
  const sys_days first = year{1} / January / 1, last = year{9999} / December / 31;
  for (sys_days day = first; day <= last; day += days{1}) {
    const year_month_day date(day);
    const std::int64_t noon = duration_cast<seconds>(day.time_since_epoch()).count() + 43'200;
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT12:00:00Z", int{date.year()},
                  unsigned{date.month()}, unsigned{date.day()});
    ASSERT_EQ(Read(text), (Timestamp{noon, 0})) << text;
    ASSERT_EQ(Written({noon, 0}), text);
  }
}

TEST(Timestamp, ReadingWhatWasWrittenGivesTheSame) {
  EXPECT_TRUE(rc::check([] {
    const int step = *rc::gen::element(1, 1000, 1000'000);  // nine, six or three digits
    const Timestamp time{*rc::gen::inRange<std::int64_t>(kFirstSecond, kLastSecond + 1),
                         *rc::gen::inRange(0, 1'000'000'000) / step * step};
    RC_ASSERT(Read(Written(time)) == time);
    RC_ASSERT(Canonical(Written(time)) == Written(time));
  }));
}

}  // namespace
}  // namespace holdfast::codec
