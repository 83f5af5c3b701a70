// SPDX-License-Identifier: Apache-2.0
// The bulkhead against a naive one (a counter and a list), on both storages, under random schedules:
// every answer, every count and every wake-up must agree, and no permit may be lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/bulkhead.h"
#include "model/dice.h"

namespace holdfast::engine {
namespace {

using model::Dice;

constexpr size_t kPeople = 8;

// What everybody would write first: nothing packed, nothing shared, nothing clever.
class NaiveBulkhead {
 public:
  enum class Is { kAway, kQueued, kWaking, kDecided };
  struct Person {
    Is is = Is::kAway;
    bool granted = false;
    bool wakes = false;
    hf_time deadline = 0;
  };

  explicit NaiveBulkhead(const BulkheadPolicy& policy) : policy_(policy) {}

  BulkheadAnswer TryAcquire() {
    if (in_flight < policy_.limit && queue.empty()) {
      ++in_flight;
      return BulkheadAnswer::kGranted;
    }
    ++refused;
    return BulkheadAnswer::kFull;
  }

  BulkheadAnswer WaitStart(size_t who, bool wakes, hf_time deadline, hf_time now) {
    people[who] = Person{};
    if (now >= deadline) {
      ++timed_out;
      return BulkheadAnswer::kTimedOut;
    }
    if (in_flight < policy_.limit && queue.empty()) {
      ++in_flight;
      return BulkheadAnswer::kGranted;
    }
    if (queue.size() >= policy_.queue) {
      ++refused;
      return BulkheadAnswer::kFull;
    }
    people[who] = Person{Is::kQueued, false, wakes, std::min(deadline, now + policy_.max_wait)};
    queue.push_back(who);
    return BulkheadAnswer::kQueued;
  }

  BulkheadAnswer WaitPoll(size_t who, hf_time now) {
    Person& person = people[who];
    if (person.is == Is::kAway) return BulkheadAnswer::kNotWaiting;
    if (person.is == Is::kWaking) return BulkheadAnswer::kWaking;
    if (person.is == Is::kQueued) {
      if (now < person.deadline) return BulkheadAnswer::kQueued;
      std::erase(queue, who);
      ++timed_out;
      person = Person{};
      return BulkheadAnswer::kTimedOut;
    }
    const bool granted = person.granted;
    person = Person{};
    return granted ? BulkheadAnswer::kGranted : BulkheadAnswer::kTimedOut;
  }

  BulkheadAnswer WaitCancel(size_t who, hf_time now) {
    Person& person = people[who];
    if (person.is == Is::kWaking) return BulkheadAnswer::kWaking;
    const bool had_permit = person.is == Is::kDecided && person.granted;
    std::erase(queue, who);
    person = Person{};
    if (had_permit) Release(now);
    return BulkheadAnswer::kNotWaiting;
  }

  bool Release(hf_time now) {
    if (in_flight == 0) return false;
    --in_flight;
    while (!queue.empty()) {
      const size_t who = queue.front();
      queue.pop_front();
      Person& person = people[who];
      person.granted = now < person.deadline;
      person.is = person.wakes ? Is::kWaking : Is::kDecided;
      if (person.wakes) to_wake.push_back(who);
      if (person.granted) {
        ++in_flight;
        return true;
      }
      ++timed_out;
    }
    return true;
  }

  void WakeDone(size_t who) { people[who].is = Is::kDecided; }

  uint32_t in_flight = 0;
  uint64_t refused = 0;
  uint64_t timed_out = 0;
  std::deque<size_t> queue;
  std::vector<size_t> to_wake;  // by this step
  std::array<Person, kPeople> people{};

 private:
  const BulkheadPolicy policy_;
};

template <typename Storage>
class Match {
 public:
  explicit Match(uint64_t seed)
      : dice_(seed),
        policy_{.limit = static_cast<uint32_t>(dice_.Between(1, 3)),
                .queue = static_cast<uint32_t>(dice_.Between(0, 5)),
                .max_wait = dice_.Between(1, 50)},
        real_(policy_),
        naive_(policy_) {}

  void Play(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      now_ = std::max<hf_time>(0, now_ + dice_.Between(-2, 8));
      PlayStep();
      CheckCounts();
    }
    if (!::testing::Test::HasFailure()) GoHome();
  }

 private:
  void PlayStep() {
    const size_t who = dice_.Below(kPeople);
    switch (dice_.Below(8)) {
      case 0:
        TakeOne();
        break;
      case 1:
      case 2:
        StartWaiting(who);
        break;
      case 3:
      case 4:
        Poll(who);
        break;
      case 5:
        Cancel(who);
        break;
      case 6:
        if (held_ > 0 || naive_.in_flight == 0) GiveOne();
        break;
      default:
        FinishAWake();
        break;
    }
  }

  void TakeOne() {
    const BulkheadAnswer answer = real_.TryAcquire();
    ASSERT_EQ(answer, naive_.TryAcquire());
    if (answer == BulkheadAnswer::kGranted) ++held_;
  }

  void StartWaiting(size_t who) {
    if (naive_.people[who].is != NaiveBulkhead::Is::kAway) return;
    const bool wakes = dice_.Chance(60);
    const hf_time deadline = dice_.Chance(30) ? HF_INFINITE : now_ + dice_.Between(0, 30);
    const hf_waker waker{wakes ? +[](void*) {} : nullptr, nullptr};
    hf_time until = -1;
    const BulkheadAnswer answer = real_.WaitStart(waiters_[who], waker, deadline, now_, &until);
    ASSERT_EQ(answer, naive_.WaitStart(who, wakes, deadline, now_));
    if (answer == BulkheadAnswer::kGranted) ++held_;
    if (answer == BulkheadAnswer::kQueued) {
      ASSERT_EQ(until, naive_.people[who].deadline);
    }
  }

  void Poll(size_t who) {
    const BulkheadAnswer answer = real_.WaitPoll(waiters_[who], now_);
    ASSERT_EQ(answer, naive_.WaitPoll(who, now_));
    if (answer == BulkheadAnswer::kGranted) ++held_;
  }

  void Cancel(size_t who) {
    WakeList wake;
    ASSERT_EQ(real_.WaitCancel(waiters_[who], now_, &wake), naive_.WaitCancel(who, now_));
    CheckWakes(&wake);
  }

  void GiveOne() {
    WakeList wake;
    const bool any = real_.Release(now_, &wake);
    ASSERT_EQ(any, naive_.Release(now_));
    ASSERT_EQ(any, held_ > 0);
    if (any) --held_;
    CheckWakes(&wake);
  }

  void CheckWakes(WakeList* wake) {
    std::vector<size_t> woken;
    while (Waiter* const waiter = wake->Pop()) {
      woken.push_back(static_cast<size_t>(waiter - waiters_.data()));
    }
    ASSERT_EQ(woken, naive_.to_wake);
    waking_.insert(waking_.end(), woken.begin(), woken.end());
    naive_.to_wake.clear();
  }

  void FinishAWake() {
    if (waking_.empty()) return;
    const size_t index = dice_.Below(waking_.size());
    const size_t who = waking_[index];
    waking_.erase(waking_.begin() + static_cast<std::ptrdiff_t>(index));
    real_.WakeDone(waiters_[who]);
    naive_.WakeDone(who);
  }

  void CheckCounts() {
    ASSERT_EQ(real_.InFlight(), naive_.in_flight);
    ASSERT_EQ(real_.Waiting(), naive_.queue.size());
    ASSERT_EQ(real_.Refused(), naive_.refused);
    ASSERT_EQ(real_.TimedOut(), naive_.timed_out);
    ASSERT_LE(real_.InFlight(), policy_.limit);
    if (real_.Waiting() > 0) {
      ASSERT_EQ(real_.InFlight(), policy_.limit) << "idle capacity while somebody waits";
    }
  }

  // Everybody leaves; what is then still in flight was lost.
  void GoHome() {
    while (!waking_.empty()) FinishAWake();
    for (size_t who = 0; who < kPeople; ++who) {
      Cancel(who);
      while (!waking_.empty()) FinishAWake();
    }
    for (size_t who = 0; who < kPeople; ++who) Cancel(who);
    while (held_ > 0 && !::testing::Test::HasFailure()) GiveOne();
    while (!waking_.empty()) FinishAWake();
    for (size_t who = 0; who < kPeople; ++who) Cancel(who);
    EXPECT_EQ(real_.InFlight(), 0u);
    EXPECT_EQ(real_.Waiting(), 0u);
  }

  Dice dice_;
  const BulkheadPolicy policy_;
  Bulkhead<Storage> real_;
  NaiveBulkhead naive_;
  std::array<Waiter, kPeople> waiters_{};
  std::vector<size_t> waking_;
  uint32_t held_ = 0;
  hf_time now_ = 0;
};

template <typename Storage>
class BulkheadModel : public ::testing::Test {};

using Storages = ::testing::Types<PlainCells, abi::AtomicCells>;
TYPED_TEST_SUITE(BulkheadModel, Storages);

TYPED_TEST(BulkheadModel, AgreesWithTheNaiveBulkhead) {
  const uint64_t schedules = model::Schedules(3000);
  for (uint64_t seed = 1; seed <= schedules && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Match<TypeParam>(seed).Play(120);
  }
}

}  // namespace
}  // namespace holdfast::engine
