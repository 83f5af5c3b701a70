// SPDX-License-Identifier: Apache-2.0
// The alarms of an execution context, in real time, and an alarm that several threads want.
#include <gtest/gtest.h>
#include <holdfast/clock.h>

#include <atomic>
#include <boost/asio.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/asio/timers.h"
#include "model/dice.h"

namespace holdfast {
namespace {

using asio::TimersOf;

class Bell final : public Alarm {
 public:
  explicit Bell(std::function<void()> rings, std::function<void()> ends = nullptr)
      : rings_(std::move(rings)), ends_(std::move(ends)) {}

 private:
  void OnTime() override { rings_(); }
  void OnEnd() override {
    if (ends_) ends_();
  }

  std::function<void()> rings_;
  std::function<void()> ends_;
};

hf_time In(hf_duration duration) { return Clock::Steady().Now() + duration; }

class AsioTimers : public ::testing::Test {
 protected:
  boost::asio::io_context io;
  Timers& timers = TimersOf(io.get_executor());
};

TEST_F(AsioTimers, RingInOrderAndNotBeforeTheirTime) {
  auto work = boost::asio::make_work_guard(io);
  std::string story;
  const hf_time first = In(2 * HF_MS);
  const hf_time second = first + HF_MS;
  Bell late([&] {
    EXPECT_GE(Clock::Steady().Now(), second);
    story += "late ";
    work.reset();
  });
  Bell early([&] {
    EXPECT_GE(Clock::Steady().Now(), first);
    story += "early ";
  });
  timers.Set(late, second);
  timers.Set(early, first);  // before the one that the timer is armed for
  io.run();
  EXPECT_EQ(story, "early late ");
}

TEST_F(AsioTimers, WhatHasPassedRingsAtOnceButNotInside) {
  auto work = boost::asio::make_work_guard(io);
  bool rang = false;
  Bell bell([&] {
    rang = true;
    work.reset();
  });
  timers.Set(bell, 1);
  EXPECT_FALSE(rang);
  io.run();
  EXPECT_TRUE(rang);
}

TEST_F(AsioTimers, AnAlarmMayBeMovedEitherWay) {
  auto work = boost::asio::make_work_guard(io);
  int rang = 0;
  Bell bell([&] {
    ++rang;
    work.reset();
  });
  timers.Set(bell, In(3600 * HF_S));
  timers.Set(bell, In(HF_MS));
  timers.Set(bell, In(3600 * HF_S));
  timers.Set(bell, In(2 * HF_MS));
  io.run();
  EXPECT_EQ(rang, 1);
  EXPECT_FALSE(timers.Cancel(bell));
}

TEST_F(AsioTimers, AnAlarmMayBeSetAgainFromItsOwnRinging) {
  auto work = boost::asio::make_work_guard(io);
  int left = 3;
  std::unique_ptr<Bell> bell;
  bell = std::make_unique<Bell>([&] {
    if (--left > 0) return timers.Set(*bell, In(HF_US));
    work.reset();
    bell.reset();  // or go
  });
  timers.Set(*bell, In(HF_US));
  io.run();
  EXPECT_EQ(left, 0);
}

TEST_F(AsioTimers, ACancelledAlarmDoesNotRingNorKeepTheContextRunning) {
  Bell bell([] { ADD_FAILURE() << "rang"; });
  timers.Set(bell, In(3600 * HF_S));
  EXPECT_TRUE(timers.Cancel(bell));
  EXPECT_FALSE(timers.Cancel(bell));
  EXPECT_EQ(io.run(), 0u);
}

TEST(AsioTimersOfAContext, ThatGoesEndTheirAlarms) {
  int ended = 0;
  std::vector<std::unique_ptr<Bell>> bells;
  {
    boost::asio::io_context io;
    Timers& timers = TimersOf(io.get_executor());
    for (int i = 0; i < 3; ++i) {
      bells.push_back(std::make_unique<Bell>([] { ADD_FAILURE(); }, [&] { ++ended; }));
      timers.Set(*bells.back(), i == 0 ? HF_INFINITE : In(3600 * HF_S));
    }
  }
  EXPECT_EQ(ended, 3);
}

TEST(AsioTimersOfAContext, AreTheSameForAllItsExecutors) {
  boost::asio::io_context io;
  boost::asio::io_context other;
  EXPECT_EQ(&TimersOf(io.get_executor()), &TimersOf(boost::asio::make_strand(io)));
  EXPECT_EQ(&TimersOf(io.get_executor()),
            &TimersOf(boost::asio::any_io_executor(io.get_executor())));
  EXPECT_NE(&TimersOf(io.get_executor()), &TimersOf(other.get_executor()));
}

// Of all Cancels and the ringing exactly one gets an alarm.
TEST(AsioTimersOfAPool, GiveAnAlarmToExactlyOne) {
  boost::asio::thread_pool pool(2);
  Timers& timers = TimersOf(pool.get_executor());
  const int rounds = model::kSlowness > 1 ? 300 : 3000;
  for (int round = 0; round < rounds; ++round) {
    std::atomic<int> taken{0};
    std::atomic<int> rivals{2};
    Bell bell([&] { ++taken; });
    timers.Set(bell, In((round % 20) * HF_US));
    const auto rival = [&] {
      taken += timers.Cancel(bell) ? 1 : 0;
      --rivals;
    };
    boost::asio::post(pool, rival);
    boost::asio::post(pool, rival);
    while (rivals > 0 || taken == 0) std::this_thread::yield();
    ASSERT_EQ(taken, 1);
  }
  pool.join();
}

}  // namespace
}  // namespace holdfast
