// SPDX-License-Identifier: Apache-2.0
// The same page through prometheus-cpp, beside its own metrics, and through our own text.
#include <gtest/gtest.h>
#include <holdfast/metrics.h>
#include <holdfast/metrics/prometheus.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "unit/exposition_reader.h"

namespace holdfast {
namespace {

constexpr MetricFamily kNumber{"number", MetricKind::kGauge, "Help with \\ and\na break."};
constexpr MetricFamily kCount{"count", MetricKind::kCounter, "A counter."};

struct Hard {
  double number;
  uint64_t count;
};
void Collect(ObjectMetrics& out, const Hard& hard) {
  out.Set(kNumber, hard.number);
  out.Set(kCount, hard.count);
}

struct Shop {
  CircuitBreaker breaker = CircuitBreaker::Create().value();
  Bulkhead bulkhead = Bulkhead::Create({.limit = 7}).value();
  RetryBudget budget = RetryBudget::Create().value();

  void Fill(MetricsPage& page) const {
    page.Add("payments", breaker, hf_time{HF_S});
    page.Add("payments", bulkhead);
    page.Add("a \"quoted\"\\ na\nme", budget);
    page.Add("hard", Hard{-0.125, uint64_t{1} << 53});
    page.Add("endless", Hard{INFINITY, 1});
  }
};

TEST(PrometheusCollectable, SaysWhatOurTextSays) {
  const Shop shop;
  EXPECT_TRUE(shop.breaker.Force(BreakerState::kForcedOpen, HF_S).ok());
  EXPECT_FALSE(shop.breaker.TryAcquire(HF_S).ok());
  const MetricsPage empty =
      MetricsPage::Create({.prefix = "shop", .labels = {{"zone", "K\xc3\xb6ln"}}}).value();
  const metrics::Collectable collectable([&](MetricsPage& page) { shop.Fill(page); }, empty);
  const std::string theirs = prometheus::TextSerializer().Serialize(collectable.Collect());
  MetricsPage page = empty;
  shop.Fill(page);
  ASSERT_TRUE(page.status().ok()) << page.status();

  exposition::Reader our_reader(false), their_reader(false);
  ASSERT_EQ(our_reader.Read(MetricsText(page)), "");
  ASSERT_EQ(their_reader.Read(theirs), "") << theirs;
  ASSERT_EQ(their_reader.families().size(), our_reader.families().size());
  for (const auto& [name, ours] : our_reader.families()) {
    ASSERT_EQ(their_reader.families().count(name), 1u) << name;
    const exposition::Family& other = their_reader.families().at(name);
    EXPECT_EQ(other.type, ours.type) << name;
    EXPECT_EQ(other.help, ours.help) << name;
    ASSERT_EQ(other.series.size(), ours.series.size()) << name;
    for (size_t i = 0; i < ours.series.size(); ++i) {
      EXPECT_EQ(other.series[i].labels, ours.series[i].labels) << name;
      EXPECT_EQ(other.series[i].value, ours.series[i].value) << name;
    }
  }
  EXPECT_EQ(our_reader.families().at("shop_breaker_refused_total").series[0].value, 1);
}

struct Kiln {};
void Collect(ObjectMetrics& out, const Kiln&) {
  constexpr MetricFamily kTook{"took_seconds", MetricKind::kHistogram, "How long."};
  out.Set(kTook, MetricHistogram{.bounds = {0.5, 2.5}, .counts = {1, 0, 3}, .sum = 7.25});
}

TEST(PrometheusCollectable, HistogramsAreTheirsToo) {
  const metrics::Collectable collectable([](MetricsPage& page) { page.Add("a", Kiln{}); });
  const std::vector<prometheus::MetricFamily> families = collectable.Collect();
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].type, prometheus::MetricType::Histogram);
  const auto& histogram = families[0].metric.at(0).histogram;
  EXPECT_EQ(histogram.sample_count, 4u);
  EXPECT_EQ(histogram.sample_sum, 7.25);
  ASSERT_EQ(histogram.bucket.size(), 3u);
  EXPECT_EQ(histogram.bucket[1].cumulative_count, 1u);
  EXPECT_EQ(histogram.bucket[1].upper_bound, 2.5);
  EXPECT_EQ(histogram.bucket[2].upper_bound, INFINITY);
  const std::string text = prometheus::TextSerializer().Serialize(families);
  EXPECT_NE(text.find("took_seconds_bucket{name=\"a\",le=\"+Inf\"} 4"), std::string::npos) << text;
}

TEST(PrometheusCollectable, CollectsAnewForEachScrapeBesideARegistry) {
  const Shop shop;
  const metrics::Collectable ours([&](MetricsPage& page) { shop.Fill(page); });
  prometheus::Registry registry;
  prometheus::BuildCounter().Name("orders_total").Help("H.").Register(registry).Add({}).Increment();
  // As an exposer does: what all its collectables collect, one after the other.
  const auto scrape = [&] {
    const std::vector<const prometheus::Collectable*> all = {&registry, &ours};
    std::vector<prometheus::MetricFamily> families;
    for (const prometheus::Collectable* one : all) {
      for (prometheus::MetricFamily& family : one->Collect()) families.push_back(std::move(family));
    }
    exposition::Reader reader(false);
    EXPECT_EQ(reader.Read(prometheus::TextSerializer().Serialize(families)), "");
    return reader.families();
  };
  EXPECT_EQ(scrape().at("orders_total").series[0].value, 1);
  EXPECT_EQ(scrape().at("holdfast_bulkhead_in_flight").series[0].value, 0);
  const auto permit = shop.bulkhead.TryAcquire();
  EXPECT_EQ(scrape().at("holdfast_bulkhead_in_flight").series[0].value, 1);
  EXPECT_EQ(scrape().at("holdfast_bulkhead_limit").series[0].value, 7);
}

TEST(PrometheusCollectable, LeavesOutWhatThePageLeavesOutAndLetsItBeKnown) {
  absl::Status told;
  const metrics::Collectable ours([&](MetricsPage& page) {
    page.Add("\xff", Hard{1, 1});
    page.Add("fine", Hard{2, 2});
    told = page.status();
  });
  const auto families = ours.Collect();
  ASSERT_EQ(families.size(), 2u);
  EXPECT_EQ(families[0].metric.size(), 1u);
  EXPECT_EQ(told.code(), absl::StatusCode::kInvalidArgument);
}

TEST(PrometheusCollectable, LetsAnExceptionThrough) {
  const metrics::Collectable ours([](MetricsPage&) { throw std::runtime_error("gone"); });
  EXPECT_THROW(ours.Collect(), std::runtime_error);
}

}  // namespace
}  // namespace holdfast
