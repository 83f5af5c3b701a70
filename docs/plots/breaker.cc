// SPDX-License-Identifier: Apache-2.0
// docs/primitives/breaker.md: hangs, the ramp, and a fleet's probes.
#include <holdfast/breaker.h>

#include <chrono>
#include <utility>
#include <vector>

#include "world.h"

namespace holdfast::plots {
namespace {

using namespace std::chrono_literals;

// 50 calls a second; from 5 s to 25 s the dependency takes them and never answers. Attempts time out after 5 s.
void Hangs(const char* series, CircuitBreaker breaker) {
  World world(1);
  Dependency dependency(world, 1000, [](Dice& dice) { return dice.Exponential(20 * HF_MS); });
  world.At(5 * HF_S, [&] { dependency.SetMode(Dependency::Mode::kHangs); });
  world.At(25 * HF_S, [&] { dependency.SetMode(Dependency::Mode::kUp); });
  const auto pipeline =
      Must(Pipeline::Create({.breaker = std::move(breaker), .attempt_timeout = 5s}));
  int under_way = 0;
  world.Arrivals(50, 0, 35 * HF_S, [&] {
    ++under_way;
    StartCall(world, pipeline, {}, To(dependency), [&](const hf_action&) { --under_way; });
  });
  world.Every(100 * HF_MS, 35 * HF_S,
              [&] { Point("breaker_hangs", series, Seconds(world.Elapsed()), under_way); });
  world.Run(35 * HF_S);
}

void SlowCalls() {
  Hangs("none", CircuitBreaker());
  Hangs("results", Must(CircuitBreaker::Create({.failure_rate = 0.5, .open_for = 3s})));
  for (const auto& [series, rate] : {std::pair{"half", 0.5}, {"fifth", 0.2}}) {
    Hangs(series,
          Must(CircuitBreaker::Create({.open_for = 3s, .slow_after = 500ms, .slow_rate = rate})));
  }
}

// 300 calls a second to a dependency that is away from 5 s to 15 s and comes back cold: a tenth of its servers
// at first, all after 20 s. What has timed out is worked off all the same.
void Recovery(const char* series, Duration ramp) {
  constexpr hf_duration kUntil = 50 * HF_S;
  constexpr uint32_t kServers = 20;
  World world(2);
  Dependency dependency(world, kServers, [](Dice& dice) { return dice.Exponential(50 * HF_MS); });
  dependency.SetLine(400);
  world.At(5 * HF_S, [&] { dependency.SetMode(Dependency::Mode::kRefuses); });
  world.At(15 * HF_S, [&] { dependency.SetMode(Dependency::Mode::kUp); });
  for (uint32_t step = 0; step <= 18; ++step) {
    world.At(15 * HF_S + step * 20 * HF_S / 18, [&, step] { dependency.SetServers(2 + step); });
  }
  const auto breaker = Must(CircuitBreaker::Create({.open_for = 2s, .seed = 7, .ramp_for = ramp}));
  const auto pipeline = Must(Pipeline::Create({.breaker = breaker, .attempt_timeout = 500ms}));
  Bins failed(HF_S, kUntil);
  Bins answered(HF_S, kUntil);
  world.Arrivals(300, 0, kUntil, [&] {
    StartCall(world, pipeline, {}, To(dependency), [&](const hf_action& end) {
      if (end.attempt == 0) return;  // refused here
      (end.code == HF_OK ? answered : failed).Add(world.Elapsed());
    });
  });
  world.Run(kUntil);
  Rates("breaker_ramp_failed", series, failed);
  Rates("breaker_ramp_answered", series, answered);
}

// 50 instances of 20 calls a second each, whose dependency is away from 10 s on.
void Fleet(const char* series, CircuitBreakerOptions options) {
  constexpr hf_duration kUntil = 300 * HF_S;
  World world(3);
  std::vector<CircuitBreaker> fleet;
  options.probes = 1;
  options.open_for = 5s;
  for (int instance = 0; instance < 50; ++instance) {
    options.seed = world.dice.Next();
    fleet.push_back(Must(CircuitBreaker::Create(options)));
  }
  Bins probes(500 * HF_MS, kUntil);
  for (const CircuitBreaker& breaker : fleet) {
    world.Arrivals(20, 0, kUntil, [&world, &probes, breaker] {
      auto permit = breaker.TryAcquire(world.Now());
      if (!permit.ok()) return;
      if (permit->is_probe()) probes.Add(world.Elapsed());
      const bool up = world.Elapsed() < 10 * HF_S;
      permit->Record(up ? HF_VERDICT_SUCCESS : HF_VERDICT_FAILURE, world.Now());
    });
  }
  world.Run(kUntil);
  Rates("breaker_fleet", series, probes);
}

}  // namespace

void Breaker() {
  SlowCalls();
  Recovery("without", 0s);
  Recovery("short", 5s);
  Recovery("with", 20s);
  Fleet("fixed", {});
  Fleet("growing", {.open_multiplier = 2, .open_cap = 60s});
  Fleet("jitter", {.open_multiplier = 2, .open_cap = 60s, .open_jitter = 0.5});
}

}  // namespace holdfast::plots
