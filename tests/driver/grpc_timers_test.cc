// SPDX-License-Identifier: Apache-2.0
// ProcessTimers, on the real clock: nothing here depends on how long anything takes.
#include <gtest/gtest.h>
#include <holdfast/clock.h>
#include <holdfast/grpc/timers.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace holdfast::grpc {
namespace {

// What rang, in order.
class Bell {
 public:
  void Ring(int who) {
    const std::lock_guard lock(mutex_);
    rung_.push_back(who);
    thread_ = std::this_thread::get_id();
    changed_.notify_all();
  }
  std::vector<int> Await(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return rung_.size() >= count; }));
    return rung_;
  }
  std::thread::id thread() {
    const std::lock_guard lock(mutex_);
    return thread_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> rung_;
  std::thread::id thread_;
};

class Ringer final : public Alarm {
 public:
  Ringer(Bell& bell, int who) : bell_(bell), who_(who) {}

 private:
  void OnTime() override { bell_.Ring(who_); }
  Bell& bell_;
  const int who_;
};

TEST(GrpcTimers, RingInOrderInAThreadOfTheirOwn) {
  Bell bell;
  Ringer first(bell, 1), second(bell, 2), third(bell, 3);
  const hf_time now = Clock::Steady().Now();
  Timers& timers = ProcessTimers();
  timers.Set(third, now + 30 * HF_MS);
  timers.Set(second, now + 20 * HF_MS);
  timers.Set(first, now + 10 * HF_MS);
  EXPECT_EQ(bell.Await(3), (std::vector<int>{1, 2, 3}));
  EXPECT_NE(bell.thread(), std::this_thread::get_id());
  EXPECT_GE(Clock::Steady().Now(), now + 30 * HF_MS);
}

TEST(GrpcTimers, ATimeThatHasPassedRingsAtOnceButNotWithin) {
  Bell bell;
  Ringer alarm(bell, 1);
  ProcessTimers().Set(alarm, 0);
  EXPECT_EQ(bell.Await(1).size(), 1u);
  EXPECT_NE(bell.thread(), std::this_thread::get_id());
}

TEST(GrpcTimers, WhatIsCancelledDoesNotRing) {
  Bell bell;
  Ringer never(bell, 1), last(bell, 2);
  const hf_time now = Clock::Steady().Now();
  Timers& timers = ProcessTimers();
  EXPECT_FALSE(timers.Cancel(never));
  timers.Set(never, now + 3600 * HF_S);
  EXPECT_TRUE(timers.Cancel(never));
  EXPECT_FALSE(timers.Cancel(never));
  timers.Set(never, HF_INFINITE);
  timers.Set(last, now + HF_MS);
  EXPECT_EQ(bell.Await(1), std::vector<int>{2});
  EXPECT_TRUE(timers.Cancel(never));
}

TEST(GrpcTimers, SetAgainIsMoved) {
  Bell bell;
  Ringer alarm(bell, 1);
  ProcessTimers().Set(alarm, HF_INFINITE);
  ProcessTimers().Set(alarm, 0);
  EXPECT_EQ(bell.Await(1).size(), 1u);
  EXPECT_FALSE(ProcessTimers().Cancel(alarm));
}

}  // namespace
}  // namespace holdfast::grpc
