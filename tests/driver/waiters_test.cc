// SPDX-License-Identifier: Apache-2.0
// Waiting together: one winner of ten thousand, one poller, dead holders, limits, cancellation and churn.
#include <gtest/gtest.h>
#include <holdfast/idempotency.h>
#include <holdfast/memory/store.h>
#include <holdfast/run_once_async.h>
#include <holdfast/steady_timers.h>
#include <holdfast/testing/virtual_clock.h>
#include <holdfast/testing/virtual_timers.h>
#include <holdfast/waiters.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "model/dice.h"
#include "store/requests.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;
using Result = absl::StatusOr<RunOnceResult>;

// Counts what reaches the store behind.
class CountingStore final : public Store {
 public:
  explicit CountingStore(Store& behind) : behind_(behind) {}
  StoreReply Execute(const StoreRequest& request, Duration timeout) override {
    ++(request.verb == HF_STORE_READ ? reads : others);
    return behind_.Execute(request, timeout);
  }
  Guarantee guarantee() const override { return behind_.guarantee(); }
  bool blocks() const override { return behind_.blocks(); }

  std::atomic<int> reads{0};
  std::atomic<int> others{0};

 private:
  Store& behind_;
};

// Virtual time, in which the keys are looked after by the clock.
class WaitersTest : public ::testing::Test {
 protected:
  void Open(WaitersOptions options = {}) {
    options.own_thread = false;
    options.clock = &clock;
    waiters = Waiters::Create(store, options).value();
  }
  // Time passes for the store as for everyone.
  void Pass(Duration by) {
    for (const hf_time until = AddTime(clock.Now(), by); clock.Now() < until;) {
      const hf_time next = std::min(until, std::max(waiters->Look(), clock.Now() + 1));
      store_clock.Advance(next - clock.Now());
      clock.Advance(Duration{next - clock.Now()});
    }
    waiters->Look();
  }
  RunOnceOptions Options(Duration max_wait = 10s) {
    RunOnceOptions options{.request = "request"};
    options.on_expiry = OnExpiry::kTakeover;
    options.max_wait = max_wait;
    options.lease = 1s;
    options.waiters = waiters.get();
    options.clock = &clock;
    return options;
  }
  // Somebody holds the key, and will not settle it unless `holder` is called.
  void Hold() {
    Start(holding, [this](AsyncTicket&, FinishWork finish) { holder = std::move(finish); });
  }
  template <class Work>
  AsyncCall Start(std::optional<Result>& got, Work work, Duration max_wait = 10s) {
    return RunOnceAsync(store, timers, {.key = "hot"}, Options(max_wait), std::move(work),
                        [&got](Result result) { got = std::move(result); });
  }
  static hf_reason ReasonOf(const Result& result) {
    const auto rejection = RejectionOf(result.status());
    return rejection ? rejection->reason : HF_R_NONE;
  }

  testing::VirtualClock clock;
  testing::VirtualTimers timers{clock};
  testing::StoreClock store_clock;
  std::unique_ptr<memory::Store> memory =
      memory::Store::Create({.clock = store_clock.Function()}).value();
  CountingStore store{*memory};
  std::unique_ptr<Waiters> waiters;
  std::optional<Result> holding;
  std::optional<FinishWork> holder;
  static constexpr auto kNever = [](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); };
};

TEST_F(WaitersTest, TenThousandWaitersGetTheResultAtOnceAndOneReadALook) {
  constexpr size_t kWaiting = 10000;
  Open();
  Hold();
  std::vector<std::optional<Result>> got(kWaiting);
  for (auto& result : got) Start(result, kNever);
  EXPECT_EQ(waiters->stats().waiting, kWaiting);
  EXPECT_EQ(waiters->stats().keys, 1u);
  const int claims = store.others;
  Pass(900ms);
  EXPECT_EQ(store.others, claims) << "nobody asks for himself";
  EXPECT_LE(store.reads, 12) << "5, 10, ... 250 ms";
  EXPECT_GE(store.reads, 4);
  const int reads = store.reads;
  (*holder)("done");
  for (const auto& result : got) {
    ASSERT_TRUE(result.has_value());
    ASSERT_EQ((*result)->body, "done");
    ASSERT_TRUE((*result)->replayed);
  }
  EXPECT_EQ(store.reads, reads) << "woken by the holder, not by a look";
  EXPECT_EQ(waiters->stats().waiting, 0u);
  EXPECT_EQ(waiters->stats().woken, kWaiting);
}

TEST_F(WaitersTest, AHolderThatDiesIsFollowedByExactlyOneAndTheOthersWaitOn) {
  Open();
  Hold();  // and never settles
  std::vector<std::optional<Result>> got(1000);
  std::vector<FinishWork> running;
  for (auto& result : got) {
    Start(result, [&](AsyncTicket& ticket, FinishWork finish) {
      EXPECT_EQ(ticket.attempt(), 2u);
      running.push_back(std::move(finish));
    });
  }
  Pass(1100ms);
  ASSERT_EQ(running.size(), 1u);
  EXPECT_EQ(waiters->stats().waiting, 999u);
  Pass(500ms);
  ASSERT_EQ(running.size(), 1u);
  running[0]("taken over");
  for (const auto& result : got) EXPECT_EQ(result.value()->body, "taken over");
  (*holder)("zombie's");
  EXPECT_EQ(ReasonOf(*holding), HF_R_IDEM_FENCED);
}

TEST_F(WaitersTest, AKeyThatIsGivenBackIsForOneAtATime) {
  Open();
  Hold();
  std::vector<std::optional<Result>> got(3);
  int runs = 0;
  for (auto& result : got) {
    Start(result, [&](AsyncTicket& ticket, const FinishWork& finish) {
      ticket.SetEffect(HF_EFFECT_NOT_STARTED);
      finish(++runs < 3 ? absl::StatusOr<std::string>(absl::UnavailableError("full"))
                        : absl::StatusOr<std::string>("third"));
    });
  }
  holder.reset();  // without a word: retryable, for nothing is in doubt under takeover
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(got[0]->status().message(), "full");
  EXPECT_EQ(got[1]->status().message(), "full");
  EXPECT_EQ((*got[2])->body, "third");
}

TEST_F(WaitersTest, AKeyThatIsHandedOnTenThousandTimesIsNoRecursion) {
  Open();
  Hold();
  std::vector<std::optional<Result>> got(10000);
  for (auto& result : got) {
    Start(result, [&](AsyncTicket& ticket, const FinishWork& finish) {
      ticket.SetEffect(HF_EFFECT_NOT_STARTED);
      finish(absl::UnavailableError("not me"));
    });
  }
  holder.reset();
  for (const auto& result : got) ASSERT_EQ(result.value().status().message(), "not me");
}

TEST_F(WaitersTest, MoreThanMayWaitAreBusyAtOnce) {
  Open({.max_waiting = 2});
  Hold();
  std::optional<Result> got[3];
  for (auto& result : got) Start(result, kNever);
  EXPECT_EQ(ReasonOf(got[2].value()), HF_R_IDEM_BUSY);
  EXPECT_GT(RejectionOf(got[2]->status())->retry_after, Duration{0});
  EXPECT_EQ(waiters->stats().refused, 1u);
  (*holder)("done");
  EXPECT_TRUE(got[0]->ok());
  EXPECT_TRUE(got[1]->ok());
}

TEST_F(WaitersTest, WhoHasWaitedEnoughLeavesAndTheHolderNeverNotices) {
  Open();
  Hold();
  std::optional<Result> got;
  Start(got, kNever, 100ms);
  Pass(99ms);
  EXPECT_FALSE(got.has_value());
  Pass(1ms);
  EXPECT_EQ(ReasonOf(got.value()), HF_R_IDEM_BUSY);
  EXPECT_EQ(waiters->stats().waiting, 0u);
  (*holder)("done");
  EXPECT_TRUE(holding->ok());
}

TEST_F(WaitersTest, ADeadlineEndsTheWaitAsOne) {
  Open();
  Hold();
  std::optional<Result> got;
  RunOnceOptions options = Options();
  options.timeout = 100ms;
  RunOnceAsync(store, timers, {.key = "hot"}, options, kNever,
               [&](Result result) { got = std::move(result); });
  Pass(100ms);
  EXPECT_EQ(ReasonOf(got.value()), HF_R_DEADLINE);
}

TEST_F(WaitersTest, AnotherProcessesResultIsFoundByALook) {
  Open();
  Hold();
  std::optional<Result> got;
  Start(got, kNever);
  hf_store_request complete = testing::Complete("hot", 0, "elsewhere");
  complete.token = memory->Execute(testing::Read("hot"), Duration{0}).raw.token;
  ASSERT_EQ(memory->Execute(complete, Duration{0}).raw.status, HF_STORE_OK);
  EXPECT_FALSE(got.has_value());
  Pass(5ms);
  EXPECT_EQ(got.value()->body, "elsewhere");
}

TEST_F(WaitersTest, BlockingCallersWaitTogetherToo) {
  Open();
  Hold();
  clock.After(70ms, [&] { (*holder)("done"); });
  const int claims = store.others;
  const Result result =
      RunOnce(store, {.key = "hot"}, Options(), [](Ticket&) -> absl::StatusOr<std::string> {
        ADD_FAILURE();
        return "x";
      });
  EXPECT_EQ(result->body, "done");
  EXPECT_EQ(store.others, claims + 3) << "two claims here, one completion there";
}

TEST_F(WaitersTest, OptionsOutOfRangeAreRefusedByName) {
  const auto reason = [&](const WaitersOptions& options) {
    const auto made = Waiters::Create(store, options);
    return made.ok() ? HF_R_NONE : RejectionOf(made.status())->reason;
  };
  EXPECT_EQ(reason({.max_waiting = 1000001}), HF_R_OUT_OF_RANGE);
  EXPECT_EQ(reason({.first_look = 1us}), HF_R_OUT_OF_RANGE);
  EXPECT_EQ(reason({.first_look = 10s, .longest_look = 1s}), HF_R_OUT_OF_RANGE);
  EXPECT_EQ(reason({.timeout = -1s}), HF_R_OUT_OF_RANGE);
  EXPECT_EQ(reason({.first_look = 10s}), HF_R_NONE);
}

size_t ThreadsOfThisProcess() {
  std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

// With the poller's own thread, on real clocks.
TEST(WaitersThreads, ThousandsOfWaitersCostOneThread) {
  const auto store = memory::Store::Create().value();
  const auto timers = SteadyTimers::Create().value();
  const size_t before = ThreadsOfThisProcess();
  const auto waiters = Waiters::Create(*store).value();
  EXPECT_EQ(ThreadsOfThisProcess(), before + 1);
  RunOnceOptions options{.request = "r"};
  options.max_wait = 1h;
  options.waiters = waiters.get();
  std::optional<FinishWork> finish;
  std::atomic<int> results{0};
  const auto done = [&](const Result& result) { results += result.ok() ? 1 : 1000000; };
  RunOnceAsync(
      *store, *timers, {.key = "hot"}, options,
      [&](AsyncTicket&, FinishWork given) { finish = std::move(given); }, done);
  for (int i = 0; i < 10000; ++i) {
    RunOnceAsync(
        *store, *timers, {.key = "hot"}, options,
        [](AsyncTicket&, const FinishWork&) { ADD_FAILURE(); }, done);
  }
  EXPECT_EQ(ThreadsOfThisProcess(), before + 1);
  EXPECT_EQ(waiters->stats().waiting, 10000u);
  (*finish)("x");
  // The looker's thread wakes its half of them.
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (results < 10001 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(results.load(), 10001);
}

// Waits, wake-ups, cancellations and time-outs against each other, in several threads.
TEST(WaitersThreads, ChurnLeavesNobodyBehind) {
  const auto store = memory::Store::Create().value();
  const auto timers = SteadyTimers::Create().value();
  const auto waiters = Waiters::Create(*store, {.max_waiting = 64, .first_look = 1ms}).value();
  std::atomic<int> started{0}, ended{0};
  const auto churn = [&](uint64_t seed) {
    model::Dice dice(seed);
    for (int i = 0; i < 3000; ++i) {
      const std::string key = "k" + std::to_string(dice.Below(3));
      RunOnceOptions options{.no_fingerprint = true};
      options.on_expiry = OnExpiry::kTakeover;
      options.max_wait = std::chrono::microseconds(dice.Below(2000));
      options.waiters = waiters.get();
      const bool finishes = dice.Chance(80);
      ++started;
      const AsyncCall call = RunOnceAsync(
          *store, *timers, {.key = key}, options,
          [finishes](AsyncTicket& ticket, const FinishWork& finish) {
            ticket.SetEffect(HF_EFFECT_NOT_STARTED);
            if (finishes) finish(absl::UnavailableError("again"));
          },
          [&](const Result&) { ++ended; });
      if (dice.Chance(30)) call.Cancel();
      if (dice.Chance(5)) std::this_thread::yield();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (uint64_t seed = 1; seed <= 4; ++seed) threads.emplace_back(churn, seed);
  }
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (ended < started && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(ended.load(), started.load());
  EXPECT_EQ(waiters->stats().waiting, 0u);
  EXPECT_EQ(waiters->stats().keys, 0u);
}

}  // namespace
}  // namespace holdfast
