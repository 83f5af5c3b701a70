// SPDX-License-Identifier: Apache-2.0
// metrics::Collectable: a metrics page inside a prometheus-cpp exposer, for services that have one.
//
//   auto holdfast_page = std::make_shared<holdfast::metrics::Collectable>([&](MetricsPage& page) {
//     page.Add("payments", breaker, Clock::Steady().Now());
//   });
//   exposer.RegisterCollectable(holdfast_page);   // keeps a weak pointer
//
// The families are those of metrics_families.h, and the function that fills the page can serve
// MetricsText just as well: there is one source. prometheus-cpp carries doubles, so that a counter above
// 2^53 loses its last digits here, and not in MetricsText.
#ifndef HOLDFAST_METRICS_PROMETHEUS_H_
#define HOLDFAST_METRICS_PROMETHEUS_H_

#include <holdfast/metrics_page.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <vector>

namespace holdfast::inline v0_5::metrics {

class Collectable final : public ::prometheus::Collectable {
 public:
  // Puts onto an empty page what is to be seen. Runs once per scrape, on the scraper's thread and maybe
  // on several at once; whatever it uses must live as long as this object. A handle's copy is enough.
  // What the page left out is not seen; page.status() tells, at the end of the function.
  using Fill = std::function<void(MetricsPage& page)>;

  // `empty` has the prefix and labels: MetricsPage::Create. `fill` must not be empty.
  explicit Collectable(Fill fill, MetricsPage empty = MetricsPage());

  // An exception of `fill` passes through.
  std::vector<::prometheus::MetricFamily> Collect() const override;

 private:
  const Fill fill_;
  const MetricsPage empty_;
};

}  // namespace holdfast::inline v0_5::metrics

#endif  // HOLDFAST_METRICS_PROMETHEUS_H_
