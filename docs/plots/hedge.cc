// SPDX-License-Identifier: Apache-2.0
// docs/primitives/hedge.md: the tail against its price, and an outage of a third of the replicas.
#include <holdfast/hedge.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "world.h"

namespace holdfast::plots {
namespace {

using namespace std::chrono_literals;

// A call whose attempts go to replicas. Kept alive by the events that it waits for.
class Hedged : public std::enable_shared_from_this<Hedged> {
 public:
  using Replica = std::function<hf_duration()>;  // how long an attempt takes; HF_INFINITE: hangs

  Hedged(World& world, const HedgePolicy& policy, Replica replica, std::function<void(bool)> over)
      : world_(world), policy_(policy), replica_(std::move(replica)), over_(std::move(over)) {}

  void Start() {
    call_.emplace(policy_, Pipeline(),
                  HedgeCallOptions{.deadline = world_.Now() + 2 * HF_S, .idempotent = true},
                  world_.Now());
    Act();
  }

 private:
  void Act() {
    while (call_->next().kind == HF_DO_ATTEMPT) {
      const uint32_t attempt = call_->next().attempt;
      const hf_duration takes = replica_();
      if (takes != HF_INFINITE) {
        world_.After(takes, [self = shared_from_this(), attempt] { self->Answered(attempt); });
      }
      Require(call_->OnTime(world_.Now()).ok());
    }
    if (call_->IsOver()) return over_(call_->next().code == HF_OK);
    world_.clock.At(call_->next().until, [self = shared_from_this()] {
      if (self->call_->IsOver() || self->world_.Now() < self->call_->next().until) return;
      Require(self->call_->OnTime(self->world_.Now()).ok());
      self->Act();
    });
  }
  void Answered(uint32_t attempt) {
    if (call_->IsOver()) return;
    Require(call_->OnOutcome(attempt, hf_outcome{}, world_.Now()).ok());
    Act();
  }

  World& world_;
  const HedgePolicy policy_;
  const Replica replica_;
  const std::function<void(bool)> over_;
  std::optional<HedgeCall> call_;
};

HedgePolicy Policy(double quantile, double max_rate, Duration max_delay = 1h) {
  if (quantile == 0) {  // a delay that never comes
    return Must(HedgePolicy::Create({.mode = HedgeMode::kFixed, .delay = 1h}));
  }
  return Must(HedgePolicy::Create(
      {.quantile = quantile, .max_delay = max_delay, .window = 10s, .max_rate = max_rate}));
}

// 5 ms and a little; one attempt in twenty meets a pause of 100 ms on average.
hf_duration Latency(Dice& dice) {
  const bool paused = dice.Uniform() < 0.05;
  return 5 * HF_MS + dice.Exponential(3 * HF_MS) + (paused ? dice.Exponential(100 * HF_MS) : 0);
}

void Tail(const char* series, double quantile) {
  constexpr hf_duration kWarm = 20 * HF_S;
  constexpr hf_duration kUntil = 120 * HF_S;
  World world(1);
  const HedgePolicy policy = Policy(quantile, std::max(0.001, 1 - quantile));
  std::vector<hf_duration> took;
  double attempts = 0;
  double calls = 0;
  world.Arrivals(500, 0, kUntil, [&] {
    const bool counts = world.Elapsed() > kWarm;
    calls += counts;
    const auto replica = [&, counts] {
      attempts += counts;
      return Latency(world.dice);
    };
    std::make_shared<Hedged>(world, policy, replica, [&, began = world.Now(), counts](bool) {
      if (counts) took.push_back(world.Now() - began);
    })->Start();
  });
  world.Run(kUntil + 3 * HF_S);
  std::sort(took.begin(), took.end());
  for (double slower = 1; slower >= 0.0009; slower /= 1.15) {
    const auto index = static_cast<size_t>((1 - slower) * static_cast<double>(took.size()));
    Point("hedge_tail", series, Seconds(took[index]) * 1000, slower * 100);
  }
  Point("hedge_cost", series, (attempts / calls - 1) * 100,
        Seconds(took[took.size() * 99 / 100]) * 1000);
}

// From 30 s to 60 s a third of the replicas hang.
void Outage(const char* series, double quantile, double max_rate, Duration max_delay = 1h) {
  constexpr hf_duration kUntil = 90 * HF_S;
  World world(2);
  const HedgePolicy policy = Policy(quantile, max_rate, max_delay);
  Bins calls(HF_S, kUntil);
  Bins attempts(HF_S, kUntil);
  Bins failed(HF_S, kUntil);
  world.Arrivals(500, 0, kUntil, [&] {
    const hf_duration began = world.Elapsed();
    calls.Add(began);
    const auto replica = [&] {
      attempts.Add(world.Elapsed());
      const bool outage = world.Elapsed() >= 30 * HF_S && world.Elapsed() < 60 * HF_S;
      if (outage && world.dice.Uniform() < 1.0 / 3) return HF_INFINITE;
      return Latency(world.dice);
    };
    std::make_shared<Hedged>(world, policy, replica, [&, began](bool ok) {
      if (!ok) failed.Add(began);
    })->Start();
  });
  world.Run(kUntil + 3 * HF_S);
  for (size_t bin = 0; bin < calls.size(); ++bin) {
    Point("hedge_outage_load", series, calls.Middle(bin), (attempts[bin] / calls[bin] - 1) * 100);
    Point("hedge_outage_failed", series, calls.Middle(bin), failed[bin] / calls[bin] * 100);
  }
}

}  // namespace

void Hedges() {
  Tail("none", 0);
  Tail("99", 0.99);
  Tail("95", 0.95);
  Tail("90", 0.9);
  Tail("75", 0.75);
  Outage("none", 0, 0.05);
  Outage("capped", 0.95, 0.05);
  Outage("generous", 0.95, 0.5);
  Outage("bounded", 0.95, 0.5, 50ms);
}

}  // namespace holdfast::plots
