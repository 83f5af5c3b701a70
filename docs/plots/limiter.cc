// SPDX-License-Identifier: Apache-2.0
// docs/primitives/limiter.md: burst and rate, the warm-up, and what a server that throttles is sent.
#include <holdfast/limiter.h>

#include <chrono>
#include <utility>

#include "world.h"

namespace holdfast::plots {
namespace {

using namespace std::chrono_literals;

// Asks `rate` times a second; counts what is admitted.
void Demand(World& world, const RateLimiter& limiter, double rate, hf_duration from,
            hf_duration until, Bins* admitted) {
  world.Arrivals(rate, from, until, [&world, limiter, admitted] {
    if (limiter.TryAcquire(1, world.clock).ok()) admitted->Add(world.Elapsed());
  });
}

// 50 a second; asked 300 times a second in the first two seconds and from 6 s to 8 s, 20 times otherwise.
void Burst(const char* series, uint32_t burst) {
  World world(1);
  const auto limiter = Must(RateLimiter::Create({.permits = 50, .burst = burst}));
  constexpr hf_duration kUntil = 10 * HF_S;
  Bins admitted(50 * HF_MS, kUntil);
  Demand(world, limiter, 300, HF_S, 3 * HF_S, &admitted);
  Demand(world, limiter, 20, 3 * HF_S, 6 * HF_S, &admitted);
  Demand(world, limiter, 300, 6 * HF_S, 8 * HF_S, &admitted);
  Demand(world, limiter, 20, 8 * HF_S, kUntil, &admitted);
  world.Run(kUntil);
  double sum = 0;
  for (size_t bin = 0; bin < admitted.size(); ++bin) {
    Point("limiter_burst", series, admitted.Start(bin), sum);
    sum += admitted[bin];
  }
}

// 100 a second with a burst of 50, asked 300 times a second from 1 s to 20 s and again from 35 s on.
void WarmUp(const char* series, Duration warm_up) {
  World world(2);
  const auto limiter = Must(
      RateLimiter::Create({.permits = 100, .burst = 50, .warm_up = warm_up, .cold_factor = 4}));
  constexpr hf_duration kUntil = 50 * HF_S;
  Bins admitted(500 * HF_MS, kUntil);
  Demand(world, limiter, 300, HF_S, 20 * HF_S, &admitted);
  Demand(world, limiter, 300, 35 * HF_S, kUntil, &admitted);
  world.Run(kUntil);
  Rates("limiter_warm_up", series, admitted);
}

// 200 calls a second wanted; the server bears 100, 40 from 30 s to 60 s, and refuses the rest.
void Cubic(const char* series, bool adaptive) {
  World world(3);
  const auto server = Must(RateLimiter::Create({.permits = 100, .burst = 10}));
  world.At(30 * HF_S,
           [&] { Require(server.Update({.permits = 40, .burst = 10}, world.Now()).ok()); });
  world.At(60 * HF_S,
           [&] { Require(server.Update({.permits = 100, .burst = 10}, world.Now()).ok()); });
  const auto limiter =
      Must(RateLimiter::Create({.permits = 500, .burst = 50, .adaptive = adaptive}));
  constexpr hf_duration kUntil = 100 * HF_S;
  Bins sent(HF_S, kUntil);
  Bins refused(HF_S, kUntil);
  world.Arrivals(200, 0, kUntil, [&] {
    if (!limiter.TryAcquire(1, world.clock).ok()) return;
    sent.Add(world.Elapsed());
    const bool takes = server.TryAcquire(1, world.clock).ok();
    if (!takes) refused.Add(world.Elapsed());
    limiter.OnOutcome(!takes, world.clock);
  });
  world.Run(kUntil);
  Rates("limiter_cubic_sent", series, sent);
  Rates("limiter_cubic_refused", series, refused);
}

}  // namespace

void Limiter() {
  Burst("10", 10);
  Burst("50", 50);
  Burst("200", 200);
  WarmUp("without", 0s);
  WarmUp("with", 10s);
  Cubic("fixed", false);
  Cubic("adaptive", true);
  constexpr std::pair<double, double> kServer[] = {{0, 100}, {30, 100}, {30, 40},
                                                   {60, 40}, {60, 100}, {100, 100}};
  for (const auto& [at, takes] : kServer) Point("limiter_cubic_sent", "server", at, takes);
}

}  // namespace holdfast::plots
