// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace holdfast::plots {

void Require(bool condition) {
  if (condition) return;
  std::fprintf(stderr, "a guard refused what the figure gave it\n");
  std::abort();
}

uint64_t Dice::Next() {
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t mixed = state_;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
  return (mixed ^ mixed >> 31) | 1;
}

double Dice::Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

double Dice::Exponential() {
  // The length of a falling run of uniforms is odd with the probability that e^-first asks for.
  for (double whole = 0;; whole += 1) {
    const double first = Uniform();
    double last = first;
    bool odd = true;
    for (double next = Uniform(); next < last; next = Uniform()) {
      last = next;
      odd = !odd;
    }
    if (odd) return whole + first;
  }
}

hf_duration Dice::Exponential(hf_duration mean) {
  return static_cast<hf_duration>(Exponential() * static_cast<double>(mean));
}

hf_duration Dice::Between(hf_duration low, hf_duration high) {
  return low + static_cast<hf_duration>(Uniform() * static_cast<double>(high - low));
}

namespace {

struct Stream {
  World& world;
  double rate;
  hf_duration until;
  std::function<void()> event;
};

void NextArrival(const std::shared_ptr<Stream>& stream, hf_duration from) {
  const auto gap = static_cast<hf_duration>(stream->world.dice.Exponential() * 1e9 / stream->rate);
  if (from + gap >= stream->until) return;
  stream->world.At(from + gap, [stream, when = from + gap] {
    NextArrival(stream, when);
    stream->event();
  });
}

void NextStep(const std::shared_ptr<Stream>& stream, hf_duration step, hf_duration at) {
  if (at > stream->until) return;
  stream->world.At(at, [stream, step, at] {
    stream->event();
    NextStep(stream, step, at + step);
  });
}

// A call under way. Keeps itself alive through the event that it waits for.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(World& world, Pipeline pipeline, Send send, std::function<void(const hf_action&)> over)
      : world_(world),
        pipeline_(std::move(pipeline)),
        send_(std::move(send)),
        over_(std::move(over)) {}
  ~Session() { hf_call_abort(&call_, world_.Now()); }

  void Start(const CallSetup& setup) {
    hf_call_options options = HF_INIT(hf_call_options);
    options.seed = world_.dice.Next();
    options.deadline = setup.timeout == 0 ? 0 : world_.Now() + setup.timeout;
    options.flags = HF_CALL_IDEMPOTENT;
    options.retries = setup.retries;
    Require(hf_call_start(&call_, pipeline_.raw(), &options, world_.Now(), &action_) == HF_OK);
    Act();
  }

 private:
  void Act() {
    const uint64_t step = ++step_;
    if (action_.kind == HF_DO_FINISH) return over_(action_);
    auto self = shared_from_this();
    if (action_.kind == HF_DO_ATTEMPT) {
      if (action_.until != 0) {
        hf_outcome late{};
        late.code = HF_DEADLINE_EXCEEDED;
        world_.clock.At(action_.until, [self, step, late] { self->Resume(step, &late); });
      }
      const hf_action attempt = action_;
      return send_(attempt,
                   [self, step](const hf_outcome& outcome) { self->Resume(step, &outcome); });
    }
    world_.clock.At(action_.until, [self, step] { self->Resume(step, nullptr); });
  }

  void Resume(uint64_t step, const hf_outcome* outcome) {
    if (step != step_) return;  // an attempt that was given up, or its timeout
    Require(hf_call_resume(&call_, outcome, world_.Now(), &action_) == HF_OK);
    Act();
  }

  World& world_;
  const Pipeline pipeline_;
  const Send send_;
  const std::function<void(const hf_action&)> over_;
  hf_call call_{};
  hf_action action_{};
  uint64_t step_ = 0;
};

}  // namespace

void World::Arrivals(double rate, hf_duration from, hf_duration until,
                     std::function<void()> event) {
  NextArrival(std::make_shared<Stream>(Stream{*this, rate, until, std::move(event)}), from);
}

void World::Every(hf_duration step, hf_duration until, std::function<void()> event) {
  NextStep(std::make_shared<Stream>(Stream{*this, 0, until, std::move(event)}), step,
           Elapsed() + step);
}

void Dependency::SetServers(uint32_t servers) {
  servers_ = servers;
  Fill();
}

void Dependency::Serve(Done done) {
  if (mode_ == Mode::kHangs) return;
  if (mode_ == Mode::kRefuses || (busy_ >= servers_ && waiting_.size() >= line_)) {
    return world_.After(5 * HF_MS, [done = std::move(done)] { done(false); });
  }
  waiting_.push_back(std::move(done));
  Fill();
}

void Dependency::Fill() {
  while (busy_ < servers_ && !waiting_.empty()) {
    Done next = std::move(waiting_.front());
    waiting_.pop_front();
    Begin(std::move(next));
  }
}

void Dependency::Begin(Done done) {
  ++busy_;
  world_.After(service_(world_.dice), [this, done = std::move(done)] {
    --busy_;
    done(true);
    Fill();
  });
}

Send To(Dependency& dependency) {
  return [&dependency](const hf_action&, Answer answer) {
    dependency.Serve([answer = std::move(answer)](bool ok) {
      hf_outcome outcome{};
      outcome.code = ok ? HF_OK : HF_UNAVAILABLE;
      answer(outcome);
    });
  };
}

void StartCall(World& world, const Pipeline& pipeline, const CallSetup& setup, Send send,
               std::function<void(const hf_action&)> over) {
  std::make_shared<Session>(world, pipeline, std::move(send), std::move(over))->Start(setup);
}

void Point(const char* figure, const std::string& series, double x, double y) {
  std::printf("%s,%s,%.6g,%.6g\n", figure, series.c_str(), x, y);
}

void Rates(const char* figure, const std::string& series, const Bins& bins) {
  for (size_t bin = 0; bin < bins.size(); ++bin) {
    Point(figure, series, bins.Middle(bin), bins.Rate(bin));
  }
}

}  // namespace holdfast::plots
