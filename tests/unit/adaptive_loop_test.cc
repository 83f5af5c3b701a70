// SPDX-License-Identifier: Apache-2.0
// The adaptive limits in a closed loop with a dependency, in virtual time.
//
// The dependency serves `capacity` calls at once, 100 ms each; what is above waits, so that
//   throughput = min(in_flight, capacity) / 100 ms     rtt = in_flight / throughput (Little's law)
// each window with a few percent of noise. There is always more demand than the limit lets in.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "engine/adaptive.h"

namespace holdfast::engine {
namespace {

constexpr double kService = 0.1;  // seconds

struct World {
  std::function<double(int)> capacity = [](int) { return 40.0; };
  double noise = 0.02;   // standard deviation, of the throughput
  double timeout = 1e9;  // seconds; a slower window is all drops
};

AdaptivePolicy DefaultsOf(hf_adaptive_algorithm algorithm, bool guarded) {
  AdaptivePolicy policy;
  policy.algorithm = algorithm;
  policy.guarded = guarded;
  policy.max_limit = algorithm == HF_ADAPTIVE_VEGAS ? 1000 : 200;
  policy.smoothing = algorithm == HF_ADAPTIVE_GRADIENT2 ? 0.2 : 1;
  return policy;
}

// The limit after each of `windows` seconds.
std::vector<double> Course(const AdaptivePolicy& policy, const World& world, int windows,
                           uint64_t seed = 1) {
  std::mt19937_64 engine(seed);
  const auto normal = [&] {  // a sum of uniforms: the standard's own differs by library
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(engine() >> 11) * 0x1.0p-53;
    return sum;
  };
  AdaptiveLimit limit(policy);
  std::vector<double> course;
  for (int second = 0; second < windows; ++second) {
    const double in_flight = limit.Limit();
    const double throughput =
        std::min(in_flight, world.capacity(second)) / kService * std::exp(world.noise * normal());
    const double rtt = in_flight / throughput;
    RttWindow window;
    const uint64_t done = static_cast<uint64_t>(std::llround(throughput));
    (rtt > world.timeout ? window.drops : window.samples) = done;
    window.rtt_sum = static_cast<uint64_t>(rtt * 1e9 * static_cast<double>(window.samples));
    window.rtt_min = static_cast<hf_duration>(rtt * 1e9);
    window.in_flight = limit.Limit();
    window.end = (second + 1) * HF_S;
    window.length = HF_S;
    window.tells_pace = true;
    limit.OnWindow(window);
    course.push_back(limit.ExactLimit());
  }
  return course;
}

struct Range {
  double lowest, highest;
};
Range RangeOf(const std::vector<double>& course, int from, int to) {
  const auto [low, high] = std::minmax_element(course.begin() + from, course.begin() + to);
  return {*low, *high};
}

void ExpectBand(const std::vector<double>& course, int from, int to, double low, double high,
                const std::string& what) {
  const Range range = RangeOf(course, from, to);
  EXPECT_GE(range.lowest, low) << what;
  EXPECT_LE(range.highest, high) << what;
}

constexpr hf_adaptive_algorithm kAll[] = {HF_ADAPTIVE_TREND, HF_ADAPTIVE_GRADIENT2,
                                          HF_ADAPTIVE_VEGAS, HF_ADAPTIVE_AIMD};
constexpr int kLong = 5000;  // seconds

std::string Name(hf_adaptive_algorithm algorithm, uint64_t seed) {
  return "algorithm " + std::to_string(algorithm) + ", seed " + std::to_string(seed);
}

// docs/primitives/adaptive.md promises these bands.
TEST(AdaptiveLoop, TheLimitStaysNearTheCapacity) {
  for (const auto algorithm : kAll) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      const auto course = Course(DefaultsOf(algorithm, true), {}, kLong, seed);
      ExpectBand(course, 300, kLong, 40 * 0.65, 40 * 1.45, Name(algorithm, seed));
    }
  }
}

TEST(AdaptiveLoop, ALimitThatBeganFarTooHighComesDown) {
  for (const auto algorithm : kAll) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      AdaptivePolicy policy = DefaultsOf(algorithm, true);
      policy.initial_limit = 200;
      const auto course = Course(policy, {}, 2000, seed);
      ExpectBand(course, 500, 2000, 40 * 0.65, 40 * 1.45, Name(algorithm, seed));
    }
  }
}

TEST(AdaptiveLoop, FollowsALossOfCapacityAndItsReturn) {
  World world;
  world.capacity = [](int second) { return second < 500 || second >= 1500 ? 60.0 : 15.0; };
  for (const auto algorithm : kAll) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      const auto course = Course(DefaultsOf(algorithm, true), world, 4000, seed);
      ExpectBand(course, 300, 500, 60 * 0.65, 60 * 1.35, Name(algorithm, seed));
      ExpectBand(course, 800, 1500, 15 * 0.4, 15 * 2.1, Name(algorithm, seed));
      ExpectBand(course, 1800, 4000, 60 * 0.65, 60 * 1.35, Name(algorithm, seed));
    }
  }
}

TEST(AdaptiveLoop, StandsTenPercentOfNoise) {
  World world;
  world.noise = 0.1;
  for (const auto algorithm : kAll) {
    if (algorithm == HF_ADAPTIVE_VEGAS) continue;  // see below
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      const auto course = Course(DefaultsOf(algorithm, true), world, kLong, seed);
      ExpectBand(course, 500, kLong, 40 * 0.5, 40 * 2.2, Name(algorithm, seed));
    }
  }
}

// Its baseline is the least rtt, which noise makes too small: it errs on the low side. The docs say so.
TEST(AdaptiveLoop, NoiseKeepsVegasLow) {
  World world;
  world.noise = 0.1;
  const auto course = Course(DefaultsOf(HF_ADAPTIVE_VEGAS, true), world, kLong);
  ExpectBand(course, 500, kLong, 40 * 0.25, 40 * 1.25, "vegas");
}

// Netflix concurrency-limits PR #134: under a modest overload the queue term lifts the limit for ever.
TEST(AdaptiveLoop, TheGuardHoldsTheDriftOfGradient2) {
  const auto drifting = Course(DefaultsOf(HF_ADAPTIVE_GRADIENT2, false), {}, kLong);
  EXPECT_GT(drifting.back(), 40 * 4) << "the defect is there without the guard";
  const auto held = Course(DefaultsOf(HF_ADAPTIVE_GRADIENT2, true), {}, kLong);
  ExpectBand(held, 300, kLong, 40 * 0.65, 40 * 1.45, "guarded");
}

// Netflix concurrency-limits #165: a probe under load takes the queue for the rtt without load.
TEST(AdaptiveLoop, TheGuardKeepsTheQueueOutOfTheBaselineOfVegas) {
  const auto baseline_after = [](bool guarded) {
    AdaptivePolicy policy = DefaultsOf(HF_ADAPTIVE_VEGAS, guarded);
    policy.initial_limit = 200;   // began while the dependency was overloaded fivefold,
    policy.probe_multiplier = 1;  // and probes now and then while it still is
    return Course(policy, {}, kLong);
  };
  EXPECT_GT(RangeOf(baseline_after(false), 1000, kLong).highest, 40 * 2);
  ExpectBand(baseline_after(true), 1000, kLong, 40 * 0.65, 40 * 1.45, "guarded");
}

// Netflix concurrency-limits #137: every call takes its whole timeout, so no rtt differs from another.
TEST(AdaptiveLoop, ACallerWhoseCallsAllTimeOutGoesDownToTheMinimum) {
  World world;
  world.timeout = 0.05;
  for (const auto algorithm : kAll) {
    const auto course = Course(DefaultsOf(algorithm, true), world, 500);
    EXPECT_EQ(course.back(), 1) << algorithm;
  }
}

TEST(AdaptiveLoop, WithoutTheGuardAllButVegasEndAtTheMaximum) {
  for (const auto algorithm : {HF_ADAPTIVE_TREND, HF_ADAPTIVE_GRADIENT2, HF_ADAPTIVE_AIMD}) {
    EXPECT_GT(Course(DefaultsOf(algorithm, false), {}, kLong).back(), 40 * 4) << algorithm;
  }
}

// Pegged at a maximum that is itself too high, nothing varies and no algorithm sees anything.
TEST(AdaptiveLoop, ALimitThatCannotMoveTakesAStepDownToSee) {
  for (const auto algorithm : kAll) {
    AdaptivePolicy policy = DefaultsOf(algorithm, true);
    policy.initial_limit = policy.max_limit = 100;
    const auto course = Course(policy, {}, 1000);
    ExpectBand(course, 500, 1000, 40 * 0.65, 40 * 1.45, Name(algorithm, 1));
  }
}

// ... and where the maximum is what holds it, the look costs little.
TEST(AdaptiveLoop, AMaximumBelowTheCapacityIsKeptMostOfTheTime) {
  for (const auto algorithm : kAll) {
    AdaptivePolicy policy = DefaultsOf(algorithm, true);
    policy.max_limit = 30;
    const auto course = Course(policy, {}, 2000);
    double sum = 0;
    for (int i = 500; i < 2000; ++i) sum += course[static_cast<size_t>(i)];
    EXPECT_GT(sum / 1500, 30 * 0.85) << algorithm;
  }
}

}  // namespace
}  // namespace holdfast::engine
