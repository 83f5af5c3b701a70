// SPDX-License-Identifier: Apache-2.0
// The bulkhead's fast path torn apart: before every access to a cell another thread may add or take away
// its one, and finish later. In between, whatever was granted keeps to the limit; once all have
// finished, the count is right and nobody waits while there is room.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <vector>

#include "engine/bulkhead.h"
#include "model/dice.h"

namespace holdfast::model {
namespace {

using engine::BulkheadAnswer;
using engine::BulkheadPolicy;
using engine::Waiter;
using engine::WakeList;

std::function<void()> interfere;

void Interfere() {
  if (interfere) interfere();
}

struct TornCells : engine::PlainCells {
  template <typename T>
  class Cell {
   public:
    Cell() = default;
    explicit Cell(T value) : cell_(value) {}
    T Load() const { return Interfere(), cell_.Load(); }
    void Store(T value) { Interfere(), cell_.Store(value); }
    T Add(T amount) { return Interfere(), cell_.Add(amount); }
    bool CompareExchange(T& expected, T desired) {
      return Interfere(), cell_.CompareExchange(expected, desired);
    }

   private:
    engine::PlainCells::Cell<T> cell_;
  };
};

class Race {
 public:
  using Bulkhead = engine::Bulkhead<TornCells>;

  explicit Race(uint64_t seed)
      : dice_(seed),
        limit_(static_cast<uint32_t>(dice_.Between(1, 4))),
        bulkhead_(BulkheadPolicy{.limit = limit_, .queue = 4, .max_wait = 1000}) {
    interfere = [this] {
      if (!inside_ && dice_.Chance(25)) HalfAStep();
    };
  }
  ~Race() { interfere = nullptr; }

  void Play(int steps) {
    for (int step = 0; step < steps; ++step) {
      PlayStep();
      if (dice_.Chance(20)) FinishAll();
      if (dice_.Chance(20)) ExpectRest();
    }
    ExpectRest();
  }

 private:
  // One thread's addition, whose end comes later. It needs no lock, so it may fall anywhere.
  void HalfAStep() {
    inside_ = true;
    uint32_t stamp = 0;
    if (dice_.Chance(50)) {
      const auto entry = bulkhead_.TryEnter(&stamp);
      if (entry == Bulkhead::Entry::kDone) Grant();
      if (entry == Bulkhead::Entry::kTakeBack) entering_.push_back(entry);
    } else if (held_ > 0) {
      --held_;
      uint64_t before = 0;
      if (!bulkhead_.TryLeave(0, &before)) leaving_.push_back(before);
    }
    inside_ = false;
  }

  void Grant() {
    ++held_;
    const uint32_t promised = static_cast<uint32_t>(held_ + Granted());
    EXPECT_LE(promised, limit_) << "more than the limit";
  }

  // Waiters that have a permit and do not know it yet.
  int Granted() const {
    int granted = 0;
    for (const Waiter& waiter : waiters_) {
      if (waiter.state == engine::WaiterState::kGranted) ++granted;
    }
    return granted;
  }

  void PlayStep() {
    Waiter& waiter = waiters_[dice_.Below(waiters_.size())];
    engine::BulkheadTerms terms;
    WakeList nobody;
    switch (dice_.Below(6)) {
      case 5:  // opens the gate again, so that one too many can come again
        bulkhead_.Update({.limit = limit_, .queue = 4, .max_wait = 1000}, 0, &nobody);
        break;
      case 0:
        if (bulkhead_.TakeFree(0, &terms.stamp, &nobody)) Grant();
        break;
      case 1:
        if (waiter.state != engine::WaiterState::kIdle) break;
        if (bulkhead_.TakeFree(0, &terms.stamp, &nobody) ||
            bulkhead_.Acquire({}, &waiter, hf_waker{}, 0, &terms) == BulkheadAnswer::kGranted) {
          Grant();
        }
        break;
      case 2:
        if (bulkhead_.WaitPoll(waiter, 0, &terms) == BulkheadAnswer::kGranted) ++held_;
        break;
      case 3:
        bulkhead_.WaitCancel(waiter, 0, &nobody);
        break;
      default:
        if (held_ == 0) break;
        --held_;
        EXPECT_TRUE(bulkhead_.GiveBack(0, 0, &nobody));
        break;
    }
  }

  void FinishAll() {
    WakeList nobody;
    uint32_t stamp = 0;
    while (!entering_.empty() || !leaving_.empty()) {
      if (!entering_.empty()) {
        const auto entry = entering_.back();
        entering_.pop_back();
        EXPECT_FALSE(bulkhead_.FinishEnter(entry, 0, &stamp, &nobody));
      }
      if (!leaving_.empty()) {
        const uint64_t before = leaving_.back();
        leaving_.pop_back();
        EXPECT_TRUE(bulkhead_.FinishLeave(0, before, 0, &nobody));
      }
    }
  }

  void ExpectRest() {
    FinishAll();
    inside_ = true;  // nobody interferes with the reading
    EXPECT_EQ(bulkhead_.InFlight(), static_cast<uint32_t>(held_ + Granted()));
    if (bulkhead_.Waiting() > 0) {
      EXPECT_GE(bulkhead_.InFlight(), limit_) << "somebody waits for ever";
    }
    inside_ = false;
  }

  Dice dice_;
  const uint32_t limit_;
  Bulkhead bulkhead_;
  std::array<Waiter, 4> waiters_{};
  std::vector<Bulkhead::Entry> entering_;
  std::vector<uint64_t> leaving_;
  int held_ = 0;
  bool inside_ = false;
};

TEST(BulkheadRaceModel, NothingIsLostBetweenTheHalvesOfAStep) {
  const uint64_t schedules = Schedules(200'000);
  for (uint64_t seed = 1; seed <= schedules && !::testing::Test::HasFailure(); ++seed) {
    Race(seed).Play(40);
    if (::testing::Test::HasFailure()) ADD_FAILURE() << "seed " << seed;
  }
}

}  // namespace
}  // namespace holdfast::model
