// SPDX-License-Identifier: Apache-2.0
// Cancellation fuzz: a random operation in a random world, cancelled, or its context destroyed, at a random step.
// Each must complete exactly once (or never, with its context), and give every permit back.
//
// HF_CANCEL_FUZZ sets how many are played; a failure prints the seed of its operation.
#include <gtest/gtest.h>
#include <holdfast/asio/asio.h>
#include <holdfast/memory/store.h>

#include <boost/asio.hpp>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "driver/asio_world.h"
#include "model/dice.h"

namespace holdfast::driver_test {
namespace {

using model::Dice;

uint64_t Operations() {
  const char* const given = std::getenv("HF_CANCEL_FUZZ");
  return given == nullptr ? 100'000 / (model::kSlowness > 1 ? 4 : 1)
                          : std::strtoull(given, nullptr, 10);
}

// Guards shared by all operations of the test, so that a lost permit is seen in the end, too.
struct Guards {
  const Bulkhead bulkhead = Bulkhead::Create({.limit = 2, .queue = 4, .max_wait = 40ms}).value();
  const Bulkhead call_bulkhead =
      Bulkhead::Create({.limit = 2, .queue = 4, .max_wait = 40ms}).value();
  std::unique_ptr<memory::Store> store = memory::Store::Create().value();

  void ExpectNothingHeld() const {
    ASSERT_EQ(bulkhead.Snapshot().in_flight, 0u);
    ASSERT_EQ(bulkhead.Snapshot().waiting, 0u);
    ASSERT_EQ(call_bulkhead.Snapshot().in_flight, 0u);
    ASSERT_EQ(call_bulkhead.Snapshot().waiting, 0u);
  }
};

// One operation from its start to its end, as the seed says.
class Play {
 public:
  Play(const Guards& guards, uint64_t seed) : guards_(guards), dice_(seed), seed_(seed) {}

  void Run() {
    // Some permits are out, and come back later, from outside.
    for (const Bulkhead* each : {&guards_.bulkhead, &guards_.call_bulkhead}) {
      for (uint64_t i = dice_.Below(3); i > 0; --i) {
        auto permit = std::make_shared<absl::StatusOr<BulkheadPermit>>(each->TryAcquire(outside_));
        world_->clock.After(Moment(), [permit] {
          if (permit->ok()) (*permit)->Release();
        });
      }
    }
    Start();
    // Boost 1.81 lets a coroutine of co_spawn's that is cancelled before its first step throw out of run().
    if (IsSpawned()) Step();
    const bool destroys = dice_.Chance(20);
    const bool cancels = dice_.Chance(85);
    uint64_t steps = dice_.Below(12);
    while (steps-- > 0 && Step()) {
    }
    if (destroys) return Destroy();
    if (cancels) world_->cancel.emit(dice_.OneOf(kTypes));
    if (dice_.Chance(30)) world_->cancel.emit(cancellation_type::terminal);
    while (Step()) {
    }
    ASSERT_EQ(completions_, 1) << "operation " << kind_;
    ASSERT_EQ(world_->timers.size(), 0u);
  }

 private:
  static constexpr cancellation_type kTypes[] = {
      cancellation_type::terminal, cancellation_type::partial, cancellation_type::total};

  testing::VirtualClock& clock() { return world_->clock; }
  Duration Moment() { return std::chrono::milliseconds(dice_.Between(0, 60)); }

  // One handler, or one event of the clock. False if there is neither.
  bool Step() {
    world_->io.restart();
    return world_->io.poll_one() > 0 || world_->clock.RunNext();
  }

  // Wherever it is: what others hold comes back with their part of the world.
  void Destroy() {
    world_.reset();
    ASSERT_LE(completions_, 1);
  }

  Pipeline MakePipeline(bool hedged) {
    PipelineOptions options{.bulkhead = guards_.bulkhead};
    if (dice_.Chance(50)) options.attempt_timeout = Moment() + 1ms;
    if (!hedged) {
      options.retry =
          RetryPolicy::Create({.max_attempts = 3, .jitter = Jitter::kNone, .base = 5ms}).value();
      if (dice_.Chance(50)) options.call_bulkhead = guards_.call_bulkhead;
    }
    return Pipeline::Create(options).value();
  }

  // Takes some time, perhaps for ever, perhaps heeds no cancellation; succeeds, fails or throws.
  awaitable<absl::Status> Attempted() {
    if (dice_.Chance(10)) {
      co_await boost::asio::this_coro::reset_cancellation_state(
          boost::asio::disable_cancellation());
    }
    for (uint64_t i = dice_.Below(3); i > 0; --i) {
      co_await asio::SleepUntil(AddTime(clock().Now(), Moment()), &world_->timers, use_awaitable);
    }
    if (dice_.Chance(10)) throw seed_;
    co_return dice_.Chance(50) ? absl::UnavailableError("") : absl::OkStatus();
  }

  template <class... Results>
  auto Done() {
    return boost::asio::bind_executor(
        world_->io.get_executor(),
        boost::asio::bind_cancellation_slot(world_->cancel.slot(),
                                            [this](Results...) { ++completions_; }));
  }
  auto Spawned() { return Done<std::exception_ptr, absl::Status>(); }

  // By the test; what the drivers spawn themselves must bear it.
  bool IsSpawned() const { return kind_ == 0 || kind_ == 2 || kind_ == 5; }

  void Start() {
    kind_ = static_cast<int>(dice_.Below(7));
    const auto attempt = [this](Attempt&) { return Attempted(); };
    asio::CallOptions options = world_->Options({.idempotent = dice_.Chance(80)});
    if (dice_.Chance(50)) options.timeout = Moment() + 1ms;
    const asio::AcquireOptions acquire{
        .timeout = Moment() + 1ms, .clock = &world_->clock, .timers = &world_->timers};
    switch (kind_) {
      case 0:
        boost::asio::co_spawn(world_->io, asio::Call(MakePipeline(false), options, attempt),
                              Spawned());
        break;
      case 1:
        asio::Call(MakePipeline(false), options, attempt, Spawned());
        break;
      case 2:
        boost::asio::co_spawn(world_->io, Nested(options), Spawned());
        break;
      case 3:
        asio::Hedge(HedgePolicy::Create({.mode = HedgeMode::kFixed,
                                         .max_attempts = 3,
                                         .delay = Moment() + 1ms,
                                         .max_rate = 7})
                        .value(),
                    MakePipeline(true),
                    {.timeout = options.timeout,
                     .idempotent = options.idempotent,
                     .clock = &world_->clock,
                     .timers = &world_->timers},
                    attempt, Spawned());
        break;
      case 4:
        asio::Acquire(guards_.bulkhead, acquire, Done<absl::StatusOr<BulkheadPermit>>());
        break;
      case 5:
        boost::asio::co_spawn(world_->io, asio::Acquire(guards_.call_bulkhead, acquire),
                              Done<std::exception_ptr, absl::StatusOr<BulkheadPermit>>());
        break;
      case 6:
        key_ = std::to_string(seed_);
        asio::RunOnce(
            world_->io.get_executor(), *guards_.store, {.key = key_},
            {.no_fingerprint = true, .clock = &world_->clock, .timers = &world_->timers},
            [this](asio::Ticket&) { return Attempted(); },
            Done<std::exception_ptr, absl::StatusOr<RunOnceResult>>());
        break;
    }
  }

  // A call inside a call, the inner one in the generic form.
  awaitable<absl::Status> Nested(asio::CallOptions options) {
    const Pipeline outer = Pipeline::Create({.attempt_timeout = Moment() + 1ms,
                                             .call_bulkhead = guards_.call_bulkhead})
                               .value();
    const Pipeline inner = MakePipeline(false);
    co_return co_await asio::Call(outer, options, [&](Attempt&) {
      return asio::Call(inner, options, [this](Attempt&) { return Attempted(); }, use_awaitable);
    });
  }

  const Guards& guards_;
  Dice dice_;
  const uint64_t seed_;
  testing::VirtualClock outside_;  // of the permits that others hold
  int kind_ = 0;
  int completions_ = 0;
  std::string key_;
  std::unique_ptr<AsioWorld> world_ = std::make_unique<AsioWorld>();  // last: its handlers know all
};

TEST(AsioCancelFuzz, NoPermitIsLostAndEachCompletesOnce) {
  const Guards guards;
  const uint64_t operations = Operations();
  for (uint64_t seed = 1; seed <= operations; ++seed) {
    SCOPED_TRACE(seed);
    {
      Play play(guards, seed);
      play.Run();
    }
    guards.ExpectNothingHeld();
    if (::testing::Test::HasFatalFailure()) return;
  }
  RecordProperty("operations", std::to_string(operations));
}

}  // namespace
}  // namespace holdfast::driver_test
