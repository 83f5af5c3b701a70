// SPDX-License-Identifier: Apache-2.0
// docs/primitives/throttle.md: what an overloaded dependency gets done, and the way back.
#include <holdfast/throttle.h>

#include <algorithm>
#include <chrono>

#include "world.h"

namespace holdfast::plots {
namespace {

using namespace std::chrono_literals;

// Works 100 calls a second, and pays for each refusal a fifth of what a call costs.
class Overloaded {
 public:
  explicit Overloaded(World& world) : world_(world) {}
  bool Serve() {
    const hf_duration now = world_.Elapsed();
    work_ = std::min(10.0, work_ + Seconds(now - last_) * capacity_);
    last_ = now;
    const bool takes = work_ >= 1;
    work_ = std::max(0.0, work_ - (takes ? 1 : 0.2));
    return takes;
  }
  void SetCapacity(double capacity) { capacity_ = capacity; }

 private:
  World& world_;
  double capacity_ = 100;
  double work_ = 10;
  hf_duration last_ = 0;
};

// True if answered.
bool Ask(World& world, const Throttle& throttle, Overloaded& dependency, double* sent) {
  if (throttle && !throttle.Admit(world.dice.Next(), world.Now()).ok()) return false;
  ++*sent;
  const bool ok = dependency.Serve();
  if (throttle) throttle.Record(ok ? HF_VERDICT_SUCCESS : HF_VERDICT_FAILURE, world.Now());
  return ok;
}

Throttle Make(double success_rate) {
  return success_rate == 0
             ? Throttle()
             : Must(Throttle::Create(
                   {.window = 10s, .success_rate = success_rate, .max_rejection = 0.95}));
}

void Load(const char* series, double success_rate) {
  constexpr hf_duration kWarm = 60 * HF_S;
  constexpr hf_duration kUntil = 120 * HF_S;
  for (int wanted = 50; wanted <= 1000; wanted += wanted < 200 ? 25 : 100) {
    World world(static_cast<uint64_t>(wanted));
    Overloaded dependency(world);
    const Throttle throttle = Make(success_rate);
    double sent = 0;
    double answered = 0;
    world.Arrivals(wanted, 0, kUntil, [&] {
      double now_sent = 0;
      const bool ok = Ask(world, throttle, dependency, &now_sent);
      if (world.Elapsed() < kWarm) return;
      sent += now_sent;
      answered += ok ? 1 : 0;
    });
    world.Run(kUntil);
    const double rate = sent / Seconds(kUntil - kWarm);
    Point("throttle_answered", series, wanted, answered / Seconds(kUntil - kWarm));
    Point("throttle_refused", series, wanted, (1 - rate / wanted) * 100);
  }
}

// 80 calls a second to a dependency that can do ten a second from 20 s to 60 s.
void Recovery(const char* series, double success_rate) {
  constexpr hf_duration kUntil = 200 * HF_S;
  World world(1);
  Overloaded dependency(world);
  world.At(20 * HF_S, [&] { dependency.SetCapacity(10); });
  world.At(60 * HF_S, [&] { dependency.SetCapacity(100); });
  const Throttle throttle = Make(success_rate);
  Bins wanted(2 * HF_S, kUntil);
  Bins sent(2 * HF_S, kUntil);
  world.Arrivals(80, 0, kUntil, [&] {
    double now_sent = 0;
    Ask(world, throttle, dependency, &now_sent);
    sent.Add(world.Elapsed(), now_sent);
    wanted.Add(world.Elapsed());
  });
  world.Run(kUntil);
  for (size_t bin = 0; bin < sent.size(); ++bin) {
    Point("throttle_recovery", series, sent.Middle(bin), sent[bin] / wanted[bin] * 100);
  }
}

}  // namespace

void Throttles() {
  Load("none", 0);
  Load("half", 0.5);
  Load("three_quarters", 0.75);
  Load("nine_tenths", 0.9);
  Recovery("half", 0.5);
  Recovery("three_quarters", 0.75);
  Recovery("nine_tenths", 0.9);
}

}  // namespace holdfast::plots
