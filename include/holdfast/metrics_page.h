// SPDX-License-Identifier: Apache-2.0
// MetricsPage: what a scrape finds, collected from primitives at one moment. Not yet text (metrics_text.h).
//
//   page         families in the order they came, each with all its series together, as the formats ask
//   family       prefix_name, one kind, one help, whoever adds to it
//   series       family + labels, unique on the page; `name` is the object's, then the page's labels
//
// An object that cannot be shown (a name that is empty or not UTF-8, the same series twice, a family
// that is two things at once) is left out as a whole, and status() tells the first reason: one bad name,
// maybe a tenant's, must not blind the operator to all the others.
// A page is a value of one thread, made for one scrape. Nothing is kept up to date while nobody asks.
#ifndef HOLDFAST_METRICS_PAGE_H_
#define HOLDFAST_METRICS_PAGE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/metrics_name.h>
#include <holdfast/metrics_series.h>
#include <holdfast/status.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5 {

struct MetricsPageOptions {
  std::string prefix = "holdfast";    // of each family: letters, digits, _, not a digit first
  std::vector<MetricLabel> labels{};  // on each series, such as {"service", "checkout"}
};

class MetricsPage {
 public:
  using Options = MetricsPageOptions;

  // Empty, with the prefix "holdfast" and no labels of its own.
  MetricsPage() = default;

  // Errors: kInvalidArgument, naming the prefix or the label.
  static absl::StatusOr<MetricsPage> Create(Options options) {
    if (!IsMetricName(options.prefix)) {
      return Invalid("prefix " + Quoted(options.prefix) + " is not a name");
    }
    MetricsPage page;
    page.options_ = std::move(options);
    const std::string why = WhyNotLabels(page.LabelsOf("", {}));
    if (!why.empty()) return Invalid(why);
    return page;
  }

  // Puts an object on the page: Collect(ObjectMetrics&, object, when...) says what of it, be it one of
  // metrics.h or one of yours beside your type. `when` is the time, for those that need it to tell.
  template <typename Object, typename... When>
  void Add(std::string_view name, const Object& object, When... when) {
    if constexpr (requires { object.raw(); }) {
      if (object.raw() == nullptr) return LeaveOut(name, "is an empty handle");
    }
    ObjectMetrics said;
    Collect(said, object, when...);
    const std::string why = Take(name, said.said_);
    if (!why.empty()) LeaveOut(name, why);
  }

  // OK, or kInvalidArgument: why the first object that is not on the page was left out, by its name.
  const absl::Status& status() const { return status_; }
  // How many objects were left out.
  uint64_t left_out() const { return left_out_; }

  const std::vector<CollectedFamily>& families() const { return families_; }

 private:
  using Said = ObjectMetrics::Said;

  static absl::Status Invalid(std::string_view text) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, text);
  }

  void LeaveOut(std::string_view name, std::string_view why) {
    if (status_.ok()) status_ = Invalid("object " + Quoted(name) + " " + std::string(why));
    ++left_out_;
  }

  std::string FullName(const MetricFamily& family) const {
    return options_.prefix + "_" + std::string(family.name);
  }

  std::vector<MetricLabel> LabelsOf(std::string_view name,
                                    const std::vector<MetricLabel>& own) const {
    std::vector<MetricLabel> labels = {{"name", std::string(name)}};
    labels.insert(labels.end(), options_.labels.begin(), options_.labels.end());
    labels.insert(labels.end(), own.begin(), own.end());
    return labels;
  }

  // Why these cannot be the labels of one series; empty if they can.
  static std::string WhyNotLabels(const std::vector<MetricLabel>& labels) {
    std::set<std::string_view> names;
    for (const MetricLabel& label : labels) {
      if (!IsLabelName(label.name)) return "label " + Quoted(label.name) + " is not a name";
      if (!IsText(label.value)) return "label " + Quoted(label.name) + " has a value not in UTF-8";
      if (!names.insert(label.name).second) return "label " + Quoted(label.name) + " comes twice";
    }
    return {};
  }

  static bool HasLabel(const std::vector<MetricLabel>& labels, std::string_view name) {
    return std::any_of(labels.begin(), labels.end(),
                       [&](const MetricLabel& label) { return label.name == name; });
  }

  // Why this cannot be said of a family; empty if it can.
  std::string WhyNotFamily(const Said& said) const {
    const MetricFamily& family = said.family;
    // These endings are ours to write; _created is what OpenMetrics writes beside them.
    const bool reserved = family.name.ends_with("_total") || family.name.ends_with("_created") ||
                          family.name.ends_with("_bucket");
    if (!IsMetricName(family.name) || reserved) return "is not a name";
    if (!IsText(family.help)) return "has a help not in UTF-8";
    if (family.kind == MetricKind::kCounter && !(said.value.real() >= 0)) {
      return "counts below nothing";  // or holds no number
    }
    const MetricHistogram* const histogram = said.value.histogram();
    if ((histogram != nullptr) != (family.kind == MetricKind::kHistogram)) return "is another kind";
    if (histogram != nullptr && !histogram->sound()) return "is no histogram";
    const auto found = index_.find(FullName(family));
    if (found == index_.end()) return {};
    const CollectedFamily& known = families_[found->second];
    const bool same = known.kind == family.kind && known.help == family.help;
    return same ? "" : "is another family already";
  }

  // Takes all that an object said, or nothing and tells why not.
  std::string Take(std::string_view name, const std::vector<Said>& all) {
    if (name.empty()) return "has no name";
    if (!IsText(name)) return "has a name not in UTF-8";
    const size_t families_before = families_.size();
    std::vector<std::pair<size_t, std::string>> taken;  // family, key
    std::string why;
    for (const Said& said : all) {
      std::vector<MetricLabel> labels = LabelsOf(name, said.labels);
      why = WhyNotFamily(said);
      if (why.empty()) why = WhyNotLabels(labels);
      if (why.empty() && said.value.histogram() != nullptr && HasLabel(labels, "le")) {
        why = "label \"le\" is the buckets' own";
      }
      if (why.empty() && !TakeSeries(said, std::move(labels), &taken)) why = "shows this twice";
      if (why.empty()) continue;
      GiveBack(taken, families_before);
      return "in " + Quoted(said.family.name) + ": " + why;
    }
    return {};
  }

  bool TakeSeries(const Said& said, std::vector<MetricLabel> labels,
                  std::vector<std::pair<size_t, std::string>>* taken) {
    std::string full_name = FullName(said.family);
    std::string key = full_name;
    for (const auto& [label, value] : labels)
      key += '\0' + label + '\0' + value;  // no text has NUL
    if (!keys_.insert(key).second) return false;
    const auto [place, is_new] = index_.try_emplace(full_name, families_.size());
    if (is_new) {
      families_.push_back(
          {std::move(full_name), said.family.kind, std::string(said.family.help), {}});
    }
    families_[place->second].series.push_back({std::move(labels), said.value});
    taken->emplace_back(place->second, std::move(key));
    return true;
  }

  void GiveBack(const std::vector<std::pair<size_t, std::string>>& taken, size_t families_before) {
    for (const auto& [family, key] : taken) {
      families_[family].series.pop_back();
      keys_.erase(key);
    }
    for (; families_.size() > families_before; families_.pop_back()) {
      index_.erase(families_.back().name);
    }
  }

  Options options_;
  std::vector<CollectedFamily> families_;
  std::map<std::string, size_t, std::less<>> index_;  // of families_, by name
  std::set<std::string, std::less<>> keys_;           // of all series
  absl::Status status_;
  uint64_t left_out_ = 0;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_METRICS_PAGE_H_
