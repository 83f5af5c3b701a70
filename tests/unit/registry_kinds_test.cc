// SPDX-License-Identifier: Apache-2.0
// Registries of limiters and budgets, and updates of any.
#include <gtest/gtest.h>
#include <holdfast/c/registry.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>

#include "model/dice.h"

namespace {

constexpr hf_time kStart = 1000 * HF_S;

class Kinds : public testing::Test {
 protected:
  Kinds() {
    options_.seed = 11;
    options_.capacity = 2;
  }
  ~Kinds() override { hf_registry_unref(registry_); }

  void Open() {
    hf_error error;
    ASSERT_EQ(hf_registry_new(&options_, &registry_, &error), HF_OK) << error.text;
  }
  hf_budget* Budget(const std::string& name) {
    const hf_str key = {name.data(), name.size()};
    hf_budget* out = nullptr;
    code_ = hf_registry_budget(registry_, nullptr, &key, kStart, &out, nullptr);
    return out;
  }
  hf_limiter* Limiter(const std::string& name, hf_time now = kStart) {
    const hf_str key = {name.data(), name.size()};
    hf_limiter* out = nullptr;
    code_ = hf_registry_limiter(registry_, nullptr, &key, now, &out, nullptr);
    return out;
  }
  // Takes tokens of a key; how many it got.
  int Drain(const std::string& name, hf_time now = kStart) {
    hf_limiter* const limiter = Limiter(name, now);
    int got = 0;
    while (hf_limiter_try_acquire(limiter, 1, now, nullptr) == HF_OK) ++got;
    hf_limiter_unref(limiter);
    return got;
  }
  bool Updates(hf_time now = kStart) {
    hf_error error;
    const hf_code code = hf_registry_update(registry_, &options_, now, &error);
    EXPECT_EQ(code, error.code);
    reason_ = error.reason;
    text_ = error.text;
    return code == HF_OK;
  }

  hf_budget_options budget_ = HF_INIT(hf_budget_options);
  hf_limiter_options limiter_ = HF_INIT(hf_limiter_options);
  hf_breaker_options breaker_ = HF_INIT(hf_breaker_options);
  hf_registry_options options_ = HF_INIT(hf_registry_options);
  hf_registry* registry_ = nullptr;
  hf_code code_ = HF_OK;
  hf_reason reason_ = HF_R_NONE;
  std::string text_;
};

TEST_F(Kinds, ABudgetThatIsNotFullIsNotEvicted) {
  budget_.max_tokens = 10;
  options_.budget = &budget_;
  Open();
  hf_budget* const debtor = Budget("debtor");
  hf_budget_on_failure(debtor);
  hf_budget_unref(debtor);
  for (int i = 0; i < 100; ++i) {
    hf_budget_unref(Budget(std::to_string(i)));
    ASSERT_EQ(code_, HF_OK);
  }
  EXPECT_EQ(Budget("debtor"), debtor);
  EXPECT_EQ(hf_budget_tokens(debtor), 9);
  hf_budget_unref(debtor);
}

TEST_F(Kinds, ALimiterInDebtOrWithAReservationIsNotEvicted) {
  limiter_.permits = 10;
  limiter_.period = HF_S;
  limiter_.max_wait = 5 * HF_S;
  options_.limiter = &limiter_;
  Open();
  EXPECT_EQ(Drain("debtor"), 10);
  hf_limiter* const limiter = Limiter("debtor");
  hf_reservation reservation{};
  ASSERT_EQ(hf_limiter_reserve(limiter, 10, 0, kStart, &reservation, nullptr, nullptr), HF_OK);
  hf_limiter_unref(limiter);
  for (int i = 0; i < 50; ++i) hf_limiter_unref(Limiter(std::to_string(i), kStart + HF_S));
  EXPECT_EQ(Drain("debtor", kStart + HF_S), 0) << "the reservation still counts";
  // Full again, it may go.
  for (int i = 0; i < 50; ++i) hf_limiter_unref(Limiter(std::to_string(i), kStart + 3 * HF_S));
  EXPECT_EQ(Drain("debtor", kStart + 3 * HF_S), 10);
}

TEST_F(Kinds, ATtlMustLetALimiterFill) {
  limiter_.permits = 1;
  limiter_.burst = 60;
  limiter_.period = HF_S;  // a minute to fill, and a second of debt
  options_.limiter = &limiter_;
  options_.idle_ttl = 60 * HF_S;
  hf_error error;
  EXPECT_EQ(hf_registry_new(&options_, &registry_, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_BAD_OPTIONS);
  EXPECT_NE(std::strstr(error.text, "idle_ttl"), nullptr);
  options_.idle_ttl = 61 * HF_S;
  Open();
}

TEST_F(Kinds, AnUpdateReachesTheKeysThatAreThereAndThoseToCome) {
  limiter_.permits = 10;
  options_.limiter = &limiter_;
  Open();
  EXPECT_EQ(Drain("old"), 10);
  limiter_.permits = 30;
  EXPECT_TRUE(Updates());
  EXPECT_EQ(Drain("old", kStart + HF_S), 30) << "a second later, at the new rate";
  EXPECT_EQ(Drain("new"), 30);
}

TEST_F(Kinds, AnUpdateKeepsWhatIsLeftOfABudget) {
  budget_.max_tokens = 10;
  options_.budget = &budget_;
  options_.overflow = HF_OVERFLOW_SHARE;
  options_.capacity = 1;
  Open();
  hf_budget* const own = Budget("a");
  hf_budget* const shared = Budget("b");
  for (int i = 0; i < 5; ++i) hf_budget_on_failure(own);
  budget_.max_tokens = 100;
  EXPECT_TRUE(Updates());
  EXPECT_EQ(hf_budget_tokens(own), 50);
  EXPECT_EQ(hf_budget_tokens(shared), 100);
  hf_budget_unref(own);
  hf_budget_unref(shared);
}

TEST_F(Kinds, ABadUpdateChangesNothing) {
  limiter_.permits = 10;
  options_.limiter = &limiter_;
  Open();
  limiter_.permits = 20;
  limiter_.cold_factor = 1;
  EXPECT_FALSE(Updates());
  EXPECT_EQ(reason_, HF_R_OUT_OF_RANGE);
  EXPECT_NE(text_.find("cold_factor"), std::string::npos);
  limiter_.cold_factor = 0;
  limiter_.flags = HF_LIMITER_ADAPTIVE;
  EXPECT_FALSE(Updates());
  EXPECT_EQ(reason_, HF_R_CHANGED_SHAPE);
  EXPECT_NE(text_.find("limiter"), std::string::npos);
  limiter_.flags = 0;
  options_.capacity = 3;
  EXPECT_FALSE(Updates());
  EXPECT_EQ(reason_, HF_R_CHANGED_SHAPE);
  options_.capacity = 0;
  options_.overflow = HF_OVERFLOW_SHARE;
  EXPECT_FALSE(Updates());
  EXPECT_EQ(reason_, HF_R_CHANGED_SHAPE);
  options_.overflow = 0;
  options_.idle_ttl = 1;
  EXPECT_FALSE(Updates());
  EXPECT_EQ(reason_, HF_R_OUT_OF_RANGE);
  options_.idle_ttl = 0;
  options_.limiter = nullptr;
  EXPECT_FALSE(Updates());
  EXPECT_EQ(reason_, HF_R_BAD_OPTIONS);
  options_.budget = &budget_;
  EXPECT_FALSE(Updates());
  EXPECT_EQ(reason_, HF_R_CHANGED_SHAPE);
  EXPECT_EQ(Drain("a"), 10) << "as ever";
  EXPECT_EQ(hf_registry_update(nullptr, &options_, kStart, nullptr), HF_INVALID_ARGUMENT);
  options_.budget = nullptr;
  options_.limiter = &limiter_;
  options_.capacity = 2;
  options_.seed = 0;
  EXPECT_TRUE(Updates()) << text_;
  EXPECT_EQ(Drain("b"), 20);
}

TEST_F(Kinds, ObjectsWriteIntoTheirOwnJournalUnderTheHashOfTheirKey) {
  hf_journal *of_objects = nullptr, *of_registry = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &of_objects, nullptr), HF_OK);
  ASSERT_EQ(hf_journal_new(nullptr, &of_registry, nullptr), HF_OK);
  limiter_.permits = 1;
  limiter_.journal = of_objects;
  options_.limiter = &limiter_;
  options_.journal = of_registry;
  options_.object = 5;
  Open();
  Drain("a");
  hf_registry_key key;
  uint32_t cursor = 0;
  size_t count = 0;
  ASSERT_EQ(hf_registry_list(registry_, &cursor, kStart, &key, 1, &count), HF_OK);
  hf_event event{};
  ASSERT_EQ(hf_journal_drain(of_objects, &event, 1, &count), HF_OK);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(event.object, key.hash);
  EXPECT_EQ(event.reason, HF_R_RATE_LIMITED);
  limiter_.journal = nullptr;
  EXPECT_TRUE(Updates());
  ASSERT_EQ(hf_journal_drain(of_registry, &event, 1, &count), HF_OK);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(event.kind, HF_EVENT_KIND_UPDATED);
  EXPECT_EQ(event.object, 5u);
  EXPECT_EQ(event.after, 1);
  hf_registry_unref(registry_);
  registry_ = nullptr;
  hf_journal_unref(of_objects);
  hf_journal_unref(of_registry);
}

hf_breaker* Breaker(hf_registry* registry, const std::string& name, hf_time now) {
  const hf_str key = {name.data(), name.size()};
  hf_breaker* out = nullptr;
  EXPECT_EQ(hf_registry_breaker(registry, nullptr, &key, now, &out, nullptr), HF_OK);
  return out;
}

void Call(hf_breaker* breaker, hf_verdict verdict, hf_time now) {
  hf_permit permit{};
  ASSERT_EQ(hf_breaker_acquire(breaker, now, &permit, nullptr, nullptr), HF_OK);
  ASSERT_EQ(hf_breaker_record(breaker, &permit, verdict, now, nullptr), HF_OK);
}

hf_breaker_state StateOf(hf_breaker* breaker, hf_time now) {
  hf_breaker_snapshot seen{};
  seen.struct_size = sizeof seen;
  EXPECT_EQ(hf_breaker_read(breaker, now, &seen), HF_OK);
  return seen.state;
}

TEST_F(Kinds, AnUpdateOfBreakersCanOpenThemAndBreakersAloneCannotBeUpdated) {
  breaker_.window = HF_WINDOW_TIME;
  breaker_.minimum_calls = 100;
  options_.breaker = &breaker_;
  Open();
  hf_breaker* const a = Breaker(registry_, "a", kStart);
  for (int i = 0; i < 10; ++i) Call(a, HF_VERDICT_FAILURE, kStart);
  EXPECT_EQ(StateOf(a, kStart), HF_BREAKER_CLOSED);
  hf_error error{};
  EXPECT_EQ(hf_breaker_update(a, &breaker_, kStart, &error), HF_FAILED_PRECONDITION);
  EXPECT_EQ(error.reason, HF_R_CHANGED_SHAPE);
  breaker_.minimum_calls = 10;
  EXPECT_TRUE(Updates());
  EXPECT_EQ(StateOf(a, kStart), HF_BREAKER_OPEN);
  hf_breaker* const b = Breaker(registry_, "b", kStart);
  for (int i = 0; i < 10; ++i) Call(b, HF_VERDICT_FAILURE, kStart);
  EXPECT_EQ(StateOf(b, kStart), HF_BREAKER_OPEN) << "by the new policy";
  breaker_.window_buckets = 20;
  EXPECT_FALSE(Updates());
  EXPECT_EQ(reason_, HF_R_CHANGED_SHAPE) << "there is no room for that";
  hf_breaker_unref(a);
  hf_breaker_unref(b);
}

TEST_F(Kinds, ABreakerIsKeptWhileItRampsOrItsTripsCount) {
  breaker_.window = HF_WINDOW_TIME;
  breaker_.consecutive_failures = 1;
  breaker_.probes = 1;
  breaker_.open_multiplier = 2;
  breaker_.open_cap = 20 * HF_S;
  breaker_.healthy_for = 60 * HF_S;
  breaker_.ramp_for = 30 * HF_S;
  breaker_.ramp_from = 1;
  options_.breaker = &breaker_;
  options_.capacity = 1;
  Open();
  hf_breaker* const a = Breaker(registry_, "a", kStart);
  Call(a, HF_VERDICT_FAILURE, kStart);
  const hf_time closed = kStart + 5 * HF_S;
  Call(a, HF_VERDICT_SUCCESS, closed);  // its probe
  ASSERT_EQ(StateOf(a, closed), HF_BREAKER_CLOSED);
  hf_breaker_unref(a);
  const auto is_full = [&](hf_time now) {
    const hf_str key = {"b", 1};
    hf_breaker* out = nullptr;
    const hf_code code = hf_registry_breaker(registry_, nullptr, &key, now, &out, nullptr);
    hf_breaker_unref(out);
    return code == HF_RESOURCE_EXHAUSTED;
  };
  EXPECT_TRUE(is_full(closed + 29 * HF_S)) << "ramping";
  EXPECT_TRUE(is_full(closed + 59 * HF_S)) << "the next open time would be longer";
  EXPECT_FALSE(is_full(closed + 60 * HF_S));
}

TEST_F(Kinds, ABreakerThatSomebodyPutIntoMetricsOnlyStays) {
  breaker_.window = HF_WINDOW_TIME;
  options_.breaker = &breaker_;
  options_.capacity = 1;
  Open();
  hf_breaker* const a = Breaker(registry_, "a", kStart);
  ASSERT_EQ(hf_breaker_force(a, HF_BREAKER_METRICS_ONLY, kStart), HF_OK);
  hf_breaker_unref(a);
  uint32_t evicted = 1;
  hf_registry_sweep(registry_, 10, kStart + 3600 * HF_S, &evicted);
  EXPECT_EQ(evicted, 0u);
}

TEST_F(Kinds, ATtlCoversGrowingOpenTimesAndTheRamp) {
  breaker_.window = HF_WINDOW_TIME;
  breaker_.open_multiplier = 2;
  breaker_.open_cap = 100 * HF_S;
  breaker_.ramp_for = 30 * HF_S;
  options_.breaker = &breaker_;
  options_.idle_ttl = 140 * HF_S - 1;
  EXPECT_EQ(hf_registry_new(&options_, &registry_, nullptr), HF_INVALID_ARGUMENT);
  options_.idle_ttl = 140 * HF_S;
  Open();
}

// A key that is made while an update passes by has the new policy in the end, too.
TEST_F(Kinds, NoKeyMissesAnUpdateThatRacesWithIt) {
  constexpr int kRounds = holdfast::model::kSlowness > 1 ? 20 : 300;
  options_.budget = &budget_;
  options_.capacity = 10000;
  for (int round = 0; round < kRounds; ++round) {
    budget_.max_tokens = 10;
    Open();
    std::atomic<bool> go{false};
    std::thread maker([&] {
      while (!go) {
      }
      for (int i = 0; i < 100; ++i) hf_budget_unref(Budget(std::to_string(i)));
    });
    go = true;
    hf_budget_options next = budget_;
    next.max_tokens = 20;
    hf_registry_options update = options_;
    update.budget = &next;
    ASSERT_EQ(hf_registry_update(registry_, &update, kStart, nullptr), HF_OK);
    maker.join();
    for (int i = 0; i < 100; ++i) {
      hf_budget* const budget = Budget(std::to_string(i));
      ASSERT_EQ(hf_budget_tokens(budget), 20) << i;
      hf_budget_unref(budget);
    }
    hf_registry_unref(registry_);
    registry_ = nullptr;
  }
}

}  // namespace
