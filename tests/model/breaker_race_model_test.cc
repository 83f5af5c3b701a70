// SPDX-License-Identifier: Apache-2.0
// Two threads in one breaker, without threads: its storage runs a rival's whole step before the k-th
// access to a cell, for every k. What comes of it must be what one of the two orders gives.
//
// After a lost race a result may be told as a straggler or as nothing; both mean "changed nothing". Which
// of two results is told that it opened the breaker is open, but one of them is, and once. Window
// totals are compared while closed: those of a breaker that has left CLOSED are only a memory. Count
// windows do not fill up here, so that all that was counted is still there to be compared.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "engine/breaker.h"
#include "model/dice.h"
#include "model/naive_breaker.h"

namespace holdfast::engine {
namespace {

using model::Dice;
using model::NaiveBreaker;

struct RivalCells {
  static inline int accesses_left = -1;  // until the rival runs; -1: there is none
  static inline std::function<void()> rival;
  static inline bool locked = false;

  // A rival that wants the lock has to wait for it, so nobody steps in while it is held.
  static void Touch() {
    if (accesses_left < 0 || locked) return;
    if (accesses_left-- == 0) std::exchange(rival, nullptr)();
  }

  template <typename T>
  class Cell {
   public:
    Cell() = default;
    explicit Cell(T value) : value_(value) {}

    T Load() const {
      Touch();
      return value_;
    }
    void Store(T value) {
      Touch();
      value_ = value;
    }
    T Add(T amount) {
      Touch();
      return std::exchange(value_, value_ + amount);
    }
    bool CompareExchange(T& expected, T desired) {
      Touch();
      if (value_ == expected) {
        value_ = desired;
        return true;
      }
      expected = value_;
      return false;
    }

   private:
    T value_{};
  };

  class Mutex {
   public:
    void Lock() {
      Touch();
      locked = true;
    }
    void Unlock() { locked = false; }
  };
};

constexpr uint32_t kNeverFull = 64;  // more than a schedule has steps

using Racer = Breaker<RivalCells>;

struct Op {
  enum Kind { kAcquire, kRecord, kForce } kind = kAcquire;
  hf_permit permit{};
  hf_verdict verdict = HF_VERDICT_SUCCESS;
  hf_breaker_state state = HF_BREAKER_CLOSED;
  hf_time now = 0;
};

struct Told {
  hf_reason refused = HF_R_NONE;
  hf_permit permit{};
  hf_events events = 0;
};

Told Do(Racer& engine, const Op& op) {
  Told told;
  if (op.kind == Op::kAcquire) {
    const Admission admission = engine.Acquire(op.now);
    told = {admission.why.reason, admission.permit, admission.events};
  } else if (op.kind == Op::kRecord) {
    told.events = engine.Record(op.permit, op.verdict, op.now).events;
  } else {
    engine.Force(op.state, op.now);
  }
  return told;
}

Told Do(NaiveBreaker& naive, const Op& op) {
  Told told;
  if (op.kind == Op::kAcquire) {
    const NaiveBreaker::Answer answer = naive.Acquire(op.now);
    told = {answer.refused, {answer.generation, answer.kind, 0}, answer.events};
  } else if (op.kind == Op::kRecord) {
    told.events = naive.Record(op.permit.generation, op.verdict, op.now);
  } else {
    naive.Force(op.state, op.now);
  }
  return told;
}

bool Same(const Told& a, const Told& b) {
  return a.refused == b.refused && a.permit.kind == b.permit.kind &&
         a.permit.generation == b.permit.generation &&
         ((a.events ^ b.events) & ~(HF_EVENT_STRAGGLER | HF_EVENT_BREAKER_OPENED)) == 0;
}

bool Same(const Racer& engine, const NaiveBreaker& naive, hf_time now) {
  const hf_breaker_snapshot got = engine.Read(now);
  if (got.state != naive.state() || got.generation != naive.generation()) return false;
  if (got.opened != naive.opened() || got.refused != naive.refused()) return false;
  if (got.probes_out != naive.ProbesOut() || got.open_until != naive.open_until()) return false;
  return got.state != HF_BREAKER_CLOSED ||
         (got.calls == naive.Calls(now) && got.failures == naive.Failures(now));
}

// A breaker in some state, with permits out, and two steps that meet there.
class Race {
 public:
  explicit Race(uint64_t seed)
      : dice_(seed), policy_(RandomPolicy()), engine_(policy_), naive_(policy_) {
    for (int64_t steps = dice_.Between(0, 40); steps > 0; --steps) {
      now_ += dice_.Chance(30) ? dice_.Between(0, 30) * HF_MS : 0;
      const Op op = RandomOp(3);
      const Told told = Do(engine_, op);
      Do(naive_, op);
      if (told.permit.kind != HF_PERMIT_NONE) permits_.push_back(told.permit);
    }
    now_ += dice_.Chance(30) ? dice_.Between(0, 30) * HF_MS : 0;
    first_ = RandomOp(20);
    second_ = RandomOp(20);
  }

  // Lets the second step in before access k of the first. False if there is no access k.
  bool Run(int k) {
    Racer engine = engine_;
    Told second;
    RivalCells::rival = [&] { second = Do(engine, second_); };
    RivalCells::accesses_left = k;
    const Told first = Do(engine, first_);
    RivalCells::accesses_left = -1;
    if (RivalCells::rival != nullptr) return false;

    EXPECT_TRUE(IsInOrder(engine, first_, first, second_, second) ||
                IsInOrder(engine, second_, second, first_, first) || PassedUnnoticed(engine))
        << "before access " << k << ": steps " << first_.kind << " and " << second_.kind
        << ", told " << first.events << " and " << second.events << ", state "
        << engine.Read(now_).state;
    return true;
  }

 private:
  bool IsInOrder(const Racer& engine, const Op& earlier, const Told& told_earlier, const Op& later,
                 const Told& told_later) const {
    NaiveBreaker naive = naive_;
    const Told first = Do(naive, earlier);
    const Told second = Do(naive, later);
    const hf_events opened = first.events ^ second.events ^ told_earlier.events ^ told_later.events;
    return Same(first, told_earlier) && Same(second, told_later) &&
           (opened & HF_EVENT_BREAKER_OPENED) == 0 && Same(engine, naive, now_);
  }

  // A rate that one result reached and the next one, a success, took back before anyone had looked. Both
  // results are there, and the rate is not.
  bool PassedUnnoticed(const Racer& engine) const {
    const auto counts = [&](const Op& op) {
      return op.kind == Op::kRecord && op.permit.generation == naive_.generation() &&
             op.verdict != HF_VERDICT_IGNORED;
    };
    const auto failure = [](const Op& op) { return op.verdict == HF_VERDICT_FAILURE ? 1u : 0u; };
    const hf_breaker_snapshot got = engine.Read(now_);
    return naive_.state() == HF_BREAKER_CLOSED && counts(first_) && counts(second_) &&
           got.state == HF_BREAKER_CLOSED && got.generation == naive_.generation() &&
           got.calls == naive_.Calls(now_) + 2 &&
           got.failures == naive_.Failures(now_) + failure(first_) + failure(second_) &&
           failure(first_) + failure(second_) < 2 && !RateReached(policy_, got.failures, got.calls);
  }

  BreakerPolicy RandomPolicy() {
    BreakerPolicy policy;
    policy.window = dice_.Chance(50) ? HF_WINDOW_COUNT : HF_WINDOW_TIME;
    policy.window_calls = kNeverFull;
    policy.window_buckets = static_cast<uint32_t>(dice_.Between(1, 4));
    policy.window_time = dice_.Between(10, 100) * HF_MS;
    policy.minimum_calls =
        std::min(static_cast<uint32_t>(dice_.Between(1, 4)), policy.window_calls);
    policy.failure_rate = dice_.OneOf({0.3, 0.5, 1.0});
    if (dice_.Chance(30)) policy.consecutive_failures = static_cast<uint32_t>(dice_.Between(1, 4));
    policy.probes = static_cast<uint32_t>(dice_.Between(1, 3));
    policy.open_for = dice_.Between(1, 20) * HF_MS;
    policy.probe_lease = dice_.Between(1, 40) * HF_MS;
    return policy;
  }

  Op RandomOp(uint64_t force_percent) {
    Op op;
    op.now = now_;
    if (dice_.Chance(force_percent)) {
      op.kind = Op::kForce;
      op.state = dice_.OneOf(
          {HF_BREAKER_CLOSED, HF_BREAKER_CLOSED, HF_BREAKER_FORCED_OPEN, HF_BREAKER_DISABLED});
    } else if (!permits_.empty() && dice_.Chance(65)) {
      op.kind = Op::kRecord;
      const size_t at = dice_.Chance(70) ? permits_.size() - 1 : dice_.Below(permits_.size());
      op.permit = permits_[at];
      permits_.erase(permits_.begin() + static_cast<ptrdiff_t>(at));
      op.verdict = dice_.OneOf({HF_VERDICT_FAILURE, HF_VERDICT_FAILURE, HF_VERDICT_SUCCESS,
                                HF_VERDICT_SUCCESS, HF_VERDICT_IGNORED});
    }
    return op;
  }

  Dice dice_;
  const BreakerPolicy policy_;
  Racer engine_;
  NaiveBreaker naive_;
  hf_time now_ = 100 * HF_S;
  std::vector<hf_permit> permits_;
  Op first_, second_;
};

TEST(BreakerRaceModel, TwoStepsAtOnceAreAsGoodAsOneAfterTheOther) {
  const uint64_t schedules = 10 * model::Schedules(10000);  // they are short, and races are rare
  for (uint64_t seed = 1; seed <= schedules && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Race race(seed);
    for (int k = 0; race.Run(k) && !HasFailure(); ++k) {
    }
  }
}

}  // namespace
}  // namespace holdfast::engine
