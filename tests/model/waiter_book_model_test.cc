// SPDX-License-Identifier: Apache-2.0
// The waiter book against a naive one, under random schedules: who is woken, when keys are looked at, and that nobody
// is woken twice, forgotten or touched after it left.
#include <gtest/gtest.h>
#include <holdfast/waiter_book.h>

#include <algorithm>
#include <array>
#include <list>
#include <map>
#include <vector>

#include "model/dice.h"

namespace holdfast {
namespace {

constexpr size_t kWaiters = 24;
constexpr size_t kKeys = 4;
constexpr uint32_t kRoom = 16;
constexpr hf_duration kFirst = 5 * HF_MS;
constexpr hf_duration kLongest = 30 * HF_MS;

WaitKey KeyOf(size_t number) {
  WaitKey key{};
  key[0] = static_cast<uint8_t>(number + 1);
  return key;
}

class CountedWaiter final : public KeyWaiter {
 public:
  void OnWake() override { ++woken; }
  int woken = 0;
};

// One key as it is to be: who waits, longest first, and how it is looked at.
struct NaiveKey {
  std::list<size_t> waiting{};
  bool asked = false;
  hf_time rested_from = 0;
  uint32_t rests = 0;
  hf_duration at_most = HF_INFINITE;
};

class World {
 public:
  explicit World(uint64_t seed) : dice_(seed) {}

  void Step() {
    switch (dice_.Below(7)) {
      case 0:
      case 1:
        return Join(dice_.Below(kWaiters), dice_.Below(kKeys));
      case 2:
        return Leave(dice_.Below(kWaiters));
      case 3:
        return Settle(dice_.Below(kKeys));
      case 4:
        now_ += dice_.Between(0, 20 * HF_MS);
        return Look();
      case 5:
        return Answer(dice_.Below(kKeys));
      default:
        now_ += dice_.Between(0, HF_MS);
    }
  }

  void Check() {
    size_t count = 0, keys = 0;
    for (const auto& [number, key] : naive_) {
      count += key.waiting.size();
      keys += key.waiting.empty() ? 0 : 1;
    }
    ASSERT_EQ(book_.size(), count);
    ASSERT_EQ(book_.keys(), keys);
    ASSERT_LE(book_.size(), kRoom);
    for (size_t i = 0; i < kWaiters; ++i) ASSERT_EQ(waiters_[i].woken, woken_[i]) << i;
  }

 private:
  bool Waits(size_t waiter) const { return place_[waiter] != kKeys; }

  void Join(size_t waiter, size_t number) {
    if (Waits(waiter)) return;
    const bool late = dice_.Chance(10);
    uint32_t epoch = book_.EpochOf(KeyOf(number));
    if (late) Settle(number);
    const auto joined = book_.Join(waiters_[waiter], KeyOf(number), epoch, now_);
    if (late) {
      ASSERT_EQ(joined, WaiterBook::Joined::kMissed);
      return;
    }
    if (Total() == kRoom) {
      ASSERT_EQ(joined, WaiterBook::Joined::kFull);
      return;
    }
    ASSERT_EQ(joined, WaiterBook::Joined::kWaiting);
    NaiveKey& key = naive_[number];
    if (key.waiting.empty()) key = {.rested_from = now_};
    key.waiting.push_back(waiter);
    place_[waiter] = number;
  }

  void Leave(size_t waiter) {
    ASSERT_EQ(book_.Leave(waiters_[waiter]), Waits(waiter));
    if (!Waits(waiter)) return;
    naive_[place_[waiter]].waiting.remove(waiter);
    place_[waiter] = kKeys;
  }

  void Settle(size_t number) {
    const Freed freed = dice_.OneOf({Freed::kNobody, Freed::kForOne, Freed::kForAll});
    const size_t woken = book_.OnSettled(KeyOf(number), freed, now_).WakeAll();
    ASSERT_EQ(woken, Expect(number, freed));
  }

  void Look() {
    std::vector<WaitKey> due;
    const size_t limit = dice_.Below(3);
    book_.TakeDue(now_, limit, &due);
    ASSERT_LE(due.size(), limit);
    for (const WaitKey& taken : due) {
      NaiveKey& key = naive_[taken[0] - 1u];
      ASSERT_FALSE(key.waiting.empty());
      ASSERT_FALSE(key.asked);
      ASSERT_GE(now_, key.rested_from + Least(key));
      key.asked = true;
    }
    if (due.size() == limit) return;
    for (const auto& [number, key] : naive_) {
      if (key.waiting.empty() || key.asked) continue;
      ASSERT_LT(now_, key.rested_from + Most(key)) << "a key that is due was not looked at";
    }
  }

  void Answer(size_t number) {
    const hf_store_status status =
        dice_.OneOf({hf_store_status{HF_STORE_BUSY}, HF_STORE_ABSENT, HF_STORE_REPLAY,
                     HF_STORE_IN_DOUBT, HF_STORE_BACKOFF, HF_STORE_ERASED, HF_STORE_UNAVAILABLE,
                     HF_STORE_INDETERMINATE, hf_store_status{0}});
    const hf_duration left = dice_.Between(0, 40 * HF_MS);
    const size_t woken = book_.OnRead(KeyOf(number), status, left, now_).WakeAll();
    NaiveKey& key = naive_[number];
    if (key.waiting.empty() || !key.asked) {
      ASSERT_EQ(woken, 0u);
      return;
    }
    const bool for_all = status == HF_STORE_REPLAY || status == HF_STORE_IN_DOUBT ||
                         status == HF_STORE_BACKOFF || status == HF_STORE_ERASED;
    if (status == HF_STORE_ABSENT || for_all) {
      ASSERT_EQ(woken, Expect(number, for_all ? Freed::kForAll : Freed::kForOne));
      return;
    }
    ASSERT_EQ(woken, 0u);
    key.asked = false;
    key.rested_from = now_;
    ++key.rests;
    key.at_most = status == HF_STORE_BUSY ? std::max(left, HF_MS) : HF_INFINITE;
  }

  // Wakes in the naive book as `freed` says. Returns how many.
  size_t Expect(size_t number, Freed freed) {
    NaiveKey& key = naive_[number];
    if (freed == Freed::kNobody || key.waiting.empty()) return 0;
    size_t count = 0;
    const size_t most = freed == Freed::kForOne ? 1 : key.waiting.size();
    for (; count < most; ++count) {
      const size_t waiter = key.waiting.front();
      key.waiting.pop_front();
      place_[waiter] = kKeys;
      ++woken_[waiter];
    }
    std::list<size_t> left = std::move(key.waiting);
    key = {.waiting = std::move(left), .rested_from = now_};
    return count;
  }

  static hf_duration Most(const NaiveKey& key) {
    return std::min({key.at_most, kFirst << std::min(key.rests, 20u), kLongest});
  }
  static hf_duration Least(const NaiveKey& key) {
    return std::min(key.at_most, std::min(kFirst << std::min(key.rests, 20u), kLongest) / 2);
  }
  size_t Total() const {
    size_t count = 0;
    for (const size_t place : place_) count += place == kKeys ? 0 : 1;
    return count;
  }

  model::Dice dice_;
  WaiterBook book_{{.max_waiting = kRoom, .first = kFirst, .longest = kLongest, .seed = 7}};
  std::array<CountedWaiter, kWaiters> waiters_;
  std::array<int, kWaiters> woken_{};
  std::array<size_t, kWaiters> place_ = [] {
    std::array<size_t, kWaiters> nowhere{};
    nowhere.fill(kKeys);
    return nowhere;
  }();
  std::map<size_t, NaiveKey> naive_;
  hf_time now_ = HF_S;
};

TEST(WaiterBookModel, AgreesWithTheNaiveBook) {
  for (uint64_t seed = 1; seed <= model::Schedules(2000); ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    for (int step = 0; step < 200; ++step) {
      world.Step();
      world.Check();
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace holdfast
