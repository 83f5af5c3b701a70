// SPDX-License-Identifier: Apache-2.0
// A page in prometheus-cpp's words. Names, labels and helps have been checked by the page.
#include <holdfast/metrics/prometheus.h>
#include <holdfast/metrics_text.h>

#include <limits>
#include <utility>

namespace holdfast::inline v0_5::metrics {
namespace {

::prometheus::MetricType TypeOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return ::prometheus::MetricType::Counter;
    case MetricKind::kHistogram:
      return ::prometheus::MetricType::Histogram;
    default:
      return ::prometheus::MetricType::Gauge;
  }
}

::prometheus::ClientMetric::Histogram HistogramOf(const MetricHistogram& seen) {
  ::prometheus::ClientMetric::Histogram histogram;
  for (size_t i = 0; i < seen.counts.size(); ++i) {
    histogram.sample_count += seen.counts[i];
    const double bound =
        i < seen.bounds.size() ? seen.bounds[i] : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({histogram.sample_count, bound});
  }
  histogram.sample_sum = seen.sum;
  return histogram;
}

::prometheus::ClientMetric MetricOf(const MetricSeries& series, MetricKind kind) {
  ::prometheus::ClientMetric metric;
  metric.label.reserve(series.labels.size());
  for (const auto& [name, value] : series.labels) metric.label.push_back({name, value});
  if (const MetricHistogram* histogram = series.value.histogram()) {
    metric.histogram = HistogramOf(*histogram);
  } else if (kind == MetricKind::kCounter) {
    metric.counter.value = series.value.real();
  } else {
    metric.gauge.value = series.value.real();
  }
  return metric;
}

}  // namespace

Collectable::Collectable(Fill fill, MetricsPage empty)
    : fill_(std::move(fill)), empty_(std::move(empty)) {}

std::vector<::prometheus::MetricFamily> Collectable::Collect() const {
  MetricsPage page = empty_;
  fill_(page);
  std::vector<::prometheus::MetricFamily> collected;
  collected.reserve(page.families().size());
  for (const CollectedFamily& family : page.families()) {
    ::prometheus::MetricFamily& target = collected.emplace_back();
    target.name = family.sample_name();
    // prometheus-cpp 1.0.1 writes a help as it is; a newline in it would cost the whole scrape.
    internal::AppendEscaped(target.help, family.help, /*quotes=*/false);
    target.type = TypeOf(family.kind);
    target.metric.reserve(family.series.size());
    for (const MetricSeries& series : family.series) {
      target.metric.push_back(MetricOf(series, family.kind));
    }
  }
  return collected;
}

}  // namespace holdfast::inline v0_5::metrics
