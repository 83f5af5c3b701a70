// SPDX-License-Identifier: Apache-2.0
// An adaptive limit as one would write it from the tables of c/adaptive.h: lists, loops, and no shards.
#ifndef HOLDFAST_TESTS_MODEL_NAIVE_ADAPTIVE_H_
#define HOLDFAST_TESTS_MODEL_NAIVE_ADAPTIVE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/adaptive_policy.h"
#include "engine/rng.h"

namespace holdfast::model {

// One call.
struct Sample {
  hf_duration rtt;
  uint32_t in_flight;
  bool dropped;
};

struct NaiveAverage {
  std::vector<double> first;
  double value = 0;

  double Add(double x, double window) {
    if (first.size() < 10) {
      first.push_back(x);
      value += (x - value) / static_cast<double>(first.size());
    } else {
      value += (x - value) * 2 / (window + 1);
    }
    return value;
  }
};

class NaiveLimit {
 public:
  explicit NaiveLimit(const engine::AdaptivePolicy& policy)
      : p(policy), limit(policy.initial_limit) {}

  // The calls of one window that took `length` and ended at `end`.
  void OnWindow(const std::vector<Sample>& calls, hf_time end, hf_duration length,
                bool tells_pace) {
    double answered = 0, dropped = 0, sum = 0;
    uint32_t highest = 0;
    for (const Sample& call : calls) {
      highest = std::max(highest, call.in_flight);
      (call.dropped ? dropped : answered) += 1;
      if (!call.dropped) sum += static_cast<double>(call.rtt);
    }
    saturated = Pace();
    const bool at_maximum = limit >= p.max_limit;
    const bool objects = p.guarded && highest >= static_cast<uint32_t>(limit) &&
                         (saturated == 1 || (saturated == 2 && at_maximum));
    double next = limit;
    if (dropped > p.drop_rate * (answered + dropped)) {
      next = AfterDrops();
    } else if (answered > 0) {
      next = After(sum / answered, highest, end, objects);
    }
    next = limit + p.smoothing * (next - limit);
    if (objects) next = std::min(next, limit - std::max(Lg(), limit / 20));
    if (tells_pace && answered > 0 && highest > 0) {
      loads.insert(loads.begin(), std::log(static_cast<double>(highest)));
      paces.insert(paces.begin(), std::log(answered / static_cast<double>(length)));
      rtts.insert(rtts.begin(), std::log(sum / answered));
    }
    limit = std::max<double>(p.min_limit, std::min<double>(p.max_limit, next));
  }

  const engine::AdaptivePolicy p;
  double limit;
  int saturated = 0;  // 1: more load brings nothing; 2: nothing has varied

 private:
  double Lg() const { return std::max(1.0, std::floor(std::log10(limit))); }

  double AfterDrops() const {
    if (p.algorithm == HF_ADAPTIVE_AIMD) return limit * p.backoff;
    if (p.algorithm == HF_ADAPTIVE_GRADIENT2) return limit * 0.5;
    return limit - Lg();
  }

  double After(double rtt, uint32_t highest, hf_time end, bool objects) {
    const bool half_used = 2.0 * highest >= limit;
    if (p.algorithm == HF_ADAPTIVE_AIMD) {
      if (rtt > static_cast<double>(p.timeout)) return limit * p.backoff;
      return half_used ? limit + 1 : limit;
    }
    if (p.algorithm == HF_ADAPTIVE_GRADIENT2) {
      const bool learns = baseline.first.empty() || !objects;
      const double b = baseline.Add(learns ? rtt : std::min(rtt, baseline.value), p.long_window);
      if (b > 2 * rtt) baseline.value *= 0.95;
      if (!half_used) return limit;
      return limit * std::max(0.5, std::min(1.0, p.tolerance * b / rtt)) + p.queue_size;
    }
    if (p.algorithm == HF_ADAPTIVE_VEGAS) return AfterVegas(rtt, half_used, end, objects);
    last.push_back(rtt);
    if (last.size() > 5) last.erase(last.begin());
    std::vector<double> sorted = last;
    std::sort(sorted.begin(), sorted.end());
    const double r = recent.Add(sorted[sorted.size() / 2], 5);
    const bool learns = baseline.first.empty() || !objects;
    const double b = baseline.Add(learns ? r : std::min(r, baseline.value), p.baseline_windows);
    const double queue = std::ceil(limit * (1 - b / r));
    if (queue > 6 * Lg()) return limit - Lg();
    if (limit > p.max_factor * highest) return limit - Lg();
    return queue >= 3 * Lg() ? limit : std::min(limit + Lg(), p.max_factor * highest);
  }

  double AfterVegas(double rtt, bool half_used, hf_time end, bool objects) {
    if (since_probe == 0) {
      jitter = 0.5 + engine::Rng(static_cast<uint64_t>(end), 0x7665676173).NextDouble() / 2;
    }
    since_probe += 1;
    if (since_probe >= jitter * p.probe_multiplier * limit && !objects) {
      since_probe = 0;
      least = rtt;
      return limit;
    }
    if (least == 0 || rtt < least) {
      least = rtt;
      return limit;
    }
    if (!half_used) return limit;
    const double queue = std::ceil(limit * (1 - least / rtt));
    if (queue <= Lg()) return limit + 6 * Lg();
    if (queue < 3 * Lg()) return limit + Lg();
    return queue > 6 * Lg() ? limit - Lg() : limit;
  }

  struct Slope {
    double slope, error;
    bool flat;
  };
  Slope Fit(const std::vector<double>& values, size_t count) const {
    double load = 0, value = 0, xx = 0, yy = 0, xy = 0;
    const double n = static_cast<double>(count);
    for (size_t i = 0; i < count; ++i) load += loads[i] / n;
    for (size_t i = 0; i < count; ++i) value += values[i] / n;
    for (size_t i = 0; i < count; ++i) {
      xx += (loads[i] - load) * (loads[i] - load);
      yy += (values[i] - value) * (values[i] - value);
      xy += (loads[i] - load) * (values[i] - value);
    }
    if (xx < n * (0.01 * 0.01)) return {0, 0, true};
    const double slope = xy / xx;
    return {slope, std::sqrt(std::max(0.0, yy - slope * xy) / ((n - 2) * xx)), false};
  }

  int Pace() const {
    const size_t held = std::min<size_t>(loads.size(), 64);
    const size_t recent_few = std::min<size_t>(held, p.guard_windows);
    if (recent_few < 10) return 0;
    const Slope few = Fit(paces, recent_few);
    const size_t count = !few.flat && 2 * few.error < 0.5 ? recent_few : held;
    const Slope pace = Fit(paces, count), rtt = Fit(rtts, count);
    if (pace.flat) return recent_few == p.guard_windows ? 2 : 0;
    return pace.slope + 2 * pace.error < 0.5 && rtt.slope - 2 * rtt.error > 0.25 ? 1 : 0;
  }

  NaiveAverage baseline, recent;
  std::vector<double> last;
  double least = 0, jitter = 0, since_probe = 0;
  std::vector<double> loads, paces, rtts;  // newest first
};

// Windows by the table of engine/adaptive_sampler.h.
class NaiveSampler {
 public:
  explicit NaiveSampler(const engine::AdaptivePolicy& policy) : limit(policy) {}

  void Add(const Sample& call, hf_time now) {
    const engine::AdaptivePolicy& p = limit.p;
    if (!call.dropped && call.rtt < p.min_rtt) return;
    open.push_back(call);
    if (now < 0) return;  // before any window
    if (begin < 0) {
      begin = now;
      planned = p.window;
      return;
    }
    const hf_duration length = now - begin;
    if (length < planned) return;
    if (length >= 30 * p.window) {
      ++set_aside;
      planned = p.window;
    } else {
      if (open.size() < p.min_samples) return;
      limit.OnWindow(open, now, length, length <= 2 * planned);
      ++windows;
      hf_duration least = HF_INFINITE;
      for (const Sample& s : open) least = s.dropped ? least : std::min(least, s.rtt);
      planned =
          least == HF_INFINITE ? p.window : std::min(std::max(2 * least, p.window), 10 * p.window);
    }
    samples += open.size();
    open.clear();
    begin = now;
  }

  NaiveLimit limit;
  std::vector<Sample> open;
  hf_time begin = -1;
  hf_duration planned = 0;
  uint64_t windows = 0, set_aside = 0, samples = 0;
};

}  // namespace holdfast::model

#endif  // HOLDFAST_TESTS_MODEL_NAIVE_ADAPTIVE_H_
