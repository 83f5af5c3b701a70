// SPDX-License-Identifier: Apache-2.0
// Pages as text: byte for byte, and read back by a strict reader.
#include <gtest/gtest.h>
#include <holdfast/metrics_text.h>

#include <limits>
#include <locale>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "unit/exposition_reader.h"

namespace holdfast {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr MetricFamily kLevel{"tank_level", MetricKind::kGauge, "How full."};
constexpr MetricFamily kFills{"tank_fills", MetricKind::kCounter, "How often filled."};
constexpr MetricFamily kAge{"tank_age_seconds", MetricKind::kGauge, "Since it was built."};
constexpr MetricFamily kOdd{"tank_odd", MetricKind::kGauge, "A \\ b\nand \"c\"."};

// A type of the user's own, that joins by a Collect beside it.
struct Tank {
  MetricValue level = 0;
  uint64_t fills = 0;
};
void Collect(ObjectMetrics& out, const Tank& tank) {
  out.Set(kLevel, tank.level);
  out.Set(kFills, tank.fills);
}

struct Aged {
  Duration age;
  std::vector<MetricLabel> labels;
};
void Collect(ObjectMetrics& out, const Aged& aged) { out.Set(kAge, aged.age, aged.labels); }

struct Odd {};
void Collect(ObjectMetrics& out, const Odd&) { out.Set(kOdd, 1); }

MetricsPage SmallPage() {
  MetricsPage page;
  page.Add("north", Tank{0.5, 3});
  page.Add("oldest", Aged{std::chrono::milliseconds(1500), {{"made", "x"}}});
  page.Add("south", Tank{-2, 0});
  return page;
}

TEST(MetricsText, WritesThePrometheusFormat) {
  EXPECT_EQ(MetricsText(SmallPage()), R"(# HELP holdfast_tank_level How full.
# TYPE holdfast_tank_level gauge
holdfast_tank_level{name="north"} 0.5
holdfast_tank_level{name="south"} -2
# HELP holdfast_tank_fills_total How often filled.
# TYPE holdfast_tank_fills_total counter
holdfast_tank_fills_total{name="north"} 3
holdfast_tank_fills_total{name="south"} 0
# HELP holdfast_tank_age_seconds Since it was built.
# TYPE holdfast_tank_age_seconds gauge
holdfast_tank_age_seconds{name="oldest",made="x"} 1.5
)");
}

TEST(MetricsText, WritesOpenMetrics) {
  EXPECT_EQ(MetricsText(SmallPage(), MetricsFormat::kOpenMetrics),
            R"(# HELP holdfast_tank_level How full.
# TYPE holdfast_tank_level gauge
holdfast_tank_level{name="north"} 0.5
holdfast_tank_level{name="south"} -2
# HELP holdfast_tank_fills How often filled.
# TYPE holdfast_tank_fills counter
holdfast_tank_fills_total{name="north"} 3
holdfast_tank_fills_total{name="south"} 0
# HELP holdfast_tank_age_seconds Since it was built.
# TYPE holdfast_tank_age_seconds gauge
# UNIT holdfast_tank_age_seconds seconds
holdfast_tank_age_seconds{name="oldest",made="x"} 1.5
# EOF
)");
}

struct Kiln {
  MetricHistogram burns;
};

void Collect(ObjectMetrics& out, const Kiln& kiln) {
  constexpr MetricFamily kBurns{"kiln_burn_seconds", MetricKind::kHistogram, "How long."};
  out.Set(kBurns, kiln.burns, {{"clay", "red"}});
}

TEST(MetricsText, WritesHistogramsWithAllBucketsSummedUp) {
  const Kiln kiln{{.bounds = {0.00025, 0.5, 10}, .counts = {1, 2, 0, 4}, .sum = 51.5}};
  for (const MetricsFormat format : {MetricsFormat::kPrometheus, MetricsFormat::kOpenMetrics}) {
    const bool open = format == MetricsFormat::kOpenMetrics;
    MetricsPage page;
    page.Add("a", kiln);
    ASSERT_TRUE(page.status().ok()) << page.status();
    const std::string text = MetricsText(page, format);
    EXPECT_EQ(text, std::string("# HELP holdfast_kiln_burn_seconds How long.\n"
                                "# TYPE holdfast_kiln_burn_seconds histogram\n") +
                        (open ? "# UNIT holdfast_kiln_burn_seconds seconds\n" : "") +
                        R"(holdfast_kiln_burn_seconds_bucket{name="a",clay="red",le="0.00025"} 1
holdfast_kiln_burn_seconds_bucket{name="a",clay="red",le="0.5"} 3
holdfast_kiln_burn_seconds_bucket{name="a",clay="red",le="10.0"} 3
holdfast_kiln_burn_seconds_bucket{name="a",clay="red",le="+Inf"} 7
holdfast_kiln_burn_seconds_sum{name="a",clay="red"} 51.5
holdfast_kiln_burn_seconds_count{name="a",clay="red"} 7
)" + (open ? "# EOF\n" : ""));
    exposition::Reader reader(open);
    EXPECT_EQ(reader.Read(text), "");
  }
}

TEST(MetricsText, AnEmptyPageIsStillAPage) {
  EXPECT_EQ(MetricsText(MetricsPage()), "");
  EXPECT_EQ(MetricsText(MetricsPage(), MetricsFormat::kOpenMetrics), "# EOF\n");
  EXPECT_EQ(ContentType(MetricsFormat::kPrometheus), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(ContentType(MetricsFormat::kOpenMetrics),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

TEST(MetricsText, EscapesLabelsAndNothingElse) {
  const struct {
    const char* name;
    const char* text;
  } rows[] = {
      {"plain", "plain"},
      {"a\\b", "a\\\\b"},
      {"say \"x\"", "say \\\"x\\\""},
      {"two\nlines", "two\\nlines"},
      {"\\n", "\\\\n"},
      {"\\", "\\\\"},
      {"\n", "\\n"},
      {"\"", "\\\""},
      {"\\\"\n", "\\\\\\\"\\n"},
      {"a,b={}#", "a,b={}#"},
      {"tab\t\r", "tab\t\r"},
      {"K\xc3\xb6ln \xf0\x9f\x9a\x80", "K\xc3\xb6ln \xf0\x9f\x9a\x80"},
      {" ", " "},
  };
  for (const auto& [name, text] : rows) {
    MetricsPage page;
    page.Add(name, Tank{});
    const std::string written = MetricsText(page);
    EXPECT_NE(written.find("holdfast_tank_level{name=\"" + std::string(text) + "\"} 0\n"),
              std::string::npos)
        << written;
    exposition::Reader reader(false);
    ASSERT_EQ(reader.Read(written), "");
    EXPECT_EQ(reader.families().at("holdfast_tank_level").series[0].labels[0].second, name);
  }
}

TEST(MetricsText, EscapesHelpAsEachFormatWants) {
  MetricsPage page;
  page.Add("x", Odd{});
  const std::string text = MetricsText(page);
  EXPECT_NE(text.find("holdfast_tank_odd A \\\\ b\\nand \"c\".\n"), std::string::npos) << text;
  const std::string open = MetricsText(page, MetricsFormat::kOpenMetrics);
  EXPECT_NE(open.find("holdfast_tank_odd A \\\\ b\\nand \\\"c\\\".\n"), std::string::npos) << open;
}

std::string Number(MetricValue value) {
  MetricsPage page;
  page.Add("x", Tank{value});
  const std::string text = MetricsText(page);
  const std::string before = "holdfast_tank_level{name=\"x\"} ";
  const size_t start = text.find(before) + before.size();
  return text.substr(start, text.find('\n', start) - start);
}

TEST(MetricsText, WritesNumbersExactly) {
  EXPECT_EQ(Number(0), "0");
  EXPECT_EQ(Number(true), "1");
  EXPECT_EQ(Number(false), "0");
  EXPECT_EQ(Number(-7), "-7");
  EXPECT_EQ(Number(UINT64_MAX), "18446744073709551615") << "not through a double";
  EXPECT_EQ(Number(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(Number(0.1), "0.1");
  EXPECT_EQ(Number(-0.0), "-0");
  EXPECT_EQ(Number(1e300), "1e+300");
  EXPECT_EQ(Number(5e-324), "5e-324");
  EXPECT_EQ(Number(-std::numeric_limits<double>::max()), "-1.7976931348623157e+308");
  EXPECT_EQ(Number(kInf), "+Inf");
  EXPECT_EQ(Number(-kInf), "-Inf");
  EXPECT_EQ(Number(kNan), "NaN");
  EXPECT_EQ(Number(-kNan), "NaN");
  EXPECT_EQ(Number(std::chrono::nanoseconds(1)), "1e-09");
  EXPECT_EQ(Number(std::chrono::minutes(1)), "60");
  EXPECT_EQ(Number(Duration::max()), "+Inf");
}

// A decimal comma and dots between thousands, for whatever looks at the locale.
struct Comma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(MetricsText, KnowsNoLocale) {
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
  EXPECT_EQ((std::ostringstream() << 1234.5).str(), "1.234,5") << "the locale is in force";
  EXPECT_EQ(Number(1234567.5), "1234567.5");
  EXPECT_EQ(Number(1234567), "1234567");
  std::locale::global(before);
}

TEST(MetricsText, ReadsBackAsItWasWritten) {
  MetricsPage page = MetricsPage::Create({.prefix = "shop", .labels = {{"zone", "a\"b"}}}).value();
  const std::vector<double> values = {0, 0.1, -3.5, 1e21, 5e-324, 12345678901234567.0, kInf, -kInf};
  for (size_t i = 0; i < values.size(); ++i)
    page.Add("tank " + std::to_string(i), Tank{values[i], i});
  page.Add("old\\", Aged{std::chrono::seconds(2), {{"made", ""}}});
  ASSERT_TRUE(page.status().ok()) << page.status();
  for (const MetricsFormat format : {MetricsFormat::kPrometheus, MetricsFormat::kOpenMetrics}) {
    const bool open = format == MetricsFormat::kOpenMetrics;
    exposition::Reader reader(open);
    ASSERT_EQ(reader.Read(MetricsText(page, format)), "");
    const auto& levels = reader.families().at("shop_tank_level");
    ASSERT_EQ(levels.series.size(), values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(levels.series[i].value, values[i]);
      const exposition::Labels wanted = {{"name", "tank " + std::to_string(i)}, {"zone", "a\"b"}};
      EXPECT_EQ(levels.series[i].labels, wanted);
    }
    const auto& fills = reader.families().at(open ? "shop_tank_fills" : "shop_tank_fills_total");
    EXPECT_EQ(fills.type, "counter");
    EXPECT_EQ(fills.series.back().value, 7);
    const auto& age = reader.families().at("shop_tank_age_seconds");
    EXPECT_EQ(age.unit, open ? "seconds" : "");
    const exposition::Labels labels = {{"name", "old\\"}, {"zone", "a\"b"}, {"made", ""}};
    EXPECT_EQ(age.series[0].labels, labels);
  }
}

// Names of bytes that are trouble somewhere: each is left out, or read back as it was.
TEST(MetricsText, ReadsBackAnyNameThatThePageTakes) {
  using namespace std::string_view_literals;  // NOLINT: with NUL
  constexpr std::string_view kBytes =
      "\0\n\r\t\"\\{}=,# an1\x7f\x80\xa0\xbf\xc2\xc3\xe0\xe2\xed\xf0\xf4\xff"sv;
  std::mt19937 random(20240229);
  int taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string name(random() % 6, ' ');
    for (char& c : name) c = kBytes[random() % kBytes.size()];
    MetricsPage page;
    page.Add(name, Tank{});
    ASSERT_EQ(page.status().ok(), !name.empty() && IsText(name)) << Quoted(name);
    if (!page.status().ok()) continue;
    ++taken;
    exposition::Reader reader(true);
    ASSERT_EQ(reader.Read(MetricsText(page, MetricsFormat::kOpenMetrics)), "") << Quoted(name);
    ASSERT_EQ(reader.families().at("holdfast_tank_level").series[0].labels[0].second, name);
  }
  EXPECT_GT(taken, 3'000) << "or it has shown little";
}

// The reader is what the tests above stand on, so it must be able to say no.
TEST(ExpositionReader, RefusesWhatAScraperMight) {
  const std::string family = "# HELP a_total x\n# TYPE a_total counter\n";
  const struct {
    std::string text;
    const char* wrong;
  } rows[] = {
      {family + "a_total 1", "no end"},
      {family + "a_total{b=\"c\"} 1\na_total{b=\"c\"} 2\n", "twice"},
      {family + "a_total{b=\"c\",b=\"d\"} 1\n", "twice"},
      {family + "a_total{b=\"c\\t\"} 1\n", "not end"},
      {family + "a_total{b=\"c\"}1\n", "blank"},
      {family + "a_total{1b=\"c\"} 1\n", "none"},
      {family + "a_total{b=\"c} 1\n", "not end"},
      {family + "a_total{b=\"c\" 1\n", "end"},
      {family + "a_total 1,5\n", "number"},
      {family + "a_total inf\n", "number"},
      {family + "a_total -1\n", "below 0"},
      {family + "a_total NaN\n", "below 0"},
      {family + "b_total 1\n", "another's"},
      {"a_total 1\n", "no type"},
      {"# TYPE a counter\na 1\n", "_total"},
      {"# TYPE a stateset\n", "type"},
      {family + "a_total 1\n# TYPE b gauge\nb 1\n# TYPE a_total counter\n", "two places"},
      {family + "# TYPE a_total counter\n", "twice"},
      {family + "a_total 1\n# HELP a_total x\n", "after"},
  };
  for (const auto& [text, wrong] : rows) {
    EXPECT_NE(exposition::Reader(false).Read(text).find(wrong), std::string::npos)
        << text << exposition::Reader(false).Read(text);
  }
  EXPECT_EQ(exposition::Reader(false).Read(family + "a_total 1\n"), "");
  EXPECT_EQ(exposition::Reader(true).Read("# TYPE a gauge\na 1\n"), "no # EOF");
  EXPECT_NE(exposition::Reader(true).Read("# EOF\n# EOF\n"), "");
}

}  // namespace
}  // namespace holdfast
