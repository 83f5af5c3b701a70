// SPDX-License-Identifier: Apache-2.0
// Half a minute of a dependency's outage, in virtual time, as a scraper would see it at its end:
//   metrics_page [openmetrics]
#include <holdfast/holdfast.h>
#include <holdfast/testing/virtual_clock.h>

#include <iostream>
#include <string_view>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  const bool open = argc > 1 && std::string_view(argv[1]) == "openmetrics";
  const auto breaker = holdfast::CircuitBreaker::Create({.minimum_calls = 10, .open_for = 4s});
  const auto bulkhead = holdfast::Bulkhead::Create({.limit = 8});
  const auto budget = holdfast::RetryBudget::Create({.max_tokens = 20});
  const auto retry = holdfast::RetryPolicy::Create({.max_attempts = 3});
  if (!breaker.ok() || !bulkhead.ok() || !budget.ok() || !retry.ok()) return 1;
  const auto pipeline = holdfast::Pipeline::Create(
      {.retry = *retry, .budget = *budget, .breaker = *breaker, .bulkhead = *bulkhead});
  if (!pipeline.ok()) return 1;

  holdfast::testing::VirtualClock clock;
  bool down = false;
  clock.After(10s, [&] { down = true; });
  while (clock.elapsed() < 30s) {
    (void)holdfast::Call(*pipeline, {.timeout = 1s, .idempotent = true, .clock = &clock}, [&] {
      clock.Advance(20ms);
      return down ? absl::UnavailableError("connection refused") : absl::OkStatus();
    });
    clock.Advance(100ms);
  }

  // What an HTTP handler of yours would do for each scrape.
  holdfast::MetricsPage page;
  page.Add("payments", *breaker, clock.Now());
  page.Add("payments", *bulkhead);
  page.Add("payments", *budget);
  if (!page.status().ok()) std::cerr << page.status() << '\n';
  const auto format =
      open ? holdfast::MetricsFormat::kOpenMetrics : holdfast::MetricsFormat::kPrometheus;
  std::cout << MetricsText(page, format);
}
