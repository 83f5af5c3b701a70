// SPDX-License-Identifier: Apache-2.0
// A wait for a busy key whose timers end while somebody in another thread wakes it.
#include <gtest/gtest.h>
#include <holdfast/key_wait.h>
#include <holdfast/memory/store.h>
#include <holdfast/steady_timers.h>
#include <holdfast/waiters.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

using internal::KeyWait;

class Owner final : public KeyWait::Owner {
 public:
  void OnWaited() override { ++over; }
  void OnTimersGone() override { ++over; }
  std::atomic<int> over{0};
};

// Whoever takes its alarm off stays inside until End has returned, or for a while.
class SlowTimers final : public Timers {
 public:
  void Set(Alarm& alarm, hf_time) override { alarm_ = &alarm; }
  bool Cancel(Alarm&) override {
    inside = true;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    while (!ended && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    inside = false;
    return false;
  }
  void EndIt() {
    End(*alarm_);
    was_inside = inside.load();
    ended = true;
  }

  std::atomic<bool> inside{false}, ended{false};
  bool was_inside = false;

 private:
  Alarm* alarm_ = nullptr;
};

TEST(KeyWaitTest, TimersThatEndAreNotTouchedAnyMoreOnceTheyAreGone) {
  const auto store = memory::Store::Create().value();
  const auto waiters = Waiters::Create(*store, {.own_thread = false}).value();
  const WaitKey key{1};
  SlowTimers timers;
  Owner owner;
  KeyWait wait;
  ASSERT_EQ(wait.Begin(timers, {.until = HF_INFINITE, .waiters = waiters.get(), .key = key}, owner),
            Waiters::Joined::kWaiting);
  {
    const std::jthread waker([&] { waiters->OnSettled(key, Freed::kForAll); });
    while (!timers.inside) std::this_thread::yield();
    timers.EndIt();
  }
  EXPECT_FALSE(timers.was_inside) << "the timers would be gone by now";
  EXPECT_EQ(owner.over.load(), 1);
}

TEST(KeyWaitTest, TimersEndWhileTheirAlarmsAreTakenOff) {
  const auto store = memory::Store::Create().value();
  const auto waiters = Waiters::Create(*store, {.own_thread = false}).value();
  const WaitKey key{1};
  for (int round = 0; round < 200; ++round) {
    constexpr int kWaits = 8;
    Owner owner;
    std::vector<std::unique_ptr<KeyWait>> waits;
    auto timers = SteadyTimers::Create().value();
    for (int i = 0; i < kWaits; ++i) {
      waits.push_back(std::make_unique<KeyWait>());
      waits.back()->Begin(*timers,
                          {.until = HF_INFINITE,
                           .waiters = waiters.get(),
                           .key = key,
                           .epoch = waiters->EpochOf(key)},
                          owner);
    }
    {
      const std::jthread waker([&] { waiters->OnSettled(key, Freed::kForAll); });
      timers.reset();
    }
    ASSERT_EQ(owner.over.load(), kWaits);
  }
}

}  // namespace
}  // namespace holdfast
