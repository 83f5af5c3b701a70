// SPDX-License-Identifier: Apache-2.0
//
// Bad input to the limiter's functions: refused with the field named, and nothing changed.
#include <gtest/gtest.h>
#include <holdfast/c/limiter.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

constexpr hf_time kStart = HF_S;

struct Row {
  const char* field;
  std::function<void(hf_limiter_options&)> set;
  hf_reason reason = HF_R_OUT_OF_RANGE;
};

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"permits", [](auto& o) { o.permits = 1'000'000'001; }},
      {"permits",
       [](auto& o) {
         o.permits = 1001;
         o.period = HF_US;
       }},
      {"burst", [](auto& o) { o.burst = 1'000'000'001; }},
      {"period", [](auto& o) { o.period = -1; }},
      {"period", [](auto& o) { o.period = 24 * 3600 * HF_S + 1; }},
      {"period", [](auto& o) { o.period = HF_INFINITE; }},
      {"max_wait", [](auto& o) { o.max_wait = -1; }},
      {"max_wait", [](auto& o) { o.max_wait = HF_INFINITE; }},
      {"warm_up", [](auto& o) { o.warm_up = HF_MS - 1; }},
      {"warm_up", [](auto& o) { o.warm_up = -1; }},
      {"warm_up", [](auto& o) { o.warm_up = 3600 * HF_S + 1; }},
      {"cold_factor", [](auto& o) { o.cold_factor = 1; }},
      {"cold_factor", [](auto& o) { o.cold_factor = 101; }},
      {"flags", [](auto& o) { o.flags = 2; }, HF_R_UNSUPPORTED_FIELD},
      {"struct_size", [](auto& o) { o.struct_size = 8; }, HF_R_STRUCT_SIZE},
      {"abi_level", [](auto& o) { o.abi_level = 99; }, HF_R_ABI_LEVEL},
  };
  return rows;
}

hf_limiter_snapshot Read(const hf_limiter* limiter, hf_time now = kStart) {
  hf_limiter_snapshot snapshot{};
  snapshot.struct_size = sizeof snapshot;
  EXPECT_EQ(hf_limiter_read(limiter, now, &snapshot), HF_OK);
  return snapshot;
}

class LimiterBadInput : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(hf_limiter_new(nullptr, &limiter_, nullptr), HF_OK); }
  void TearDown() override { hf_limiter_unref(limiter_); }

  hf_limiter* limiter_ = nullptr;
};

TEST_F(LimiterBadInput, EachFieldIsRefusedByNameWhenMadeAndWhenUpdated) {
  for (const Row& row : Rows()) {
    hf_limiter_options options = HF_INIT(hf_limiter_options);
    row.set(options);
    hf_error error{};
    auto* made = reinterpret_cast<hf_limiter*>(uintptr_t{64});
    EXPECT_EQ(hf_limiter_new(&options, &made, &error), HF_INVALID_ARGUMENT) << row.field;
    EXPECT_EQ(error.reason, row.reason) << error.text;
    EXPECT_NE(std::strstr(error.text, row.field), nullptr) << error.text;
    EXPECT_EQ(made, nullptr);
    EXPECT_EQ(hf_limiter_new(&options, &made, nullptr), HF_INVALID_ARGUMENT);
    error = {};
    EXPECT_EQ(hf_limiter_update(limiter_, &options, kStart, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(error.reason, row.reason) << error.text;
    EXPECT_NE(std::strstr(error.text, row.field), nullptr) << error.text;
  }
  EXPECT_EQ(Read(limiter_).rate, 100);
}

TEST_F(LimiterBadInput, NullIsRefusedEverywhere) {
  hf_error error{};
  hf_rejection why{};
  hf_reservation reservation{};
  hf_limiter_snapshot snapshot{};
  EXPECT_EQ(hf_limiter_new(nullptr, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_limiter_try_acquire(nullptr, 1, kStart, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_limiter_try_acquire(nullptr, 1, kStart, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_reserve(nullptr, 1, 0, kStart, &reservation, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_reserve(limiter_, 1, 0, kStart, nullptr, nullptr, &why),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_limiter_cancel(nullptr, &reservation, kStart), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_cancel(limiter_, nullptr, kStart), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_on_outcome(nullptr, 0, kStart), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_update(nullptr, nullptr, kStart, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_limiter_read(limiter_, kStart, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_read(nullptr, kStart, &snapshot), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_read(limiter_, kStart, &snapshot), HF_INVALID_ARGUMENT) << "struct_size 0";
  hf_limiter_ref(nullptr);
  hf_limiter_unref(nullptr);
  EXPECT_EQ(Read(limiter_).tokens, 100);
}

TEST_F(LimiterBadInput, AbsurdTimesAndCostsTakeNothing) {
  hf_rejection why{};
  hf_reservation reservation;
  for (const uint32_t cost : {0u, 101u, UINT32_MAX}) {
    EXPECT_EQ(hf_limiter_try_acquire(limiter_, cost, kStart, &why), HF_INVALID_ARGUMENT) << cost;
    EXPECT_EQ(why.reason, HF_R_OUT_OF_RANGE);
    EXPECT_EQ(hf_limiter_reserve(limiter_, cost, 0, kStart, &reservation, nullptr, &why),
              HF_INVALID_ARGUMENT);
    EXPECT_EQ(reservation.cost, 0u);
  }
  EXPECT_EQ(hf_limiter_try_acquire(limiter_, 1, -1, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_reserve(limiter_, 1, 0, INT64_MIN, &reservation, nullptr, &why),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_reserve(limiter_, 1, -5, kStart, &reservation, nullptr, &why),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_on_outcome(limiter_, 2, kStart), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_on_outcome(limiter_, 1, -1), HF_INVALID_ARGUMENT);
  hf_error error{};
  EXPECT_EQ(hf_limiter_update(limiter_, nullptr, -1, &error), HF_INVALID_ARGUMENT);
  EXPECT_NE(std::strstr(error.text, "now"), nullptr);
  EXPECT_EQ(Read(limiter_).granted, 0u);
  EXPECT_EQ(Read(limiter_).refused, 0u);
}

TEST_F(LimiterBadInput, ADeadlineThatHasPassedIsSaidSo) {
  hf_rejection why{};
  hf_reservation reservation;
  hf_time at = 7;
  EXPECT_EQ(hf_limiter_reserve(limiter_, 1, kStart, kStart, &reservation, &at, &why),
            HF_DEADLINE_EXCEEDED);
  EXPECT_EQ(why.reason, HF_R_DEADLINE);
  EXPECT_EQ(at, 0);
}

TEST_F(LimiterBadInput, AReservationOfAnotherOrOfNobodyIsNotCancelled) {
  hf_limiter* other = nullptr;
  ASSERT_EQ(hf_limiter_new(nullptr, &other, nullptr), HF_OK);
  hf_reservation reservation;
  ASSERT_EQ(hf_limiter_reserve(other, 5, 0, kStart, &reservation, nullptr, nullptr), HF_OK);
  EXPECT_EQ(hf_limiter_cancel(limiter_, &reservation, kStart), HF_INVALID_ARGUMENT);
  EXPECT_EQ(reservation.cost, 5u) << "still held";
  hf_reservation forged = reservation;
  forged.position = 1'000'000'000;
  EXPECT_EQ(hf_limiter_cancel(other, &forged, kStart), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_limiter_cancel(other, &reservation, -7), HF_OK) << "giving back does not fail";
  EXPECT_EQ(hf_limiter_cancel(other, &reservation, kStart), HF_OK) << "nothing held";
  EXPECT_EQ(Read(other).tokens, 100);
  hf_limiter_unref(other);
}

TEST_F(LimiterBadInput, AnUpdateMayNotChangeTheShape) {
  hf_error error{};
  hf_limiter_options options = HF_INIT(hf_limiter_options);
  options.flags = HF_LIMITER_ADAPTIVE;
  EXPECT_EQ(hf_limiter_update(limiter_, &options, kStart, &error), HF_FAILED_PRECONDITION);
  EXPECT_EQ(error.reason, HF_R_CHANGED_SHAPE);
  EXPECT_NE(std::strstr(error.text, "flags"), nullptr);
  options.flags = 0;
  options.warm_up = HF_S;
  EXPECT_EQ(hf_limiter_update(limiter_, &options, kStart, &error), HF_FAILED_PRECONDITION);
  EXPECT_NE(std::strstr(error.text, "warm_up"), nullptr);
  options.warm_up = 0;
  options.permits = 50;
  EXPECT_EQ(hf_limiter_update(limiter_, &options, kStart, &error), HF_OK);
  EXPECT_EQ(Read(limiter_).tokens, 50);
}

TEST_F(LimiterBadInput, RefusalsSayWhenToComeBack) {
  hf_rejection why{};
  ASSERT_EQ(hf_limiter_try_acquire(limiter_, 100, kStart, nullptr), HF_OK);
  EXPECT_EQ(hf_limiter_try_acquire(limiter_, 3, kStart, &why), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(why.code, HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(why.reason, HF_R_RATE_LIMITED);
  EXPECT_EQ(why.retry_after, 30 * HF_MS);
}

TEST_F(LimiterBadInput, EventsGoToTheJournal) {
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  hf_limiter_options options = HF_INIT(hf_limiter_options);
  options.journal = journal;
  options.object = 42;
  hf_limiter* limiter = nullptr;
  ASSERT_EQ(hf_limiter_new(&options, &limiter, nullptr), HF_OK);
  ASSERT_EQ(hf_limiter_try_acquire(limiter, 100, kStart, nullptr), HF_OK);
  ASSERT_EQ(hf_limiter_try_acquire(limiter, 2, kStart, nullptr), HF_RESOURCE_EXHAUSTED);
  ASSERT_EQ(hf_limiter_update(limiter, &options, kStart, nullptr), HF_OK);
  hf_event events[4];
  size_t count = 0;
  ASSERT_EQ(hf_journal_drain(journal, events, 4, &count), HF_OK);
  ASSERT_EQ(count, 2u);
  EXPECT_EQ(events[0].object, 42u);
  EXPECT_EQ(events[0].kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(events[0].after, 2);
  EXPECT_EQ(events[1].kind, HF_EVENT_KIND_UPDATED);
  EXPECT_EQ(events[1].after, 1);
  hf_limiter_unref(limiter);
  hf_journal_unref(journal);
}

}  // namespace
