// SPDX-License-Identifier: Apache-2.0
// Eight threads hammer one pipeline with every guard switched on, and in the end every count is exact.
//
// Storm: operators update, force, save, restore, stop and read meanwhile; what must hold whatever they do is
// checked. Calm: nobody interferes, nothing depends on how long a call takes, so each count is known.
#include "driver/stress.h"

#include <gtest/gtest.h>
#include <holdfast/context.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "driver/stress_world.h"

namespace holdfast::driver_test {
namespace {

// Rules of the kill switch, which remembers 64. Each means the calls of its own epoch alone, so that no call
// is hit by two.
constexpr int kEpochs = 60;

class ActionsSeen final : public CallObserver {
 public:
  explicit ActionsSeen(Ledger& ledger) : ledger_(ledger) {}
  void OnAction(const hf_action& action) override {
    if ((action.events & HF_EVENT_FAULT) != 0) ++ledger_[Count::kFaults];
    if (action.kind == HF_DO_FINISH && action.reason == HF_R_KILLED) {
      ++ledger_[before_ ? Count::kKilledLate : Count::kKilledAtOnce];
    }
    before_ = true;
  }

 private:
  Ledger& ledger_;
  bool before_ = false;
};

// One thread's calls. The operators may stop the one under way.
class Worker {
 public:
  Worker(World& world, const std::atomic<int>& epoch, uint64_t seed)
      : world_(world), epoch_(epoch), dice_(seed) {}

  void Run(const Stint& stint) {
    while (!stint.over() && !world_.clock.IsFarOn()) {
      ++ledger_[Count::kCalls];
      try {
        One();
      } catch (const std::runtime_error&) {
        ++ledger_[Count::kThrown];
      }
      world_.clock.Advance(dice_.Between(0, 50) * HF_US);  // it has other things to do, too
    }
  }

  void Stop() {
    const std::lock_guard lock(mutex_);
    stop_.request_stop();
  }

  const Ledger& ledger() const { return ledger_; }

 private:
  void One() {
    const bool calm = world_.rules.calm;
    const std::string story = "r" + std::to_string(epoch_.load(std::memory_order_relaxed));
    hf_bulkhead_request request =
        BulkheadRequest{.partition = static_cast<uint32_t>(dice_.Below(2)),
                        .criticality = static_cast<Criticality>(dice_.Between(1, 4)),
                        .user = 1 + dice_.Below(4)}
            .Raw();
    const Context shared = dice_.Chance(20) ? *Context::Create({.retries = 1}) : Context();
    CallReport report;
    ActionsSeen observer(ledger_);
    Facts facts{.operation = "charge", .tenant = "acme", .target = "host-1"};
    if (dice_.Chance(50)) facts.correlation_id = story;
    CallOptions options{.idempotent = dice_.Chance(80),
                        .context = shared.raw(),
                        .facts = &facts,
                        .report = &report,
                        .observer = &observer,
                        .clock = &world_.clock};
    if (dice_.Chance(80)) options.request = &request;
    if (!calm && dice_.Chance(30)) options.timeout = Duration{dice_.Between(1, 3000) * HF_US};
    if (!calm && dice_.Chance(10)) options.stop = FreshStop();
    const absl::Status status =
        Call(world_.pipeline, options, Answering(world_, dice_, ledger_, options.idempotent));
    Note(report, status);
  }

  std::stop_token FreshStop() {
    const std::lock_guard lock(mutex_);
    stop_ = std::stop_source();
    return stop_.get_token();
  }

  void Note(const CallReport& report, const absl::Status& status) {
    if (report.seed == 0) return;
    ++ledger_[Count::kReports];
    ++ledger_.reason(report.reason);
    ledger_[Count::kAttempts] += report.attempts;
    // Who is turned away must not keep those off the processor who are inside.
    if (report.attempts == 0) std::this_thread::yield();
    EXPECT_EQ(report.reason == HF_R_NONE, report.code == absl::StatusCode::kOk);
    // A canned result is a success whatever its function says, and here it says the same.
    EXPECT_EQ(status.ok(), report.code == absl::StatusCode::kOk) << status;
    if (report.reason != HF_R_NONE && !status.ok()) {
      EXPECT_EQ(RejectionOf(status)->reason, report.reason);
    }
  }

  World& world_;
  const std::atomic<int>& epoch_;
  model::Dice dice_;
  Ledger ledger_;
  std::mutex mutex_;
  std::stop_source stop_;
};

// Whoever runs the service, at a bad time.
class Operator {
 public:
  Operator(World& world, std::vector<std::unique_ptr<Worker>>& workers, uint64_t seed)
      : world_(world), workers_(workers), dice_(seed) {}

  void Run(const Stint& stint) {
    while (!stint.over()) {
      Act(world_.clock.Now());
      for (uint64_t pause = dice_.Below(100); pause > 0; --pause) std::this_thread::yield();
    }
    EXPECT_TRUE(world_.breaker.Force(BreakerState::kClosed, world_.clock.Now()).ok());
  }

 private:
  void Act(hf_time now) {
    const CircuitBreaker& breaker = world_.breaker;
    switch (dice_.Below(10)) {
      case 0:
        return world_.Update(static_cast<uint32_t>(dice_.Below(12)), now);
      case 1:
        return Force(now);
      case 2:
        EXPECT_TRUE(breaker.Restore(breaker.Save(now), now).ok());
        return;
      case 3:
        EXPECT_TRUE(breaker.Merge(dice_.Below(4), breaker.Snapshot(now), now).ok());
        return;
      case 4:
        world_.fault.Stop(HF_R_ABORTED, now);
        [[fallthrough]];
      case 5:
        EXPECT_TRUE(world_.fault.Start(now).ok());
        return;
      case 6:
        return world_.outage.store(true, std::memory_order_relaxed);
      case 7:
        return world_.outage.store(false, std::memory_order_relaxed);
      case 8:
        return workers_[dice_.Below(workers_.size())]->Stop();
      default:
        return Look(now);
    }
  }

  void Force(hf_time now) {
    constexpr BreakerState kStates[] = {BreakerState::kForcedOpen, BreakerState::kDisabled,
                                        BreakerState::kMetricsOnly};
    EXPECT_TRUE(world_.breaker.Force(dice_.OneOf(kStates), now).ok());
    for (int pause = 0; pause < 20; ++pause) std::this_thread::yield();
    EXPECT_TRUE(world_.breaker.Force(BreakerState::kClosed, world_.clock.Now()).ok());
  }

  void Look(hf_time now) {
    const RetryBudgetSnapshot budget = world_.budget.Snapshot();
    EXPECT_GE(budget.tokens, 0);
    EXPECT_LE(budget.tokens, 50);
    EXPECT_LE(world_.bulkhead.Snapshot().waiting, 4u);
    EXPECT_LE(world_.call_bulkhead.Snapshot().waiting, 3u);
    EXPECT_LE(world_.fault.Snapshot(now).active, 4u);
    EXPECT_LE(world_.kill.Snapshot(now).on, 1u);
    const BreakerSnapshot breaker = world_.breaker.Snapshot(now);
    EXPECT_GE(breaker.admitted, 0);
    EXPECT_LE(breaker.admitted, 1);
    EXPECT_GE(world_.throttle.Snapshot(now).rejection, 0);
    EXPECT_LE(world_.throttle.Snapshot(now).rejection, 0.5);
    EXPECT_GE(world_.limiter.Snapshot(world_.clock).rate, 0);
    EXPECT_GE(world_.adaptive.Snapshot().limit, 3u);
    EXPECT_LE(world_.adaptive.Snapshot().limit, 8u);
  }

  World& world_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  model::Dice dice_;
};

// Stops each epoch's calls for a third of it.
void Kill(const World& world, SteppingClock& clock, std::atomic<int>& epoch, const Stint& stint) {
  const auto third = Stint::Length() / (3 * kEpochs);
  auto next = std::chrono::steady_clock::now();
  const auto pause = [&] {
    next += third;
    while (std::chrono::steady_clock::now() < next) std::this_thread::yield();
  };
  for (int i = 0; i < kEpochs && !stint.over(); ++i) {
    epoch.store(i, std::memory_order_relaxed);
    const std::string story = "r" + std::to_string(i);
    const absl::StatusOr<uint64_t> token = world.kill.Arm({.match = {.correlation_id = story},
                                                           .owner = "ann",
                                                           .reason = "a drill",
                                                           .expiry = 24h * 30},
                                                          clock.Now());
    ASSERT_TRUE(token.ok()) << token.status();
    pause();
    EXPECT_TRUE(world.kill.Fire(*token, clock.Now()).ok());
    pause();
    EXPECT_TRUE(world.kill.Lift(*token, "ann", clock.Now()).ok());
    pause();
  }
}

// Runs the world for a stint, and joins the ledgers.
Ledger Hammer(World& world, int operators, JournalReader& reader) {
  std::atomic<int> epoch{0};
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.push_back(std::make_unique<Worker>(world, epoch, static_cast<uint64_t>(i) + 1));
  }
  const Stint stint;
  std::vector<std::thread> threads;
  for (const auto& worker : workers) {
    threads.emplace_back([&worker, &stint] { worker->Run(stint); });
  }
  for (int i = 0; i < operators; ++i) {
    threads.emplace_back(
        [&, i] { Operator(world, workers, 100 + static_cast<uint64_t>(i)).Run(stint); });
  }
  threads.emplace_back([&] { reader.Follow(stint); });
  threads.emplace_back([&] { Kill(world, world.clock, epoch, stint); });
  for (std::thread& thread : threads) thread.join();
  Ledger all;
  for (const auto& worker : workers) all.Join(worker->ledger());
  return all;
}

struct Refusals {
  uint64_t full, over_share, no_time, timed_out, dropped;
};

Refusals Of(const Bulkhead& bulkhead) {
  const BulkheadSnapshot end = bulkhead.Snapshot();
  return {end.refused, end.over_share, end.no_time, end.timed_out, end.dropped};
}

uint64_t Sum(const Refusals& of) {
  return of.full + of.over_share + of.no_time + of.timed_out + of.dropped;
}

// What holds for whoever interferes. `abandoned`: calls that may have left a queue without hearing its answer.
void CheckWhatAlwaysHolds(World& world, const Ledger& all, uint64_t abandoned) {
  const hf_time now = world.clock.Now();
  world.CheckAtRest(now);
  EXPECT_EQ(all[Count::kCalls], all[Count::kReports] + all[Count::kThrown]);
  EXPECT_GT(all.reason(HF_R_NONE), 0u);

  uint64_t hits = 0;
  for (const KillEntry& entry : world.kill.List(now)) hits += entry.hits;
  EXPECT_EQ(hits, all.reason(HF_R_KILLED));
  EXPECT_EQ(world.kill.Snapshot(now).refused, all.reason(HF_R_KILLED));
  EXPECT_EQ(world.throttle.Snapshot(now).refused, all.reason(HF_R_THROTTLED));
  EXPECT_EQ(world.limiter.Snapshot(world.clock).refused +
                world.call_limiter.Snapshot(world.clock).refused,
            all.reason(HF_R_RATE_LIMITED));

  const FaultSnapshot faults = world.fault.Snapshot(now);
  EXPECT_EQ(faults.errors + faults.delays + faults.results, all[Count::kFaults]);

  const Refusals inner = Of(world.bulkhead), outer = Of(world.call_bulkhead);
  EXPECT_EQ(inner.full + outer.full, all.reason(HF_R_BULKHEAD_FULL));
  EXPECT_EQ(inner.over_share + outer.over_share, all.reason(HF_R_BULKHEAD_SHARE));
  EXPECT_EQ(inner.no_time + outer.no_time, all.reason(HF_R_BULKHEAD_NO_TIME));
  const uint64_t gone = inner.timed_out + outer.timed_out + inner.dropped + outer.dropped;
  const uint64_t told = all.reason(HF_R_BULKHEAD_TIMEOUT) + all.reason(HF_R_BULKHEAD_OVERLOADED);
  EXPECT_GE(gone, told);
  EXPECT_LE(gone, told + abandoned);
}

// A token given back where the bucket has no room for all of it is given back in part, and the parts are
// shown in whole tokens: of the two sums one may be short by what is left over.
// Of `late` more it is not known whether they took one and gave it back.
void CheckTokens(const RateLimiterSnapshot& end, uint64_t taken, uint64_t given_back,
                 uint64_t late) {
  EXPECT_LE(end.granted + end.refunded, taken + late);
  EXPECT_GE(end.granted + end.refunded + 1, taken);
  EXPECT_LE(end.refunded, given_back + late);
}

void CheckJournal(World& world, JournalReader& reader) {
  reader.CheckNothingIsUnaccountedFor([&] { world.Update(1, world.clock.Now()); });
  EXPECT_EQ(reader.objects(), kGuards) << "every guard has something to tell";
}

void Tell(const World& world, const Ledger& all) {
  std::string text;
  for (hf_reason reason = 0; reason < 400; ++reason) {
    if (all.reason(reason) == 0) continue;
    text += std::string(" ") + hf_reason_name(reason) + "=" + std::to_string(all.reason(reason));
  }
  const JournalSnapshot journal = world.journal.Snapshot();
  std::printf("%llu calls, %llu attempts, %llu runs;%s; %llu events, %llu lost\n",
              static_cast<unsigned long long>(all[Count::kCalls]),
              static_cast<unsigned long long>(all[Count::kAttempts]),
              static_cast<unsigned long long>(all[Count::kRuns]), text.c_str(),
              static_cast<unsigned long long>(journal.written),
              static_cast<unsigned long long>(journal.lost));
}

TEST(Stress, NothingIsLostWhileOperatorsChangeEverything) {
  World world(false);
  JournalReader reader(world.journal);
  const Ledger all = Hammer(world, 2, reader);
  Tell(world, all);
  CheckWhatAlwaysHolds(world, all, all.reason(HF_R_ABORTED));
  EXPECT_GE(all[Count::kAttempts] + all.reason(HF_R_ABORTED), 1u);
  CheckJournal(world, reader);
}

TEST(Stress, LeftAloneEveryCountIsExact) {
  World world(true);
  JournalReader reader(world.journal);
  const Ledger all = Hammer(world, 0, reader);
  Tell(world, all);
  CheckWhatAlwaysHolds(world, all, 0);
  const hf_time now = world.clock.Now();

  // Each attempt ran, but for those that an injected error took the place of.
  const FaultSnapshot faults = world.fault.Snapshot(now);
  EXPECT_EQ(all[Count::kAttempts], all[Count::kRuns] + faults.errors);

  const uint64_t recorded = all[Count::kRecorded] + faults.errors;
  const uint64_t failed = all[Count::kFailed] + faults.errors;
  const BreakerSnapshot breaker = world.breaker.Snapshot(now);
  EXPECT_EQ(breaker.calls, recorded);
  EXPECT_EQ(breaker.failures, failed);
  EXPECT_EQ(breaker.slow, all[Count::kSlow]);
  EXPECT_EQ(breaker.opened, 0u);
  EXPECT_EQ(breaker.refused, 0u);

  const ThrottleSnapshot throttle = world.throttle.Snapshot(now);
  EXPECT_EQ(throttle.requests, recorded + throttle.refused);
  EXPECT_EQ(throttle.accepts, recorded - failed);

  const RetryBudgetSnapshot budget = world.budget.Snapshot();
  EXPECT_EQ(budget.allowed + budget.refused, all[Count::kCharged] + faults.errors);
  EXPECT_EQ(all.reason(HF_R_BUDGET_EXHAUSTED) > 0, budget.refused > 0);

  // Who was granted tokens went on, or was refused by the bulkhead behind and gave them back.
  const Refusals crowded_out = Of(world.call_bulkhead);
  CheckTokens(world.call_limiter.Snapshot(world.clock),
              all[Count::kCalls] - all[Count::kKilledAtOnce] -
                  world.call_limiter.Snapshot(world.clock).refused,
              Sum(crowded_out) + all[Count::kKilledLate], 0);
  CheckTokens(world.limiter.Snapshot(world.clock), all[Count::kAttempts] + Sum(Of(world.bulkhead)),
              Sum(Of(world.bulkhead)), all[Count::kKilledLate]);

  CheckJournal(world, reader);
}

}  // namespace
}  // namespace holdfast::driver_test
