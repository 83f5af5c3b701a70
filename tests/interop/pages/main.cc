// SPDX-License-Identifier: Apache-2.0
// Prints one page with everything that is hard to read, for readers that others wrote:
//   pages prometheus|openmetrics
#include <holdfast/metrics.h>

#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>

namespace {

using holdfast::MetricFamily;
using holdfast::MetricKind;

constexpr MetricFamily kNumber{"number", MetricKind::kGauge,
                               "Help with \\, \"quotes\"\nand a break."};
constexpr MetricFamily kCount{"count", MetricKind::kCounter, "A counter."};
constexpr MetricFamily kAge{"age_seconds", MetricKind::kGauge, "A unit."};

constexpr MetricFamily kTook{"took_seconds", MetricKind::kHistogram, "How long."};

struct Hard {
  double number;
  uint64_t count;
};
void Collect(holdfast::ObjectMetrics& out, const Hard& hard) {
  out.Set(kNumber, hard.number, {{"other", "a,b={}#"}});
  out.Set(kCount, hard.count);
  out.Set(kAge, std::chrono::milliseconds(1500));
  out.Set(kTook,
          holdfast::MetricHistogram{
              .bounds = {0.0001, 0.5, 1, 1e6}, .counts = {1, 0, 2, 0, 3}, .sum = 3e7},
          {{"of", "it"}});
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view format = argc == 2 ? argv[1] : "";
  if (format != "prometheus" && format != "openmetrics") return 2;
  constexpr double kInf = std::numeric_limits<double>::infinity();
  holdfast::MetricsPage page =
      holdfast::MetricsPage::Create({.prefix = "hard", .labels = {{"zone", "K\xc3\xb6ln"}}})
          .value();
  page.Add("plain", Hard{0.1, 1});
  page.Add("say \"x\"", Hard{-1e300, 0});
  page.Add("back\\slash", Hard{5e-324, uint64_t{1} << 53});
  page.Add("two\nlines", Hard{kInf, 3});
  page.Add("\\n", Hard{-kInf, 4});
  page.Add("tab\t, cr\r and rocket \xf0\x9f\x9a\x80",
           Hard{std::numeric_limits<double>::quiet_NaN(), 5});
  page.Add("breaker", holdfast::CircuitBreaker::Create().value(), hf_time{1});
  page.Add("bulkhead", holdfast::Bulkhead::Create().value());
  page.Add("budget", holdfast::RetryBudget::Create().value());
  page.Add("journal", holdfast::Journal::Create().value());
  if (!page.status().ok()) return 1;
  const std::string text =
      MetricsText(page, format == "openmetrics" ? holdfast::MetricsFormat::kOpenMetrics
                                                : holdfast::MetricsFormat::kPrometheus);
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
