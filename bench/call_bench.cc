// SPDX-License-Identifier: Apache-2.0
// A whole guarded call through the C++ driver: real clock, fresh seed, success at once. The session
// alone, with `now` passed in, shows what of it is decision and what is clock.
#include <benchmark/benchmark.h>
#include <holdfast/call.h>
#include <holdfast/journal.h>

#include <chrono>
#include <cstdlib>

namespace {

using std::chrono::hours;
using std::chrono::seconds;

holdfast::Pipeline NewPipeline() {
  return holdfast::Pipeline::Create({.retry = holdfast::RetryPolicy::Create().value(),
                                     .budget = holdfast::RetryBudget::Create().value(),
                                     .breaker = holdfast::CircuitBreaker::Create().value(),
                                     .bulkhead = holdfast::Bulkhead::Create().value()})
      .value();
}

void Guarded(benchmark::State& state) {
  static const holdfast::Pipeline pipeline = NewPipeline();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        holdfast::Call(pipeline, {.timeout = seconds(1)}, [] { return absl::OkStatus(); }));
  }
}
BENCHMARK(Guarded)->Name("call/guarded");
BENCHMARK(Guarded)->Name("call/guarded")->Threads(2)->UseRealTime();

void Unguarded(benchmark::State& state) {
  const holdfast::Pipeline pipeline = holdfast::Pipeline::Create({}).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(holdfast::Call(pipeline, {}, [] { return absl::OkStatus(); }));
  }
}
BENCHMARK(Unguarded)->Name("call/no_guards");

void Session(benchmark::State& state) {
  const holdfast::Pipeline pipeline = NewPipeline();
  hf_call_options options = HF_INIT(hf_call_options);
  options.seed = 7;
  options.deadline = 3 * HF_S;
  const hf_outcome success{};
  for (auto _ : state) {
    hf_call call;
    hf_action action;
    hf_call_start(&call, pipeline.raw(), &options, HF_S, &action);
    hf_call_resume(&call, &success, HF_S, &action);
    if (action.kind != HF_DO_FINISH) std::abort();
  }
}
BENCHMARK(Session)->Name("call/session");

// Every guard on, and none with a reason to refuse: a kill switch and a fault that mean another operation, a
// ramp that is over, limits that are far away.
class AllGuards {
 public:
  AllGuards() {
    const hf_time now = holdfast::Clock::Steady().Now();
    const auto kill_switch = holdfast::KillSwitch::Create({.journal = journal_.raw()}).value();
    const auto token = kill_switch.Arm({.match = {.operation = "refund"},
                                        .owner = "bench",
                                        .reason = "means another operation",
                                        .expiry = hours(24)},
                                       now);
    if (!kill_switch.Fire(token.value(), now).ok()) std::abort();
    const holdfast::FaultRule rule{
        .match = {.operation = "refund"}, .rate = 1, .code = absl::StatusCode::kUnavailable};
    const auto fault = holdfast::FaultInjector::Create(
                           {.rules = {&rule, 1}, .expiry = hours(24), .journal = journal_.raw()})
                           .value();
    if (!fault.Start(now).ok()) std::abort();
    const holdfast::RateLimiterOptions plenty{.permits = 1'000'000'000, .journal = journal_.raw()};
    const double shares[] = {0.5, 0.25};
    pipeline_ =
        holdfast::Pipeline::Create(
            {.retry = holdfast::RetryPolicy::Create().value(),
             .budget = holdfast::RetryBudget::Create({.journal = journal_.raw()}).value(),
             .breaker =
                 holdfast::CircuitBreaker::Create(
                     {.slow_after = seconds(1), .ramp_for = seconds(1), .journal = journal_.raw()})
                     .value(),
             .bulkhead =
                 holdfast::Bulkhead::Create({.queue = 64,
                                             .refuse_no_time = true,
                                             .partition_share = shares,
                                             .user_share = 0.5,
                                             .journal = journal_.raw(),
                                             .adaptive = holdfast::AdaptiveLimit::Create().value()})
                     .value(),
             .attempt_timeout = seconds(1),
             .call_bulkhead =
                 holdfast::Bulkhead::Create({.queue = 64, .partition_share = shares}).value(),
             .kill_switch = kill_switch,
             .throttle = holdfast::Throttle::Create({.journal = journal_.raw()}).value(),
             .fault = fault,
             .limiter = holdfast::RateLimiter::Create(plenty).value(),
             .call_limiter = holdfast::RateLimiter::Create(plenty).value()})
            .value();
  }

  const holdfast::Pipeline& pipeline() const { return pipeline_; }

 private:
  const holdfast::Journal journal_ = holdfast::Journal::Create().value();
  holdfast::Pipeline pipeline_;
};

void AllGuarded(benchmark::State& state) {
  static const AllGuards guards;
  const hf_bulkhead_request request = holdfast::BulkheadRequest{.partition = 1, .user = 7}.Raw();
  for (auto _ : state) {
    const absl::Status status = holdfast::Call(
        guards.pipeline(),
        {.timeout = seconds(1), .operation = "charge", .tenant = "acme", .request = &request},
        [] { return absl::OkStatus(); });
    if (!status.ok()) std::abort();
  }
}
BENCHMARK(AllGuarded)->Name("call/all_guards");
BENCHMARK(AllGuarded)->Name("call/all_guards")->Threads(2)->UseRealTime();

void AllGuardedSession(benchmark::State& state) {
  static const AllGuards guards;
  static const hf_time now = holdfast::Clock::Steady().Now();
  const hf_bulkhead_request request = holdfast::BulkheadRequest{.partition = 1, .user = 7}.Raw();
  const hf_facts facts = holdfast::ToFacts({.operation = "charge", .tenant = "acme"});
  hf_call_options options = HF_INIT(hf_call_options);
  options.seed = 7;
  options.request = &request;
  options.facts = &facts;
  const hf_outcome success{};
  // A microsecond a call, so that windows move and tokens flow in.
  hf_time time = now;
  for (auto _ : state) {
    hf_call call;
    hf_action action;
    time += HF_US;
    options.deadline = time + HF_S;
    hf_call_start(&call, guards.pipeline().raw(), &options, time, &action);
    hf_call_resume(&call, &success, time, &action);
    if (action.kind != HF_DO_FINISH || action.code != HF_OK) std::abort();
  }
}
BENCHMARK(AllGuardedSession)->Name("call/all_guards_session");
BENCHMARK(AllGuardedSession)->Name("call/all_guards_session")->Threads(2)->UseRealTime();

// What a refusal costs: a status with its reason and payload.
void Refused(benchmark::State& state) {
  const holdfast::CircuitBreaker breaker = holdfast::CircuitBreaker::Create().value();
  if (!breaker.Force(holdfast::BreakerState::kForcedOpen, HF_S).ok()) std::abort();
  const holdfast::Pipeline pipeline = holdfast::Pipeline::Create({.breaker = breaker}).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(holdfast::Call(pipeline, {}, [] { return absl::OkStatus(); }));
  }
}
BENCHMARK(Refused)->Name("call/refused");

}  // namespace

BENCHMARK_MAIN();
