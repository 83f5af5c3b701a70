// SPDX-License-Identifier: Apache-2.0
//
// Deprecation and Sunset: the vectors of RFC 9110, 9745 and 8594, what drafts and peers sent, and contradictions.
#include <gtest/gtest.h>
#include <holdfast/deprecation.h>
#include <rapidcheck.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast {
namespace {

constexpr std::int64_t kFirst = -62135596800;  // 0001-01-01T00:00:00Z
constexpr std::int64_t kLast = 253402300799;   // 9999-12-31T23:59:59Z
constexpr std::int64_t kNone = 77;

DeprecationTime At(std::int64_t seconds) { return DeprecationTime(std::chrono::seconds(seconds)); }

std::int64_t Sunset(std::string_view value) {
  std::int64_t seconds = kNone;
  hf_sunset_parse(value.data(), value.size(), &seconds);
  return seconds;
}

std::int64_t Deprecated(std::string_view value) {
  std::int64_t seconds = kNone;
  hf_deprecation_parse(value.data(), value.size(), &seconds);
  return seconds;
}

std::string SunsetText(std::int64_t seconds) {
  char out[HF_SUNSET_SIZE];
  return hf_sunset_format(seconds, out) == HF_OK ? std::string(out, sizeof out) : "error";
}

std::string DeprecationText(std::int64_t seconds) {
  char out[HF_DEPRECATION_SIZE];
  std::size_t size = 0;
  return hf_deprecation_format(seconds, out, &size) == HF_OK ? std::string(out, size) : "error";
}

using Headers = std::vector<std::pair<std::string, std::string>>;

Headers Written(const Deprecation& deprecation) {
  Headers headers;
  const absl::Status status = WriteDeprecation(
      deprecation,
      [&](std::string_view name, std::string_view value) { headers.emplace_back(name, value); });
  if (!status.ok()) headers.emplace_back("error", status.message());
  return headers;
}

DeprecationReading Read(const Headers& headers) {
  std::vector<hf_header> raw;
  for (const auto& [name, value] : headers) raw.push_back({Borrow(name), Borrow(value)});
  return ReadDeprecation(raw);
}

TEST(Sunset, ReadsTheThreeFormsOfAnHttpDate) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994",
                           " sun, 06 nov 1994 08:49:37 gmt\t"}) {
    EXPECT_EQ(Sunset(text), 784111777) << text;
  }
  EXPECT_EQ(Sunset("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(Sunset("Wed, 11 Nov 2026 23:59:59 GMT"), 1794441599);
}

TEST(Sunset, DoesNotCompareTheWeekday) {
  // RFC 8594's own example: it was a Monday.
  EXPECT_EQ(Sunset("Sat, 31 Dec 2018 23:59:59 GMT"), 1546300799);
  EXPECT_EQ(SunsetText(1546300799), "Mon, 31 Dec 2018 23:59:59 GMT");
}

TEST(Sunset, TakesTwoDigitsForAYearFrom1970To2069) {
  EXPECT_EQ(SunsetText(Sunset("Friday, 01-Jan-70 00:00:00 GMT")), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(SunsetText(Sunset("Friday, 31-Dec-99 00:00:00 GMT")), "Fri, 31 Dec 1999 00:00:00 GMT");
  EXPECT_EQ(SunsetText(Sunset("Friday, 01-Jan-00 00:00:00 GMT")), "Sat, 01 Jan 2000 00:00:00 GMT");
  EXPECT_EQ(SunsetText(Sunset("Friday, 31-Dec-69 00:00:00 GMT")), "Tue, 31 Dec 2069 00:00:00 GMT");
}

TEST(Sunset, KnowsTheCalendar) {
  EXPECT_NE(Sunset("Thu, 29 Feb 2024 00:00:00 GMT"), kNone);
  EXPECT_NE(Sunset("Thu, 29 Feb 2000 00:00:00 GMT"), kNone);
  for (const char* text : {"Thu, 29 Feb 2023 00:00:00 GMT", "Thu, 29 Feb 1900 00:00:00 GMT",
                           "Thu, 31 Apr 2024 00:00:00 GMT", "Thu, 00 Jan 2024 00:00:00 GMT",
                           "Thu, 01 Jan 2024 24:00:00 GMT", "Thu, 01 Jan 2024 00:60:00 GMT",
                           "Thu, 01 Jan 0000 00:00:00 GMT"}) {
    EXPECT_EQ(Sunset(text), kNone) << text;
  }
}

TEST(Sunset, RefusesAnythingElse) {
  for (const char* text : {"",
                           " ",
                           "Sun",
                           "Sun,",
                           "06 Nov 1994 08:49:37 GMT",
                           "Xyz, 06 Nov 1994 08:49:37 GMT",
                           "Su, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 94 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 +0100",
                           "Sun, 06 Foo 1994 08:49:37 GMT",
                           "Sun, 06-Nov-1994 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun Nov  6 08:49:37 1994 GMT",
                           "Sun Foo  6 08:49:37 1994",
                           "1994-11-06T08:49:37Z",
                           "784111777",
                           "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08.49:37 GMT"}) {
    EXPECT_EQ(Sunset(text), kNone) << text;
  }
}

TEST(Sunset, IsWrittenFromTheYear1To9999) {
  EXPECT_EQ(SunsetText(kFirst), "Mon, 01 Jan 0001 00:00:00 GMT");
  EXPECT_EQ(SunsetText(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(SunsetText(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(SunsetText(1672531199), "Sat, 31 Dec 2022 23:59:59 GMT");
  EXPECT_EQ(SunsetText(kLast), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(SunsetText(kFirst - 1), "error");
  EXPECT_EQ(SunsetText(kLast + 1), "error");
  EXPECT_EQ(SunsetText(INT64_MIN), "error");
}

TEST(DeprecationHeader, IsADateOfStructuredFields) {
  EXPECT_EQ(Deprecated("@1688169599"), 1688169599);
  EXPECT_EQ(Deprecated(" @0 "), 0);
  EXPECT_EQ(Deprecated("@-1"), -1);
  EXPECT_EQ(Deprecated("@1688169599;a=1;b"), 1688169599);
  EXPECT_EQ(Deprecated("@000000000000007"), 7);
  EXPECT_EQ(DeprecationText(1688169599), "@1688169599");
  EXPECT_EQ(DeprecationText(kFirst), "@-62135596800");
  EXPECT_EQ(DeprecationText(kLast), "@253402300799");
  EXPECT_EQ(DeprecationText(kLast + 1), "error");
}

TEST(DeprecationHeader, ReadsWhatDraftsHad) {
  EXPECT_EQ(Deprecated("true"), INT64_MIN);
  EXPECT_EQ(Deprecated("True"), INT64_MIN);
  EXPECT_EQ(Deprecated("?1"), INT64_MIN);
  EXPECT_EQ(Deprecated("Sun, 11 Nov 2018 23:59:59 GMT"), 1541980799);
}

TEST(DeprecationHeader, RefusesAnythingElse) {
  for (const char* text :
       {"", "@", "@-", "@+1", "@1.0", "@1 2", "1688169599", "@0000000000000001", "?0", "false",
        "@253402300800", "@-62135596801", "@x", "truely", ";@1", "@--1"}) {
    EXPECT_EQ(Deprecated(text), kNone) << text;
  }
}

TEST(DeprecationHeader, RefusesNull) {
  std::int64_t seconds = 0;
  std::size_t size = 0;
  char out[HF_SUNSET_SIZE];
  EXPECT_EQ(hf_deprecation_parse(nullptr, 0, &seconds), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_deprecation_parse("@1", 2, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_sunset_parse(nullptr, 0, &seconds), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_sunset_parse("", 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_deprecation_format(0, nullptr, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_deprecation_format(0, out, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_sunset_format(0, nullptr), HF_INVALID_ARGUMENT);
}

TEST(DeprecationHeaders, AreWrittenFromOneDeclaration) {
  EXPECT_EQ(Written({.from = At(1688169599),
                     .sunset = At(1719791999),
                     .migration = "https://acme.example/v2"}),
            (Headers{{"deprecation", "@1688169599"},
                     {"sunset", "Sun, 30 Jun 2024 23:59:59 GMT"},
                     {"link", "<https://acme.example/v2>; rel=\"deprecation\""},
                     {"link", "<https://acme.example/v2>; rel=\"sunset\""}}));
  EXPECT_EQ(Written({.from = Deprecation::kEver}), (Headers{{"deprecation", "@0"}}));
  EXPECT_EQ(
      Written({.sunset = At(0), .migration = "urn:a"}),
      (Headers{{"sunset", "Thu, 01 Jan 1970 00:00:00 GMT"}, {"link", "<urn:a>; rel=\"sunset\""}}));
  EXPECT_EQ(Written({.migration = "urn:a"}), (Headers{{"link", "<urn:a>; rel=\"deprecation\""}}));
  EXPECT_EQ(Written({}), Headers{});
}

TEST(DeprecationHeaders, AreNotWrittenAtAllIfOneIsWrong) {
  EXPECT_EQ(Written({.from = At(10), .sunset = At(9)}),
            (Headers{{"error", "sunset: is earlier than from"}}));
  EXPECT_EQ(Written({.from = At(10), .sunset = At(10)}).size(), 2u);
  EXPECT_EQ(Written({.from = At(kLast + 1)}),
            (Headers{{"error", "from: is outside the years 1..9999"}}));
  EXPECT_EQ(Written({.from = At(1), .sunset = At(kLast + 1)}),
            (Headers{{"error", "sunset: is outside the years 1..9999"}}));
  for (const char* uri :
       {"a b", "https://a/>; rel=x", "/relative", "https://a\r\nset-cookie: x", "https://a/#b"}) {
    EXPECT_EQ(Written({.from = At(1), .migration = uri}),
              (Headers{{"error", "migration: is no absolute URI (RFC 3986, 4.3)"}}));
  }
}

TEST(DeprecationHeaders, AreReadInAnyCase) {
  const Headers headers = {{"Deprecation", "true"},
                           {"SUNSET", "Sat, 31 Dec 2018 23:59:59 GMT"},
                           {"Link",
                            "<https://a/>; rel=next, <https://b/>; title=\"x, <y>; "
                            "rel=\\\"deprecation\\\"\"; REL=\"x Sunset\""}};
  const DeprecationReading read = Read(headers);
  EXPECT_EQ(read.passed_over, 0u);
  EXPECT_EQ(read.deprecation.from, Deprecation::kEver);
  EXPECT_EQ(read.deprecation.sunset, At(1546300799));
  EXPECT_EQ(read.deprecation.migration, "https://b/");
  EXPECT_EQ(Read({}).deprecation, Deprecation{});
}

TEST(DeprecationHeaders, PreferTheLinkOfTheDeprecation) {
  const Headers headers = {{"link", "<urn:s>; rel=sunset"},
                           {"link", "<urn:x>,< urn:d > ; rel = deprecation"}};
  EXPECT_EQ(Read(headers).deprecation.migration, "urn:d");
  for (const char* link : {"", "<", "<a", "a>", "<a>", "<a>; rel", "<a>; rel=", "<a>; rel=\"",
                           "<a>; rel=\"deprecation", "<a>; rev=deprecation",
                           "<a>; rel=deprecations", "<a>;;;", "<a>; rel=\"\"", "<a>; x=\"\\"}) {
    EXPECT_EQ(Read({{"link", link}}).deprecation.migration, "") << link;
  }
}

TEST(DeprecationHeaders, PassOverWhatCannotBeBelieved) {
  DeprecationReading read = Read({{"deprecation", "soon"}, {"sunset", "never"}});
  EXPECT_EQ(read.passed_over, 2u);
  EXPECT_EQ(read.deprecation, Deprecation{});
  read = Read({{"deprecation", "@1"}, {"sunset", "Thu, 01 Jan 1970 00:00:00 GMT"}});
  EXPECT_EQ(read.passed_over, 1u);
  EXPECT_FALSE(read.deprecation.from);
  EXPECT_EQ(read.deprecation.sunset, At(0));
  for (int count = 2; count <= 3; ++count) {
    read = Read(Headers(static_cast<std::size_t>(count), {"deprecation", "@1"}));
    EXPECT_EQ(read.passed_over, static_cast<std::uint32_t>(count));
    EXPECT_FALSE(read.deprecation.from);
  }
}

TEST(DeprecationHeaders, ReadAsTheyWereWritten) {
  EXPECT_TRUE(rc::check([] {
    const auto seconds = rc::gen::oneOf(rc::gen::inRange<std::int64_t>(kFirst, kLast + 1),
                                        rc::gen::inRange<std::int64_t>(0, 4'000'000'000));
    auto from = *seconds, sunset = *seconds;
    if (sunset < from) std::swap(from, sunset);
    Deprecation deprecation;
    if (*rc::gen::arbitrary<bool>()) deprecation.from = At(from);
    if (*rc::gen::arbitrary<bool>()) deprecation.sunset = At(sunset);
    if (*rc::gen::arbitrary<bool>()) deprecation.migration = "https://acme.example/v2?a=b,c;d";
    const Headers headers = Written(deprecation);
    RC_ASSERT(Read(headers).deprecation == deprecation);
    RC_ASSERT(Read(headers).passed_over == 0u);
  }));
}

}  // namespace
}  // namespace holdfast
