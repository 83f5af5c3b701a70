// SPDX-License-Identifier: Apache-2.0
// What a metrics page takes and what it leaves out, and why.
#include <gtest/gtest.h>
#include <holdfast/metrics_page.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
namespace {

using namespace std::string_view_literals;  // NOLINT: names with NUL

constexpr MetricFamily kGood{"good", MetricKind::kGauge, "Fine."};

// Says whatever a test wants.
struct Thing {
  std::vector<MetricFamily> families = {kGood};
  std::vector<MetricLabel> labels{};
  MetricValue value = 1;
};
void Collect(ObjectMetrics& out, const Thing& thing) {
  for (const MetricFamily& family : thing.families) out.Set(family, thing.value, thing.labels);
}

size_t SeriesOn(const MetricsPage& page) {
  size_t count = 0;
  for (const CollectedFamily& family : page.families()) count += family.series.size();
  return count;
}

// What the page says of a thing that it leaves out, beside one that is there already.
std::string WhyNot(std::string_view name, const Thing& thing) {
  MetricsPage page;
  page.Add("first", Thing{});
  page.Add(name, thing);
  EXPECT_EQ(page.left_out(), 1u);
  EXPECT_EQ(page.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(page.families().size(), 1u) << "left out as a whole";
  EXPECT_EQ(SeriesOn(page), 1u);
  page.Add("last", Thing{});
  EXPECT_EQ(SeriesOn(page), 2u) << "the others are not harmed";
  return std::string(page.status().message());
}

TEST(MetricsPage, LeavesOutHostileNamesAndNamesThem) {
  EXPECT_EQ(WhyNot("", {}), "object \"\" has no name");
  EXPECT_EQ(WhyNot("a\0b"sv, {}), "object \"a\\x00b\" has a name not in UTF-8");
  EXPECT_EQ(WhyNot("\xff", {}), "object \"\\xff\" has a name not in UTF-8");
  EXPECT_EQ(WhyNot("line\nbreak\x80", {}),
            "object \"line\\x0abreak\\x80\" has a name not in UTF-8");
  const std::string long_name(1000, 'x');
  EXPECT_EQ(WhyNot(long_name + "\xc0", {}),
            "object \"" + std::string(64, 'x') + "...\" has a name not in UTF-8");
}

TEST(MetricsPage, KnowsUtf8) {
  for (const std::string_view good :
       {""sv, "a"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv,
        "\xee\x80\x80"sv, "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv}) {
    EXPECT_TRUE(IsText(good)) << Quoted(good);
    EXPECT_TRUE(IsText("a" + std::string(good) + "b"));
  }
  for (const std::string_view bad :
       {"\0"sv, "\x80"sv, "\xbf"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2\x7f"sv,
        "\xe0\x9f\xbf"sv, "\xe1\x80"sv, "\xed\xa0\x80"sv, "\xe1\x80\xc0"sv, "\xf0\x8f\xbf\xbf"sv,
        "\xf4\x90\x80\x80"sv, "\xf1\x80\x80"sv, "\xf1\x80\x80\x7f"sv, "\xf1\x7f\x80\x80"sv,
        "\xf5\x80\x80\x80"sv, "\xff"sv, "\xfe"sv}) {
    EXPECT_FALSE(IsText(bad)) << Quoted(bad);
    EXPECT_FALSE(IsText("a" + std::string(bad) + "b")) << Quoted(bad);
  }
}

TEST(MetricsPage, LeavesOutWhatWouldBeThereTwice) {
  EXPECT_EQ(WhyNot("first", {}), "object \"first\" in \"good\": shows this twice");
  EXPECT_EQ(WhyNot("x", {.families = {kGood, kGood}}),
            "object \"x\" in \"good\": shows this twice");
  MetricsPage page;
  page.Add("first", Thing{});
  page.Add("first", Thing{.labels = {{"part", "b"}}});
  page.Add("firs", Thing{.labels = {{"t", ""}}});
  EXPECT_TRUE(page.status().ok()) << page.status();
}

TEST(MetricsPage, LeavesOutFamiliesThatAreNone) {
  const auto why = [](MetricFamily family, MetricValue value = 1) {
    return WhyNot("x", {.families = {kGood, family}, .value = value});
  };
  for (const std::string_view name : {""sv, "a-b"sv, "a b"sv, "a:b"sv, "a\nb"sv, "\xc3\xb6"sv,
                                      "7a"sv, "a_total"sv, "a_created"sv, "a_bucket"sv, "a{"sv}) {
    EXPECT_EQ(why({name, MetricKind::kGauge, "H."}),
              "object \"x\" in " + Quoted(name) + ": is not a name");
  }
  EXPECT_NE(why({"a", MetricKind::kGauge, "\xff"}).find("help"), std::string::npos);
  EXPECT_NE(why({"good", MetricKind::kCounter, "Fine."}).find("another"), std::string::npos);
  EXPECT_NE(why({"good", MetricKind::kGauge, "Other."}).find("another"), std::string::npos);
  EXPECT_NE(why({"a", MetricKind::kCounter, "H."}, -1).find("below"), std::string::npos);
  EXPECT_NE(why({"a", MetricKind::kCounter, "H."}, -0.5).find("below"), std::string::npos);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(why({"a", MetricKind::kCounter, "H."}, nan).find("below"), std::string::npos);
}

TEST(MetricsPage, LeavesOutLabelsThatAreNone) {
  for (const std::string_view label : {""sv, "a-b"sv, "__a"sv, "9"sv, "a\n"sv, "\xff"sv}) {
    EXPECT_EQ(WhyNot("x", {.labels = {{std::string(label), "v"}}}),
              "object \"x\" in \"good\": label " + Quoted(label) + " is not a name");
  }
  EXPECT_NE(WhyNot("x", {.labels = {{"a", "\xff"}}}).find("\"a\" has a value"), std::string::npos);
  EXPECT_NE(WhyNot("x", {.labels = {{"a", ""}, {"a", ""}}}).find("twice"), std::string::npos);
  EXPECT_NE(WhyNot("x", {.labels = {{"name", "y"}}}).find("\"name\" comes twice"),
            std::string::npos);
}

TEST(MetricsPage, RefusesItsOwnOptionsByName) {
  const auto refused = [](MetricsPageOptions options) {
    const absl::Status status = MetricsPage::Create(std::move(options)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(refused({.prefix = ""}), "prefix \"\" is not a name");
  EXPECT_EQ(refused({.prefix = "a b"}), "prefix \"a b\" is not a name");
  EXPECT_EQ(refused({.labels = {{"9", "x"}}}), "label \"9\" is not a name");
  EXPECT_EQ(refused({.labels = {{"name", "x"}}}), "label \"name\" comes twice");
  EXPECT_EQ(refused({.labels = {{"a", "\xc3"}}}), "label \"a\" has a value not in UTF-8");
  EXPECT_TRUE(MetricsPage::Create({.prefix = "_1", .labels = {{"zone", ""}}}).ok());
  MetricsPage page = MetricsPage::Create({.labels = {{"zone", "a"}}}).value();
  page.Add("x", Thing{.labels = {{"zone", "b"}}});
  EXPECT_NE(std::string(page.status().message()).find("\"zone\" comes twice"), std::string::npos);
}

TEST(MetricsPage, LeavesOutWhatIsNoHistogram) {
  const auto why = [](MetricValue value, MetricKind kind, std::string label) {
    return WhyNot("x", {.families = {{"a", kind, "H."}}, .labels = {{label, "b"}}, .value = value});
  };
  const MetricHistogram sound{.bounds = {1, 2}, .counts = {0, 0, 0}};
  MetricsPage page;
  page.Add("x", Thing{.families = {{"a", MetricKind::kHistogram, "H."}}, .value = sound});
  EXPECT_TRUE(page.status().ok()) << page.status();
  EXPECT_NE(why(sound, MetricKind::kHistogram, "le").find("buckets"), std::string::npos);
  EXPECT_NE(why(sound, MetricKind::kGauge, "l").find("another kind"), std::string::npos);
  EXPECT_NE(why(1, MetricKind::kHistogram, "l").find("another kind"), std::string::npos);
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  for (const MetricHistogram& bad :
       {MetricHistogram{}, MetricHistogram{.bounds = {1}, .counts = {1}},
        MetricHistogram{.bounds = {2, 1}, .counts = {0, 0, 0}},
        MetricHistogram{.bounds = {1, 1}, .counts = {0, 0, 0}},
        MetricHistogram{.bounds = {kNan}, .counts = {0, 0}},
        MetricHistogram{.bounds = {kInf}, .counts = {0, 0}},
        MetricHistogram{.bounds = {1}, .counts = {0, 0}, .sum = kNan}}) {
    EXPECT_NE(why(bad, MetricKind::kHistogram, "l").find("no histogram"), std::string::npos);
  }
}

TEST(MetricsPage, AnObjectThatWasLeftOutHoldsNoPlace) {
  constexpr MetricFamily kNew{"new", MetricKind::kGauge, "New."};
  constexpr MetricFamily kOther{"new", MetricKind::kCounter, "The name, for something else."};
  constexpr MetricFamily kBad{"a b", MetricKind::kGauge, "None."};
  MetricsPage page;
  page.Add("x", Thing{.families = {kNew, kGood, kBad}});
  ASSERT_EQ(page.left_out(), 1u);
  EXPECT_TRUE(page.families().empty());
  page.Add("x", Thing{.families = {kGood, kOther}});
  EXPECT_EQ(page.left_out(), 1u) << "neither the series nor the family is taken";
  ASSERT_EQ(page.families().size(), 2u);
  EXPECT_EQ(page.families()[1].kind, MetricKind::kCounter);
  EXPECT_EQ(SeriesOn(page), 2u);
}

TEST(MetricsPage, KeepsTheFirstReasonAndCountsTheRest) {
  MetricsPage page;
  for (int i = 0; i < 3; ++i) page.Add("", Thing{});
  page.Add("\xff", Thing{});
  EXPECT_EQ(page.left_out(), 4u);
  EXPECT_EQ(page.status().message(), "object \"\" has no name");
  EXPECT_TRUE(page.families().empty());
}

struct Thrower {};
void Collect(ObjectMetrics& out, const Thrower&) {
  out.Set(kGood, 1);
  throw std::runtime_error("gone");
}

TEST(MetricsPage, StaysAsItWasIfACollectThrows) {
  MetricsPage page;
  page.Add("a", Thing{});
  EXPECT_THROW(page.Add("b", Thrower{}), std::runtime_error);
  EXPECT_EQ(SeriesOn(page), 1u);
  page.Add("b", Thing{});
  EXPECT_TRUE(page.status().ok());
}

}  // namespace
}  // namespace holdfast
