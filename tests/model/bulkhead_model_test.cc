// SPDX-License-Identifier: Apache-2.0
// The bulkhead against a naive one, on both storages, under random schedules with every order and share:
// every answer, every count and every wake-up must agree, and no permit may be lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "abi/atomic_cells.h"
#include "engine/bulkhead.h"
#include "model/bulkhead_naive.h"
#include "model/dice.h"

namespace holdfast::model {
namespace {

using engine::Waiter;
using engine::WakeList;
using Answer = BulkheadAnswer;

constexpr uint64_t kUsers = 3;

BulkheadPolicy AnyPolicy(Dice& dice) {
  BulkheadPolicy policy{.limit = static_cast<uint32_t>(dice.Between(1, 4)),
                        .queue = static_cast<uint32_t>(dice.Between(0, 5)),
                        .max_wait = dice.Between(1, 50)};
  policy.order = static_cast<hf_bulkhead_order>(dice.Between(1, 4));
  policy.codel = {dice.Between(1, 6), dice.Between(5, 30)};
  if (dice.Chance(40)) return policy;  // the fast path
  policy.refuse_no_time = dice.Chance(40);
  if (dice.Chance(40)) policy.shares.user = 500'000;
  if (dice.Chance(40)) policy.shares.room = {engine::kWhole, 800'000, 500'000, 200'000};
  if (dice.Chance(50)) {
    policy.shares.partitions = static_cast<uint32_t>(dice.Between(1, 3));
    policy.shares.guarantee = {300'000, 500'000};  // the third has none
  }
  return policy;
}

template <typename Storage>
class Match {
 public:
  explicit Match(uint64_t seed)
      : seed_(seed), dice_(seed), naive_(AnyPolicy(dice_)), real_(naive_.policy) {}

  // False once they disagree.
  bool Play(int steps) {
    for (step_ = 0; step_ < steps && agree_; ++step_) {
      now_ = std::max<hf_time>(0, now_ + dice_.Between(-2, 8));
      PlayStep();
      CheckCounts();
    }
    if (agree_) GoHome();
    return agree_;
  }

 private:
  struct Held {
    uint32_t stamp;
    NaiveBulkhead::Permit permit;
  };

  template <typename Value>
  void Same(const Value& real, const Value& naive, const char* what) {
    if (real == naive || !agree_) return;
    agree_ = false;
    ADD_FAILURE() << what << " differs, seed " << seed_ << " step " << step_ << ": "
                  << static_cast<int64_t>(real) << ", should be " << static_cast<int64_t>(naive);
  }
  void Want(bool holds, const char* what) { Same(holds, true, what); }

  void PlayStep() {
    const int who = static_cast<int>(dice_.Below(kPeople));
    switch (dice_.Below(16)) {
      case 0:
      case 1:
        return Acquire(kNobody);
      case 2:
      case 3:
      case 4:
      case 5:
        if (naive_.people[who].is == NaiveBulkhead::Is::kAway) Acquire(who);
        return;
      case 6:
      case 7:
      case 8:
        return Poll(who);
      case 9:
        return Cancel(who);
      case 10:
      case 11:
      case 12:
        return GiveOne();
      case 13:
        return Learn();
      case 14:
        return dice_.Chance(50) ? ChangeLimit() : Update();
      default:
        return FinishAWake();
    }
  }

  BulkheadRequest AnyRequest() {
    return {.deadline = dice_.Chance(40) ? HF_INFINITE : now_ + dice_.Between(0, 40),
            .user = dice_.Below(kUsers + 1),
            .partition = static_cast<uint32_t>(dice_.Chance(60) ? 0 : dice_.Below(4)),
            .criticality = static_cast<uint32_t>(dice_.Below(4))};
  }

  void Acquire(int who) {
    const BulkheadRequest request = AnyRequest();
    const bool wakes = dice_.Chance(60);
    const hf_waker waker{wakes ? +[](void*) {} : nullptr, nullptr};
    engine::BulkheadTerms terms;
    Waiter* const place = who == kNobody ? nullptr : &waiters_[who];
    WakeList wake;
    const bool free = request.partition == 0 && now_ < request.deadline &&
                      real_.TakeFree(now_, &terms.stamp, &wake);
    const Answer answer =
        free ? Answer::kGranted : real_.Acquire(request, place, waker, now_, &terms);
    Same(answer, naive_.Acquire(who, request, wakes, now_), "the answer to acquire");
    CheckWakes(&wake);
    if (answer == Answer::kGranted) Hold(terms.stamp);
    if (answer == Answer::kQueued) Same(terms.until, naive_.people[who].deadline, "until");
    if (answer != Answer::kGranted && answer != Answer::kQueued) {
      Same(terms.retry_after, naive_.retry_after, "retry_after");
    }
  }

  void Hold(uint32_t stamp) {
    Same(engine::Claim::InFlight(stamp), naive_.given.in_flight, "in flight at the start");
    held_.push_back({stamp, naive_.given});
  }

  void Poll(int who) {
    engine::BulkheadTerms terms;
    const Answer answer = real_.WaitPoll(waiters_[who], now_, &terms);
    Same(answer, naive_.Poll(who, now_), "the answer to poll");
    if (answer == Answer::kGranted) Hold(terms.stamp);
  }

  void Cancel(int who) {
    WakeList wake;
    const Answer answer = real_.WaitCancel(waiters_[who], now_, &wake);
    Same(answer, naive_.Cancel(who, now_), "the answer to cancel");
    CheckWakes(&wake);
  }

  void GiveOne() {
    WakeList wake;
    if (held_.empty()) {
      // What the naive one could not tell is whether a waiter was granted and has not asked yet.
      if (naive_.in_flight == 0) Want(!real_.GiveBack(0, now_, &wake), "a release of nothing");
      return;
    }
    const size_t index = dice_.Below(held_.size());
    const Held held = held_[index];
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
    Want(real_.GiveBack(held.stamp, now_, &wake), "a release");
    naive_.Return(held.permit, now_);
    CheckWakes(&wake);
  }

  void Learn() {
    const hf_duration took = dice_.Between(-1, 20);
    const hf_verdict verdict = dice_.Chance(80) ? HF_VERDICT_SUCCESS : HF_VERDICT_IGNORED;
    for (int i = 0; i < 4; ++i) {
      real_.Learn(100, verdict, 100 + took);
      if (verdict == HF_VERDICT_SUCCESS && took >= 0) naive_.Learn(took);
    }
  }

  void ChangeLimit() {
    BulkheadPolicy policy = naive_.policy;
    policy.limit = static_cast<uint32_t>(dice_.Between(1, 5));
    WakeList wake;
    const uint32_t before = naive_.policy.limit;
    real_.SetLimit(policy.limit, now_, &wake);
    if (policy.limit != before) naive_.Change(policy, now_);
    CheckWakes(&wake);
  }

  void Update() {
    const BulkheadPolicy policy = AnyPolicy(dice_);
    WakeList wake;
    real_.Update(policy, now_, &wake);
    naive_.Change(policy, now_);
    CheckWakes(&wake);
  }

  void CheckWakes(WakeList* wake) {
    size_t i = 0;
    while (Waiter* const waiter = wake->Pop()) {
      const int who = static_cast<int>(waiter - waiters_.data());
      Want(i < naive_.to_wake.size(), "one too many is woken");
      if (agree_) Same(who, naive_.to_wake[i++], "who is woken");
      waking_.push_back(who);
    }
    Same(i, naive_.to_wake.size(), "how many are woken");
    naive_.to_wake.clear();
  }

  void FinishAWake() {
    if (waking_.empty()) return;
    const size_t index = dice_.Below(waking_.size());
    const int who = waking_[index];
    waking_.erase(waking_.begin() + static_cast<std::ptrdiff_t>(index));
    real_.WakeDone(waiters_[who]);
    naive_.WakeDone(who);
  }

  void CheckCounts() {
    const hf_bulkhead_snapshot now = real_.Read();
    Same(now.in_flight, naive_.in_flight, "in_flight");
    Same<size_t>(now.waiting, naive_.queue.size(), "waiting");
    Same(now.limit, naive_.policy.limit, "limit");
    Same(now.refused, naive_.full, "refused");
    Same(now.timed_out, naive_.timed_out, "timed_out");
    Same(now.over_share, naive_.over_share, "over_share");
    Same(now.no_time, naive_.no_time, "no_time");
    Same(now.dropped, naive_.dropped, "dropped");
    Same(now.latency, naive_.Latency(), "latency");
    Same(now.overloaded != 0, naive_.overloaded, "overloaded");
    for (uint32_t i = 0; i < now.partitions; ++i) {
      Same(now.partition_in_flight[i], naive_.of_partition[i], "a partition's in_flight");
    }
    if (now.waiting > 0) Want(now.in_flight >= now.limit, "nobody waits while there is room");
  }

  // Everybody leaves; what is then still in flight was lost.
  void GoHome() {
    for (int round = 0; round < 3; ++round) {
      while (!waking_.empty()) FinishAWake();
      for (int who = 0; who < kPeople; ++who) Cancel(who);
    }
    while (!held_.empty()) GiveOne();
    Same(real_.InFlight(), 0u, "in_flight when all have left");
    Same(real_.Waiting(), 0u, "waiting when all have left");
  }

  const uint64_t seed_;
  Dice dice_;
  NaiveBulkhead naive_;
  engine::Bulkhead<Storage> real_;
  std::array<Waiter, kPeople> waiters_{};
  std::vector<int> waking_;
  std::vector<Held> held_;
  hf_time now_ = 0;
  int step_ = 0;
  bool agree_ = true;
};

template <typename Storage>
void PlayAll(uint64_t schedules, int steps) {
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    if (!Match<Storage>(seed).Play(steps)) return;
  }
}

TEST(BulkheadModel, AgreesWithTheNaiveBulkhead) {
  PlayAll<engine::PlainCells>(Schedules(1'000'000), 24);
}

TEST(BulkheadModel, AgreesWithItInLongSchedules) {
  PlayAll<engine::PlainCells>(Schedules(1'000'000) / 100, 400);
}

TEST(BulkheadModel, AgreesWithItOverAtomicCells) {
  PlayAll<abi::AtomicCells>(Schedules(1'000'000) / 10, 24);
}

TEST(BulkheadModel, ItsUsersHaveSlotsOfTheirOwn) {
  std::set<uint8_t> slots;
  for (uint64_t user = 0; user <= kUsers; ++user) slots.insert(engine::UserTable::SlotOf(user));
  EXPECT_EQ(slots.size(), kUsers + 1);
}

}  // namespace
}  // namespace holdfast::model
