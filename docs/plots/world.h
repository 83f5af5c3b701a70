// SPDX-License-Identifier: Apache-2.0
// What the figures have in common: chance from a fixed seed, a dependency in virtual time, and calls to it.
// The guards are the library's own; only the world around them is made up.
#ifndef HOLDFAST_DOCS_PLOTS_WORLD_H_
#define HOLDFAST_DOCS_PLOTS_WORLD_H_

#include <absl/status/statusor.h>
#include <holdfast/c/call.h>
#include <holdfast/pipeline.h>
#include <holdfast/testing/virtual_clock.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::plots {

// What the guards were created with is known to be right; a figure of a failed Create must not be drawn.
void Require(bool condition);
template <typename T>
T Must(absl::StatusOr<T> made) {
  Require(made.ok());
  return *std::move(made);
}

// splitmix64. Exponential delays by von Neumann's comparisons alone: no logarithm, whose last bit differs
// between machines.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t Next();       // not 0
  double Uniform();      // [0, 1)
  double Exponential();  // mean 1
  hf_duration Exponential(hf_duration mean);
  hf_duration Between(hf_duration low, hf_duration high);

 private:
  uint64_t state_;
};

// Time, from 0 for the figure.
class World {
 public:
  explicit World(uint64_t seed) : dice(seed) {}
  hf_time Now() { return clock.Now(); }
  hf_duration Elapsed() { return clock.elapsed().count(); }
  void After(hf_duration delay, std::function<void()> event) {
    clock.After(Duration{delay}, std::move(event));
  }
  // At a point in figure time.
  void At(hf_duration when, std::function<void()> event) {
    After(when - Elapsed(), std::move(event));
  }
  void Run(hf_duration until) { clock.Advance(Duration{until - Elapsed()}); }
  // `event` at `rate` a second from `from` to `until`, independent of each other (Poisson).
  void Arrivals(double rate, hf_duration from, hf_duration until, std::function<void()> event);
  // `event` each `step`, from one step after `from` on.
  void Every(hf_duration step, hf_duration until, std::function<void()> event);

  testing::VirtualClock clock;
  Dice dice;
};

// Serves up to `servers` calls at once; the others wait in line, at most `line` of them.
class Dependency {
 public:
  enum class Mode { kUp, kRefuses, kHangs };
  using Done = std::function<void(bool ok)>;

  Dependency(World& world, uint32_t servers, std::function<hf_duration(Dice&)> service)
      : world_(world), servers_(servers), service_(std::move(service)) {}

  void SetMode(Mode mode) { mode_ = mode; }
  void SetServers(uint32_t servers);
  void SetLine(size_t line) { line_ = line; }
  // Answers later, or never if it hangs. A refusal takes 5 ms.
  void Serve(Done done);

 private:
  void Begin(Done done);
  void Fill();

  World& world_;
  uint32_t servers_;
  std::function<hf_duration(Dice&)> service_;
  size_t line_ = SIZE_MAX;
  Mode mode_ = Mode::kUp;
  uint32_t busy_ = 0;
  std::deque<Done> waiting_;
};

// A call through a pipeline, driven by the events of the virtual clock. `send` makes an attempt and answers,
// or not: then its timeout does. `over` is told the FINISH.
using Answer = std::function<void(const hf_outcome&)>;
using Send = std::function<void(const hf_action&, Answer)>;
struct CallSetup {
  hf_duration timeout = 0;
  int32_t retries = 0;  // what the layer above left
};
void StartCall(World& world, const Pipeline& pipeline, const CallSetup& setup, Send send,
               std::function<void(const hf_action&)> over);

// A Send that asks `dependency`.
Send To(Dependency& dependency);

// Counts per bin of time.
class Bins {
 public:
  Bins(hf_duration width, hf_duration until)
      : width_(width), counts_(static_cast<size_t>(until / width)) {}
  void Add(hf_duration when, double amount = 1) {
    const auto bin = static_cast<size_t>(when / width_);
    if (when >= 0 && bin < counts_.size()) counts_[bin] += amount;
  }
  size_t size() const { return counts_.size(); }
  double operator[](size_t bin) const { return counts_[bin]; }
  double Rate(size_t bin) const { return counts_[bin] * 1e9 / static_cast<double>(width_); }
  double Middle(size_t bin) const {
    return (static_cast<double>(bin) + 0.5) * static_cast<double>(width_) / 1e9;
  }
  double Start(size_t bin) const {
    return static_cast<double>(bin) * static_cast<double>(width_) / 1e9;
  }

 private:
  hf_duration width_;
  std::vector<double> counts_;
};

// One point of a figure: "figure,series,x,y".
void Point(const char* figure, const std::string& series, double x, double y);
// All bins as rates per second, over seconds.
void Rates(const char* figure, const std::string& series, const Bins& bins);

constexpr double Seconds(hf_duration duration) { return static_cast<double>(duration) / 1e9; }

// Each page's figures.
void Retry();
void Breaker();
void Bulkheads();
void Adaptive();
void Throttles();
void Limiter();
void Hedges();

}  // namespace holdfast::plots

#endif  // HOLDFAST_DOCS_PLOTS_WORLD_H_
