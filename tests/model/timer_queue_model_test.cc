// SPDX-License-Identifier: Apache-2.0
// The timer queue against a sorted multimap, under random schedules.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <vector>

#include "holdfast/timer_queue.h"
#include "model/dice.h"

namespace holdfast {
namespace {

class Quiet final : public Alarm {
 private:
  void OnTime() override {}
};

// What a queue is to be: every alarm's time, if it has one.
class NaiveQueue {
 public:
  void Set(size_t alarm, hf_time at) {
    Cancel(alarm);
    times_.emplace(at, alarm);
  }
  bool Cancel(size_t alarm) {
    const auto found =
        std::find_if(times_.begin(), times_.end(), [&](auto& e) { return e.second == alarm; });
    if (found == times_.end()) return false;
    times_.erase(found);
    return true;
  }
  hf_time Next() const { return times_.empty() ? HF_INFINITE : times_.begin()->first; }
  size_t size() const { return times_.size(); }
  // Takes this one, which must be one of the first. Alarms of the same time come in any order.
  bool Take(size_t alarm) {
    const auto [begin, end] = times_.equal_range(Next());
    const auto found = std::find_if(begin, end, [&](auto& e) { return e.second == alarm; });
    if (found == end) return false;
    times_.erase(found);
    return true;
  }

 private:
  std::multimap<hf_time, size_t> times_;
};

class Pair {
 public:
  static constexpr size_t kAlarms = 40;

  void Set(size_t i, hf_time at) {
    queue_.Set(alarms_[i], at);
    naive_.Set(i, at);
  }
  void Cancel(size_t i) { ASSERT_EQ(queue_.Cancel(alarms_[i]), naive_.Cancel(i)); }
  void PopDue(hf_time now) {
    while (Alarm* const due = queue_.PopDue(now)) {
      ASSERT_LE(naive_.Next(), now);
      ASSERT_TRUE(naive_.Take(static_cast<size_t>(static_cast<Quiet*>(due) - alarms_.data())));
    }
    ASSERT_GT(naive_.Next(), naive_.size() == 0 ? 0 : now);
  }
  void Check() const {
    ASSERT_EQ(queue_.Next(), naive_.Next());
    ASSERT_EQ(queue_.size(), naive_.size());
  }

 private:
  std::array<Quiet, kAlarms> alarms_;
  TimerQueue queue_;
  NaiveQueue naive_;
};

TEST(TimerQueueModel, AgreesWithASortedMap) {
  const uint64_t schedules = model::Schedules(3000);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    model::Dice dice(seed);
    Pair pair;
    const uint64_t alarms = 1 + dice.Below(Pair::kAlarms);
    hf_time now = HF_S;
    for (int step = 0; step < 200; ++step) {
      const size_t alarm = dice.Below(alarms);
      if (dice.Chance(60)) {
        pair.Set(alarm, now + dice.Between(-5, 60));
      } else if (dice.Chance(70)) {
        pair.Cancel(alarm);
      } else {
        now += dice.Between(0, 20);
        pair.PopDue(now);
      }
      pair.Check();
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(TimerQueueModel, TenThousandComeOutInOrder) {
  std::vector<Quiet> alarms(10000);
  TimerQueue queue;
  model::Dice dice(7);
  for (Quiet& alarm : alarms) queue.Set(alarm, dice.Between(1, HF_S));
  hf_time last = 0;
  for (size_t left = alarms.size(); left > 0; --left) {
    ASSERT_EQ(queue.size(), left);
    ASSERT_GE(queue.Next(), last);
    last = queue.Next();
    ASSERT_EQ(queue.PopDue(last - 1), nullptr);
    ASSERT_NE(queue.PopDue(last), nullptr);
  }
}

}  // namespace
}  // namespace holdfast
