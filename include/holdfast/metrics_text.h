// SPDX-License-Identifier: Apache-2.0
// A metrics page as text, for an HTTP handler of yours: set ContentType(format), send MetricsText(page).
//
//   kPrometheus   text format 0.0.4 (prometheus.io, "Exposition formats"): counters named with _total
//   kOpenMetrics  OpenMetrics 1.0: families without _total, UNIT lines, # EOF at the end
//
// Numbers are written as std::to_chars does, exactly and the same in every locale. No timestamps: the
// moment of a scrape is the scraper's to tell.
#ifndef HOLDFAST_METRICS_TEXT_H_
#define HOLDFAST_METRICS_TEXT_H_

#include <holdfast/metrics_page.h>

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace holdfast::inline v0_5 {

enum class MetricsFormat { kPrometheus, kOpenMetrics };

// The value of the Content-Type header.
inline std::string_view ContentType(MetricsFormat format) {
  return format == MetricsFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

namespace internal {

inline void AppendEscaped(std::string& text, std::string_view raw, bool quotes) {
  for (const char c : raw) {
    if (c == '\\') {
      text += "\\\\";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '"' && quotes) {
      text += "\\\"";
    } else {
      text += c;
    }
  }
}

template <typename Number>
void AppendNumber(std::string& text, Number number) {
  if constexpr (std::is_floating_point_v<Number>) {
    if (std::isnan(number)) {
      text += "NaN";  // whatever its sign
      return;
    }
    if (std::isinf(number)) {
      text += number > 0 ? "+Inf" : "-Inf";
      return;
    }
  }
  char digits[32];  // the shortest form of a double takes 24
  text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

inline void AppendLine(std::string& text, std::string_view what, std::string_view family,
                       std::string_view says) {
  text += "# ";
  text += what;
  text += ' ';
  text += family;
  text += ' ';
  text += says;
  text += '\n';
}

// `bound`: of a bucket; empty for all that is none.
inline void AppendLabels(std::string& text, const MetricSeries& series, std::string_view bound) {
  char before = '{';
  for (const auto& [label, value] : series.labels) {
    text += before;
    text += label;
    text += "=\"";
    AppendEscaped(text, value, /*quotes=*/true);
    text += '"';
    before = ',';
  }
  if (!bound.empty()) text.append(",le=\"").append(bound).append("\"");  // a name comes before it
  text += "} ";
}

// A real number as both formats have it in a label: never without a point.
inline std::string BoundText(double bound) {
  char digits[512];  // the largest double, and all its digits
  std::string text(
      digits, std::to_chars(digits, digits + sizeof digits, bound, std::chars_format::fixed).ptr);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

inline void AppendHistogram(std::string& text, std::string_view name, const MetricSeries& series,
                            const MetricHistogram& histogram) {
  uint64_t so_far = 0;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    so_far += histogram.counts[i];
    const bool last = i == histogram.bounds.size();
    text.append(name).append("_bucket");
    AppendLabels(text, series, last ? "+Inf" : BoundText(histogram.bounds[i]));
    AppendNumber(text, so_far);
    text += '\n';
  }
  text.append(name).append("_sum");
  AppendLabels(text, series, {});
  AppendNumber(text, histogram.sum);
  text.append("\n").append(name).append("_count");
  AppendLabels(text, series, {});
  AppendNumber(text, so_far);
  text += '\n';
}

inline void AppendSeries(std::string& text, std::string_view name, const MetricSeries& series) {
  if (const MetricHistogram* histogram = series.value.histogram()) {
    return AppendHistogram(text, name, series, *histogram);
  }
  text += name;
  AppendLabels(text, series, {});
  std::visit(
      [&](const auto& number) {
        if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(number)>>) {
          AppendNumber(text, number);
        }
      },
      series.value.number());
  text += '\n';
}

inline std::string_view KindText(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return "counter";
    case MetricKind::kHistogram:
      return "histogram";
    default:
      return "gauge";
  }
}

inline std::string_view UnitOf(std::string_view family) {
  for (const std::string_view unit : {"seconds", "bytes"}) {
    if (family.ends_with(unit) && family.size() > unit.size() &&
        family[family.size() - unit.size() - 1] == '_') {
      return unit;
    }
  }
  return {};
}

}  // namespace internal

inline std::string MetricsText(const MetricsPage& page,
                               MetricsFormat format = MetricsFormat::kPrometheus) {
  const bool open = format == MetricsFormat::kOpenMetrics;
  std::string text;
  for (const CollectedFamily& family : page.families()) {
    const std::string sample_name = family.sample_name();
    const std::string& name = open ? family.name : sample_name;
    std::string help;
    internal::AppendEscaped(help, family.help, /*quotes=*/open);
    internal::AppendLine(text, "HELP", name, help);
    internal::AppendLine(text, "TYPE", name, internal::KindText(family.kind));
    const std::string_view unit = internal::UnitOf(family.name);
    if (open && !unit.empty()) internal::AppendLine(text, "UNIT", name, unit);
    for (const MetricSeries& series : family.series) {
      internal::AppendSeries(text, sample_name, series);
    }
  }
  if (open) text += "# EOF\n";
  return text;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_METRICS_TEXT_H_
