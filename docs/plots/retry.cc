// SPDX-License-Identifier: Apache-2.0
// docs/primitives/retry.md: delays, a herd, the budget, and three layers.
#include <holdfast/retry.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <utility>

#include "world.h"

namespace holdfast::plots {
namespace {

using namespace std::chrono_literals;

// 40 delays after each of nine attempts. The clamped ones, for comparison, are drawn without a cap, from
// [0.75 d, 1.5 d], and cut off afterwards, as many libraries do it.
void Delays() {
  struct Kind {
    const char* name;
    Jitter jitter;
    Duration cap;
    double scale;
  };
  constexpr Kind kKinds[] = {{"clamped", Jitter::kEqual, 24h, 1.5},
                             {"full", Jitter::kFull, 2s, 1},
                             {"decorrelated", Jitter::kDecorrelated, 2s, 1}};
  Dice dice(1);
  for (const Kind& kind : kKinds) {
    const auto policy =
        Must(RetryPolicy::Create({.jitter = kind.jitter, .base = 100ms, .cap = kind.cap}));
    for (int caller = 0; caller < 40; ++caller) {
      const uint64_t seed = dice.Next();
      Duration delay{0};
      for (uint32_t attempt = 1; attempt <= 9; ++attempt) {
        delay = Must(policy.Delay(attempt, seed, delay));
        const double drawn = std::min(2.0, kind.scale * Seconds(delay.count()));
        Point("retry_delays", kind.name, attempt + 0.7 * (caller / 40.0 - 0.5), drawn);
      }
    }
  }
}

// 1000 calls lose their dependency at the same moment; it is back after 3 s and serves 1000 a second.
void Herd(const char* series, Jitter jitter) {
  World world(2);
  Dependency dependency(world, 10, [](Dice&) { return 10 * HF_MS; });
  dependency.SetLine(20);
  dependency.SetMode(Dependency::Mode::kRefuses);
  world.At(3 * HF_S, [&] { dependency.SetMode(Dependency::Mode::kUp); });
  const auto pipeline =
      Must(Pipeline::Create({.retry = Must(RetryPolicy::Create({.max_attempts = 30,
                                                                .jitter = jitter,
                                                                .base = 100ms,
                                                                .cap = 5s,
                                                                .tree_retries = 100}))}));

  constexpr hf_duration kUntil = 20 * HF_S;
  Bins load(50 * HF_MS, kUntil);
  Bins answered(50 * HF_MS, kUntil);
  const Send send = [&](const hf_action& action, Answer answer) {
    load.Add(world.Elapsed());
    To(dependency)(action, std::move(answer));
  };
  for (int call = 0; call < 1000; ++call) {
    world.After(world.dice.Between(0, 10 * HF_MS), [&] {
      StartCall(world, pipeline, {}, send, [&](const hf_action& end) {
        if (end.code == HF_OK) answered.Add(world.Elapsed());
      });
    });
  }
  world.Run(kUntil);
  for (size_t bin = 0; bin < load.size(); ++bin) {
    Point("retry_herd_load", series, load.Middle(bin), load.Rate(bin) / 1000);
  }
  double done = 0;
  for (size_t bin = 0; bin < answered.size(); ++bin) {
    Point("retry_herd_done", series, answered.Start(bin), done);
    done += answered[bin];
  }
}

// 100 calls a second, an outage from 10 s to 40 s.
void Budget(const char* series, bool budgeted) {
  World world(3);
  Dependency dependency(world, 1000, [](Dice& dice) { return dice.Exponential(20 * HF_MS); });
  world.At(10 * HF_S, [&] { dependency.SetMode(Dependency::Mode::kRefuses); });
  world.At(40 * HF_S, [&] { dependency.SetMode(Dependency::Mode::kUp); });
  const auto pipeline =
      Must(Pipeline::Create({.retry = Must(RetryPolicy::Create({.max_attempts = 4})),
                             .budget = budgeted ? Must(RetryBudget::Create()) : RetryBudget()}));
  Bins calls(500 * HF_MS, 60 * HF_S);
  Bins attempts(500 * HF_MS, 60 * HF_S);
  const Send send = [&](const hf_action& action, Answer answer) {
    attempts.Add(world.Elapsed());
    To(dependency)(action, std::move(answer));
  };
  world.Every(10 * HF_MS, 60 * HF_S, [&] {
    calls.Add(world.Elapsed());
    StartCall(world, pipeline, {.timeout = 10 * HF_S}, send, [](const hf_action&) {});
  });
  world.Run(60 * HF_S);
  for (size_t bin = 0; bin < calls.size(); ++bin) {
    Point("retry_budget", series, calls.Middle(bin), attempts[bin] / calls[bin]);
  }
}

// Three services in a row, each with three attempts, above a dependency that fails from 2 s to 8 s.
class Layers {
 public:
  Layers(bool allowance, bool budgeted) : allowance_(allowance) {
    for (Pipeline& pipeline : layers_) {
      pipeline = Must(
          Pipeline::Create({.retry = Must(RetryPolicy::Create({.max_attempts = 3, .base = 20ms})),
                            .budget = budgeted ? Must(RetryBudget::Create()) : RetryBudget()}));
    }
  }

  void Run(const char* series) {
    constexpr hf_duration kUntil = 12 * HF_S;
    Bins calls(200 * HF_MS, kUntil);
    Bins attempts(200 * HF_MS, kUntil);
    world_.At(2 * HF_S, [&] { dependency_.SetMode(Dependency::Mode::kRefuses); });
    world_.At(8 * HF_S, [&] { dependency_.SetMode(Dependency::Mode::kUp); });
    world_.Every(10 * HF_MS, kUntil, [&] {
      calls.Add(world_.Elapsed());
      Call(0, 0, &attempts, [](const hf_action&) {});
    });
    world_.Run(kUntil);
    for (size_t bin = 0; bin < calls.size(); ++bin) {
      Point("retry_layers", series, calls.Middle(bin), attempts[bin] / calls[bin]);
    }
  }

 private:
  void Call(size_t layer, int32_t retries, Bins* attempts,
            std::function<void(const hf_action&)> over) {
    const Send send = [this, layer, attempts](const hf_action& action, Answer answer) {
      if (layer + 1 == layers_.size()) {
        attempts->Add(world_.Elapsed());
        return To(dependency_)(action, std::move(answer));
      }
      const int32_t left =
          action.retries == 0 ? HF_NO_RETRIES : static_cast<int32_t>(action.retries);
      Call(layer + 1, allowance_ ? left : 0, attempts,
           [this, answer = std::move(answer)](const hf_action& end) {
             hf_outcome outcome{};
             outcome.code = end.code;
             outcome.retried = allowance_ ? end.retries : 0;
             answer(outcome);
           });
    };
    StartCall(world_, layers_[layer], {.retries = retries}, send, std::move(over));
  }

  const bool allowance_;
  World world_{4};
  Dependency dependency_{world_, 1000, [](Dice& dice) { return dice.Exponential(5 * HF_MS); }};
  std::array<Pipeline, 3> layers_;
};

}  // namespace

void Retry() {
  Delays();
  Herd("none", Jitter::kNone);
  Herd("full", Jitter::kFull);
  Budget("without", false);
  Budget("with", true);
  Layers(false, false).Run("naive");
  Layers(true, false).Run("allowance");
  Layers(true, true).Run("both");
}

}  // namespace holdfast::plots
