// SPDX-License-Identifier: Apache-2.0
// The prometheus-cpp adapter from the installed package: the page as prometheus-cpp writes it.
#include <holdfast/metrics.h>
#include <holdfast/metrics/prometheus.h>
#include <prometheus/text_serializer.h>

#include <cstdio>
#include <string>

int main() {
  const auto slots = holdfast::Bulkhead::Create({.limit = 7});
  if (!slots.ok()) return 1;
  const holdfast::metrics::Collectable page(
      [&](holdfast::MetricsPage& page) { page.Add("orders", *slots); });
  const std::string text = prometheus::TextSerializer().Serialize(page.Collect());
  std::printf("%s", text.c_str());
  return text.find("holdfast_bulkhead_limit{name=\"orders\"} 7") != text.npos ? 0 : 1;
}
