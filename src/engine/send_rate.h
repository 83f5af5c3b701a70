// SPDX-License-Identifier: Apache-2.0
// The send rate that a throttling server leaves us, in tokens a second: CUBIC, as the AWS SDKs' adaptive
// retry mode has it.
//
//   outcome     rate
//   throttled   beta * (measured rate; at most the rate so far, once limited)         limited from now on
//   other       scale * (t - throttled_at - window)^3 + last_max                      t: seconds
//               window = cbrt(last_max * (1 - beta) / scale)    back at last_max after that long
//   both        at most twice the measured rate, at least 0.5
//
//   measured    outcomes a second in each half second that was used, smoothed by 0.8. Before the first of them
//               is over: what it has so far, as of the last throttling in it; 0 without one
//
// That last clause is ours. The SDKs count as 0 what is not measured yet, so that a throttling in the first
// half second leaves the least there is, and the rate then needs seconds to double its way out of it. All
// throttlings in that half second are one: each measures anew, and none is held against the one before.
// Before the first throttling nothing is limited, but the rate is followed. A step back of the clock is read
// as no time passed: it neither mints tokens nor moves the curve.
#ifndef HOLDFAST_ENGINE_SEND_RATE_H_
#define HOLDFAST_ENGINE_SEND_RATE_H_

#include <holdfast/c/base.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace holdfast::engine {

class SendRate {
 public:
  static constexpr double kBeta = 0.7;
  static constexpr double kScale = 0.4;
  static constexpr double kSmoothing = 0.8;
  static constexpr double kLeast = 0.5;

  // The rate `since` seconds after a throttling at `last_max`.
  static double Cubic(double last_max, double since) {
    const double window = std::cbrt(last_max * (1 - kBeta) / kScale);
    const double ahead = since - window;
    return kScale * ahead * ahead * ahead + last_max;
  }

  void OnOutcome(bool throttled, hf_time now) {
    if (newest_ == kNever) bucket_ = throttled_at_ = HalfSecondOf(now);
    newest_ = std::max(newest_, now);
    Measure();
    double next;
    if (throttled) {
      if (!is_measured_) measured_ = outcomes_ / Seconds(kHalfSecond);
      last_max_ = limited_ && is_measured_ ? std::min(measured_, rate_) : measured_;
      throttled_at_ = newest_;
      limited_ = true;
      next = last_max_ * kBeta;
    } else {
      next = Cubic(last_max_, Seconds(newest_ - throttled_at_));
    }
    rate_ = std::max(std::min(next, 2 * measured_), kLeast);
  }

  // Whether any throttling was seen: until then the rate limits nobody.
  bool limited() const { return limited_; }
  double rate() const { return rate_; }
  double measured() const { return measured_; }

 private:
  static constexpr hf_time kNever = -1;
  static constexpr hf_duration kHalfSecond = HF_S / 2;

  static double Seconds(hf_duration time) { return static_cast<double>(time) / HF_S; }
  static hf_time HalfSecondOf(hf_time time) { return time - time % kHalfSecond; }

  void Measure() {
    ++outcomes_;
    const hf_time bucket = HalfSecondOf(newest_);
    if (bucket == bucket_) return;
    const double current = outcomes_ / Seconds(bucket - bucket_);
    measured_ = current * kSmoothing + measured_ * (1 - kSmoothing);
    is_measured_ = true;
    outcomes_ = 0;
    bucket_ = bucket;
  }

  double rate_ = 0;
  double measured_ = 0;
  double last_max_ = 0;
  hf_time throttled_at_ = 0;
  hf_time bucket_ = 0;  // the half second that is being counted
  hf_time newest_ = kNever;
  uint32_t outcomes_ = 0;     // in it
  bool is_measured_ = false;  // a half second is over
  bool limited_ = false;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_SEND_RATE_H_
