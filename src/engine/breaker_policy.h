// SPDX-License-Identifier: Apache-2.0
// What a breaker is configured with, as its engine wants it: complete and within range.
//
// A policy outlives the calls that read it and may be shared by any number of breakers, so it is changed
// in place (LivePolicy): a reader that an update overtakes reads again, and gets all of the old one or all
// of the new.
#ifndef HOLDFAST_ENGINE_BREAKER_POLICY_H_
#define HOLDFAST_ENGINE_BREAKER_POLICY_H_

#include <holdfast/c/breaker.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace holdfast::engine {

// What every failure is held against.
struct Thresholds {
  double failure_rate = 0.5;
  double slow_rate = 0;  // 0: slow answers are good answers
  uint32_t minimum_calls = 20;
  uint32_t consecutive_failures = 0;  // 0: off
};

// hf_breaker_options with defaults filled in and ranges checked; minimum_calls <= the count window.
struct BreakerPolicy : Thresholds {
  hf_window window = HF_WINDOW_COUNT;
  uint32_t window_calls = 100;
  hf_duration window_time = 10 * HF_S;
  uint32_t window_buckets = 10;
  uint32_t probes = 3;
  hf_duration open_for = 5 * HF_S;
  hf_duration probe_lease = 30 * HF_S;
  hf_duration slow_after = 0;     // 0: only a verdict says that an answer was slow
  double probe_success_rate = 0;  // 0: probes are held against the rates above
  hf_lost_probe lost_probe = HF_LOST_PROBE_REFUND;
  uint32_t veto_calls = 5;
  double open_multiplier = 1;
  hf_duration open_cap = 600 * HF_S;
  hf_duration healthy_for = 60 * HF_S;
  double open_jitter = 0;
  uint64_t seed = 0;
  hf_duration ramp_for = 0;  // 0: off
  double ramp_from = 0.1;
  hf_duration peer_ttl = 10 * HF_S;
  double veto_rate = 0.25;
};

// Divided, not multiplied: 7 / 100 and the literal 0.07 round to the same double, 0.07 * 100 is not 7.
inline bool Reaches(uint32_t part, uint32_t whole, double rate) {
  return static_cast<double>(part) / whole >= rate;
}

template <typename Storage>
class LivePolicy {
 public:
  explicit LivePolicy(const BreakerPolicy& policy) { Store(policy); }

  // One writer at a time.
  void Store(const BreakerPolicy& policy) {
    version_.Store(version_.Load() + 1);  // odd: being written
    Write(thresholds_, static_cast<const Thresholds&>(policy));
    Write(policy_, policy);
    minimum_calls_.Store(policy.minimum_calls);
    consecutive_failures_.Store(policy.consecutive_failures);
    version_.Store(version_.Load() + 1);
  }

  BreakerPolicy Load() const { return Read<BreakerPolicy>(policy_); }
  uint32_t MinimumCalls() const { return minimum_calls_.Load(); }
  uint32_t ConsecutiveFailures() const { return consecutive_failures_.Load(); }
  Thresholds LoadThresholds() const { return Read<Thresholds>(thresholds_); }

 private:
  template <typename Struct>
  static constexpr size_t kWords = sizeof(Struct) / sizeof(uint64_t);
  template <typename Struct>
  using Words = std::array<typename Storage::template Cell<uint64_t>, kWords<Struct>>;
  template <typename Struct>
  using Image = std::array<uint64_t, kWords<Struct>>;

  template <typename Struct>
  static void Write(Words<Struct>& words, const Struct& value) {
    const auto image = std::bit_cast<Image<Struct>>(value);
    for (size_t i = 0; i < image.size(); ++i) words[i].Store(image[i]);
  }

  template <typename Struct>
  Struct Read(const Words<Struct>& words) const {
    Image<Struct> image{};
    uint32_t before;
    do {
      before = version_.Load();
      for (size_t i = 0; i < image.size(); ++i) image[i] = words[i].Load();
    } while (before % 2 != 0 || version_.Load() != before);
    return std::bit_cast<Struct>(image);
  }

  typename Storage::template Cell<uint32_t> version_;
  typename Storage::template Cell<uint32_t> minimum_calls_;
  typename Storage::template Cell<uint32_t> consecutive_failures_;
  Words<Thresholds> thresholds_;
  Words<BreakerPolicy> policy_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_BREAKER_POLICY_H_
