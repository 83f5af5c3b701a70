// SPDX-License-Identifier: Apache-2.0
// docs/primitives/adaptive.md: the limit after a loss of capacity and its return.
#include <holdfast/adaptive.h>

#include <chrono>
#include <functional>
#include <utility>

#include "world.h"

namespace holdfast::plots {
namespace {

using namespace std::chrono_literals;

// As many calls as the limit lets in, all the time, to a dependency that serves 40 at once, 20 ms each: ten
// from 60 s to 120 s, then 40 again. Windows of 100 ms.
void Course(const char* figure, const char* series, AdaptiveAlgorithm algorithm, bool guarded) {
  constexpr hf_duration kUntil = 240 * HF_S;
  World world(1);
  Dependency dependency(world, 40, [](Dice& dice) { return dice.Between(10 * HF_MS, 30 * HF_MS); });
  world.At(60 * HF_S, [&] { dependency.SetServers(10); });
  world.At(120 * HF_S, [&] { dependency.SetServers(40); });
  const auto adaptive = Must(AdaptiveLimit::Create({.algorithm = algorithm,
                                                    .guarded = guarded,
                                                    .min_limit = 1,
                                                    .max_limit = 200,
                                                    .window = 100ms}));
  uint32_t limit = 20;
  uint32_t in_flight = 0;
  const std::function<void()> fill = [&] {
    while (in_flight < limit) {
      ++in_flight;
      dependency.Serve([&, began = world.Now(), at_once = in_flight](bool) {
        --in_flight;
        limit = adaptive.OnSample(Duration{world.Now() - began}, at_once, Drop::kNo, world.Now());
        fill();
      });
    }
  };
  fill();
  world.Every(HF_S, kUntil, [&] { Point(figure, series, Seconds(world.Elapsed()), limit); });
  world.Run(kUntil);
}

}  // namespace

void Adaptive() {
  constexpr std::pair<const char*, AdaptiveAlgorithm> kAll[] = {
      {"adaptive_trend", AdaptiveAlgorithm::kTrend},
      {"adaptive_gradient2", AdaptiveAlgorithm::kGradient2},
      {"adaptive_vegas", AdaptiveAlgorithm::kVegas},
      {"adaptive_aimd", AdaptiveAlgorithm::kAimd}};
  constexpr std::pair<double, double> kServed[] = {{0, 40},   {60, 40},  {60, 10},
                                                   {120, 10}, {120, 40}, {240, 40}};
  for (const auto& [figure, algorithm] : kAll) {
    Course(figure, "alone", algorithm, false);
    Course(figure, "guarded", algorithm, true);
    for (const auto& [at, servers] : kServed) Point(figure, "served", at, servers);
  }
}

}  // namespace holdfast::plots
