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

#include "model/dice.h"
#include "model/naive_breaker.h"
#include "unit/breaker_box.h"

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

  using Journal = PlainCells::Journal;

  // The rival is another thread, so it has a lane of its own.
  static inline uint32_t lane = 0;
  static uint32_t Lane() { return lane; }
  static void MoveLane() {}
};

constexpr uint32_t kNeverFull = 64;  // more than a schedule has steps

using Racer = Breaker<RivalCells>;

// A right to record, in both worlds.
struct Held {
  hf_permit permit{};
  NaiveBreaker::Answer answer;
};

struct Op {
  enum Kind { kAcquire, kRecord, kForce, kMerge } kind = kAcquire;
  size_t held = 0;  // which of the permits taken before
  hf_verdict verdict = HF_VERDICT_SUCCESS;
  hf_breaker_state state = HF_BREAKER_CLOSED;
  WindowTotals totals;
  hf_time now = 0;
};

struct Told {
  hf_reason refused = HF_R_NONE;
  hf_permit permit{};
  hf_events events = 0;
  NaiveBreaker::Answer answer;
};

Told Do(Racer& engine, const Op& op, const std::vector<Held>& held) {
  Told told;
  if (op.kind == Op::kAcquire) {
    const Admission admission = engine.Acquire(op.now);
    told.refused = admission.why.reason;
    told.permit = admission.permit;
    told.events = admission.events;
  } else if (op.kind == Op::kRecord) {
    told.events = engine.Record(held[op.held].permit, op.verdict, op.now).events;
  } else if (op.kind == Op::kMerge) {
    engine.Merge(7, op.totals, op.now, &told.events);
  } else {
    engine.Force(op.state, op.now);
  }
  return told;
}

Told Do(NaiveBreaker& naive, const Op& op, const std::vector<Held>& held, bool looks = true) {
  Told told;
  if (op.kind == Op::kAcquire) {
    told.answer = naive.Acquire(op.now, looks);
    told.refused = told.answer.refused;
    told.permit = {told.answer.generation, told.answer.kind, 0};
    told.events = told.answer.events;
  } else if (op.kind == Op::kRecord) {
    told.events = naive.Record(held[op.held].answer, op.verdict, op.now);
  } else if (op.kind == Op::kMerge) {
    naive.Merge(7, op.totals, op.now, &told.events);
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
  const WindowTotals totals = naive.Totals(now);
  return got.state != HF_BREAKER_CLOSED ||
         (got.calls == totals.calls && got.failures == totals.failures && got.slow == totals.slow &&
          got.in_flight == naive.InFlight() && got.overdue == naive.Overdue(now) &&
          got.consecutive == naive.run());
}

// A breaker in some state, with permits out, and two steps that meet there.
class Race {
 public:
  explicit Race(uint64_t seed) : dice_(seed), policy_(RandomPolicy()), naive_(policy_, 1) {
    BreakerBox<RivalCells> box(policy_, Capacity::Largest(2), 1);
    for (int64_t steps = dice_.Between(0, 40); steps > 0; --steps) {
      now_ += dice_.Chance(30) ? dice_.Between(0, 30) * HF_MS : 0;
      past_.push_back(RandomOp(3));
      const Told told = Do(box.machine, past_.back(), held_);
      const Told expected = Do(naive_, past_.back(), held_);
      if (told.permit.kind != HF_PERMIT_NONE) {
        free_.push_back(held_.size());
        held_.push_back({told.permit, expected.answer});
      }
    }
    now_ += dice_.Chance(30) ? dice_.Between(0, 30) * HF_MS : 0;
    first_ = RandomOp(20);
    second_ = RandomOp(20);
    // A call and what it showed are two writes, and a peer's veto may see the one and not the other.
    if (first_.kind == Op::kRecord && second_.kind == Op::kMerge) second_.kind = Op::kForce;
    if (second_.kind == Op::kRecord && first_.kind == Op::kMerge) first_.kind = Op::kForce;
  }

  // Lets the second step in before access k of the first. False if there is no access k.
  bool Run(int k) {
    BreakerBox<RivalCells> box(policy_, Capacity::Largest(2), 1);
    Racer& engine = box.machine;
    for (const Op& op : past_) Do(engine, op, held_);
    Told second;
    RivalCells::rival = [&] {
      RivalCells::lane = 1;
      second = Do(engine, second_, held_);
      RivalCells::lane = 0;
    };
    RivalCells::accesses_left = k;
    const Told first = Do(engine, first_, held_);
    RivalCells::accesses_left = -1;
    if (RivalCells::rival != nullptr) return false;

    EXPECT_TRUE(IsInOrder(engine, first_, first, second_, second) ||
                IsInOrder(engine, second_, second, first_, first) ||
                IsInOrder(engine, second_, second, first_, first, /*looks=*/false) ||
                PassedUnnoticed(engine))
        << "before access " << k << ": steps " << first_.kind << " and " << second_.kind
        << ", told " << first.events << " and " << second.events << ", refused " << first.refused
        << " and " << second.refused << ", state " << engine.Read(now_).state << ", before "
        << naive_.state();
    return true;
  }

 private:
  // Not `looks`: the earlier one asked while a call that hung was on its way from those under way into the
  // window, and saw it in neither.
  bool IsInOrder(const Racer& engine, const Op& earlier, const Told& told_earlier, const Op& later,
                 const Told& told_later, bool looks = true) const {
    NaiveBreaker naive = naive_;
    if (!looks && (earlier.kind != Op::kAcquire || later.kind != Op::kRecord)) return false;
    const Told first = Do(naive, earlier, held_, looks);
    const Told second = Do(naive, later, held_);
    const hf_events opened = first.events ^ second.events ^ told_earlier.events ^ told_later.events;
    return Same(first, told_earlier) && Same(second, told_later) &&
           (opened & HF_EVENT_BREAKER_OPENED) == 0 && Same(engine, naive, now_);
  }

  // A rate or a run that one result reached and the next one, a success, took back before anyone had looked.
  // Both results are there, and what they reached is not.
  bool PassedUnnoticed(const Racer& engine) const {
    const auto counts = [&](const Op& op) {
      return op.kind == Op::kRecord && held_[op.held].answer.generation == naive_.generation() &&
             op.verdict != HF_VERDICT_IGNORED;
    };
    const auto failure = [](const Op& op) { return op.verdict == HF_VERDICT_FAILURE ? 1u : 0u; };
    const hf_breaker_snapshot got = engine.Read(now_);
    const WindowTotals before = naive_.Totals(now_);
    const uint32_t all = got.calls + got.overdue;
    return naive_.state() == HF_BREAKER_CLOSED && counts(first_) && counts(second_) &&
           got.state == HF_BREAKER_CLOSED && got.generation == naive_.generation() &&
           got.calls == before.calls + 2 &&
           got.failures == before.failures + failure(first_) + failure(second_) &&
           failure(first_) + failure(second_) < 2 &&
           !Reaches(got.failures, got.calls, policy_.failure_rate) &&
           (policy_.slow_rate <= 0 || !Reaches(got.slow + got.overdue, all, policy_.slow_rate));
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
    policy.lost_probe = dice_.OneOf({HF_LOST_PROBE_REFUND, HF_LOST_PROBE_FAILURE});
    if (dice_.Chance(30)) policy.slow_rate = dice_.OneOf({0.3, 0.6, 1.0});
    if (policy.slow_rate > 0 && dice_.Chance(60)) policy.slow_after = dice_.Between(10, 40) * HF_MS;
    if (dice_.Chance(40)) policy.ramp_for = dice_.Between(5, 60) * HF_MS;
    policy.ramp_from = 0.4;
    policy.veto_calls = 2;
    policy.peer_ttl = 5 * HF_MS;
    return policy;
  }

  Op RandomOp(uint64_t force_percent) {
    Op op;
    op.now = now_;
    if (dice_.Chance(force_percent)) {
      op.kind = dice_.OneOf({Op::kForce, Op::kForce, Op::kForce, Op::kMerge});
      op.state = dice_.OneOf({HF_BREAKER_CLOSED, HF_BREAKER_CLOSED, HF_BREAKER_FORCED_OPEN,
                              HF_BREAKER_DISABLED, HF_BREAKER_METRICS_ONLY});
      op.totals = {6, static_cast<uint32_t>(dice_.Below(7)), 0};
    } else if (!free_.empty() && dice_.Chance(65)) {
      op.kind = Op::kRecord;
      const size_t at = dice_.Chance(70) ? free_.size() - 1 : dice_.Below(free_.size());
      op.held = free_[at];
      free_.erase(free_.begin() + static_cast<ptrdiff_t>(at));
      op.verdict = dice_.OneOf({HF_VERDICT_FAILURE, HF_VERDICT_FAILURE, HF_VERDICT_SUCCESS,
                                HF_VERDICT_SUCCESS, HF_VERDICT_SLOW, HF_VERDICT_IGNORED});
    }
    return op;
  }

  Dice dice_;
  const BreakerPolicy policy_;
  NaiveBreaker naive_;
  hf_time now_ = 100 * HF_S;
  std::vector<Op> past_;
  std::vector<Held> held_;
  std::vector<size_t> free_;  // of held_: not given back yet
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
