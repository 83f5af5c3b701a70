// SPDX-License-Identifier: Apache-2.0
// Bad input to the breaker's functions: refused, the field named, and nothing changed.
#include <gtest/gtest.h>
#include <holdfast/c/breaker.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

constexpr hf_time kNow = 1000 * HF_S;

struct Row {
  const char* field;
  std::function<void(hf_breaker_options&)> set;
  hf_reason reason = HF_R_OUT_OF_RANGE;
};
#define ROW(field, ...) {#field, [](hf_breaker_options& o) { o.field = __VA_ARGS__; }}

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      ROW(slow_after, -1),
      ROW(slow_after, HF_MS - 1),
      ROW(slow_after, 3601 * HF_S),
      ROW(slow_after, HF_INFINITE),
      ROW(slow_rate, -0.1),
      ROW(slow_rate, 1.1),
      ROW(slow_rate, std::nan("")),
      ROW(probe_success_rate, -1),
      ROW(probe_success_rate, 1.01),
      ROW(probe_success_rate, std::nan("")),
      ROW(lost_probe, 3),
      ROW(lost_probe, -1),
      ROW(shards, 17),
      ROW(shards, UINT32_MAX),
      ROW(open_multiplier, 0.5),
      ROW(open_multiplier, -2),
      ROW(open_multiplier, 101),
      ROW(open_multiplier, HUGE_VAL),
      ROW(open_multiplier, std::nan("")),
      ROW(open_cap, HF_S),  // below open_for
      ROW(open_cap, -1),
      ROW(open_cap, 25 * 3600 * HF_S),
      ROW(healthy_for, -1),
      ROW(healthy_for, 1),
      ROW(open_jitter, -0.1),
      ROW(open_jitter, 1.1),
      ROW(open_jitter, std::nan("")),
      {"seed", [](hf_breaker_options& o) { o.open_jitter = 0.5; }, HF_R_ZERO_SEED},
      ROW(ramp_for, -1),
      ROW(ramp_for, 1),
      ROW(ramp_for, HF_INFINITE),
      ROW(ramp_from, -0.5),
      ROW(ramp_from, 1.5),
      ROW(ramp_from, std::nan("")),
      ROW(peers, 1001),
      ROW(veto_calls, 1000001),
      ROW(veto_rate, -1),
      ROW(veto_rate, 2),
      ROW(peer_ttl, -1),
      ROW(peer_ttl, 1),
  };
  return rows;
}

TEST(BreakerBadInput, OptionsNameTheField) {
  for (const Row& row : Rows()) {
    hf_breaker_options options = HF_INIT(hf_breaker_options);
    row.set(options);
    hf_breaker* breaker = nullptr;
    hf_error error{};
    EXPECT_EQ(hf_breaker_new(&options, &breaker, &error), HF_INVALID_ARGUMENT) << row.field;
    EXPECT_EQ(error.reason, row.reason) << row.field;
    EXPECT_EQ(std::strncmp(error.text, row.field, std::strlen(row.field)), 0) << error.text;
    EXPECT_EQ(breaker, nullptr);
  }
}

class BreakerInput : public testing::Test {
 protected:
  void SetUp() override {
    hf_breaker_options options = HF_INIT(hf_breaker_options);
    options.peers = 1;
    ASSERT_EQ(hf_breaker_new(&options, &breaker_, nullptr), HF_OK);
  }
  void TearDown() override { hf_breaker_unref(breaker_); }
  hf_breaker_snapshot Read() {
    hf_breaker_snapshot snapshot{};
    snapshot.struct_size = sizeof(snapshot);
    EXPECT_EQ(hf_breaker_read(breaker_, kNow, &snapshot), HF_OK);
    return snapshot;
  }

  hf_breaker* breaker_ = nullptr;
};

TEST_F(BreakerInput, ARefusedUpdateLeavesTheOldConfiguration) {
  for (const Row& row : Rows()) {
    hf_breaker_options options = HF_INIT(hf_breaker_options);
    options.consecutive_failures = 1;
    row.set(options);
    hf_error error{};
    EXPECT_EQ(hf_breaker_update(breaker_, &options, kNow, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(std::strncmp(error.text, row.field, std::strlen(row.field)), 0) << error.text;
  }
  hf_permit permit;
  ASSERT_EQ(hf_breaker_acquire(breaker_, kNow, &permit, nullptr, nullptr), HF_OK);
  ASSERT_EQ(hf_breaker_record(breaker_, &permit, HF_VERDICT_FAILURE, kNow, nullptr), HF_OK);
  EXPECT_EQ(Read().state, HF_BREAKER_CLOSED);
  EXPECT_EQ(hf_breaker_update(nullptr, nullptr, kNow, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_breaker_update(breaker_, nullptr, kNow, nullptr), HF_OK) << "all defaults";
}

TEST_F(BreakerInput, CountsThatCannotBe) {
  hf_breaker_counts counts{sizeof(counts), 10, 5, 5};
  EXPECT_EQ(hf_breaker_merge(nullptr, 1, &counts, kNow, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_breaker_merge(breaker_, 1, nullptr, kNow, nullptr), HF_INVALID_ARGUMENT);
  for (const hf_breaker_counts& bad :
       {hf_breaker_counts{0, 10, 5, 5}, hf_breaker_counts{sizeof(counts), 10, 11, 5},
        hf_breaker_counts{sizeof(counts), 10, 5, 11}}) {
    hf_events events = 99;
    EXPECT_EQ(hf_breaker_merge(breaker_, 1, &bad, kNow, &events), HF_INVALID_ARGUMENT);
    EXPECT_EQ(events, 0u);
  }
  EXPECT_EQ(hf_breaker_merge(breaker_, 1, &counts, kNow, nullptr), HF_OK);
  EXPECT_EQ(hf_breaker_merge(breaker_, 2, &counts, kNow, nullptr), HF_RESOURCE_EXHAUSTED);
  hf_breaker* alone = nullptr;
  ASSERT_EQ(hf_breaker_new(nullptr, &alone, nullptr), HF_OK);
  EXPECT_EQ(hf_breaker_merge(alone, 1, &counts, kNow, nullptr), HF_INVALID_ARGUMENT) << "no peers";
  hf_breaker_unref(alone);
}

TEST_F(BreakerInput, WhatWasNeverSaved) {
  hf_breaker_saved good{};
  good.struct_size = sizeof(good);
  EXPECT_EQ(hf_breaker_save(nullptr, kNow, &good), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_breaker_save(breaker_, kNow, nullptr), HF_INVALID_ARGUMENT);
  hf_breaker_saved small{};
  EXPECT_EQ(hf_breaker_save(breaker_, kNow, &small), HF_INVALID_ARGUMENT);
  ASSERT_EQ(hf_breaker_save(breaker_, kNow, &good), HF_OK);

  using Saved = hf_breaker_saved;
  const std::pair<const char*, std::function<void(Saved&)>> rows[] = {
      {"struct_size", [](Saved& s) { s.struct_size = 8; }},
      {"state", [](Saved& s) { s.state = HF_BREAKER_HALF_OPEN; }},
      {"state", [](Saved& s) { s.state = 0; }},
      {"state", [](Saved& s) { s.state = 7; }},
      {"open_left", [](Saved& s) { s.open_left = -1; }},
      {"ramp_left", [](Saved& s) { s.ramp_left = -1; }},
      {"closed_for", [](Saved& s) { s.closed_for = INT64_MIN; }},
      {"failures", [](Saved& s) { s.failures = 1; }},
      {"slow", [](Saved& s) { s.slow = 1; }},
      {"reserved0", [](Saved& s) { s.reserved0 = 1; }},
  };
  for (const auto& [field, set] : rows) {
    Saved bad = good;
    set(bad);
    hf_error error{};
    EXPECT_EQ(hf_breaker_restore(breaker_, &bad, kNow, &error), HF_INVALID_ARGUMENT) << field;
    EXPECT_EQ(std::strncmp(error.text, field, std::strlen(field)), 0) << error.text;
  }
  EXPECT_EQ(hf_breaker_restore(nullptr, &good, kNow, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_breaker_restore(breaker_, nullptr, kNow, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(Read().generation, 1u) << "nothing was changed";
  EXPECT_EQ(hf_breaker_restore(breaker_, &good, kNow, nullptr), HF_OK);
  Saved extreme = good;
  extreme.closed_for = HF_INFINITE;
  extreme.calls = extreme.failures = extreme.slow = UINT32_MAX;
  extreme.trips = UINT32_MAX;
  for (const hf_window window : {HF_WINDOW_COUNT, HF_WINDOW_TIME}) {
    hf_breaker_options options = HF_INIT(hf_breaker_options);
    options.window = window;
    ASSERT_EQ(hf_breaker_update(breaker_, &options, kNow, nullptr), HF_OK);
    EXPECT_EQ(hf_breaker_restore(breaker_, &extreme, kNow, nullptr), HF_OK);
    EXPECT_EQ(Read().state, HF_BREAKER_OPEN);
    EXPECT_EQ(Read().failures, Read().calls);
  }
}

TEST_F(BreakerInput, AnOlderCallersStructsStillWork) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  options.struct_size = offsetof(hf_breaker_options, slow_after);
  options.slow_after = -1;  // not this caller's
  hf_breaker* breaker = nullptr;
  ASSERT_EQ(hf_breaker_new(&options, &breaker, nullptr), HF_OK);
  hf_breaker_snapshot snapshot{};
  snapshot.struct_size = offsetof(hf_breaker_snapshot, slow);
  snapshot.slow = 77;
  EXPECT_EQ(hf_breaker_read(breaker, kNow, &snapshot), HF_OK);
  EXPECT_EQ(snapshot.slow, 77u);
  hf_breaker_unref(breaker);
}

TEST_F(BreakerInput, AnyStampIsSafe) {
  hf_breaker_options options = HF_INIT(hf_breaker_options);
  options.slow_after = HF_S;
  ASSERT_EQ(hf_breaker_update(breaker_, &options, kNow, nullptr), HF_OK);
  for (const uint32_t stamp : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xa0000000u, UINT32_MAX}) {
    hf_permit permit;
    ASSERT_EQ(hf_breaker_acquire(breaker_, kNow, &permit, nullptr, nullptr), HF_OK);
    permit.stamp = stamp;
    EXPECT_EQ(hf_breaker_record(breaker_, &permit, HF_VERDICT_SUCCESS, kNow, nullptr), HF_OK);
  }
  EXPECT_EQ(Read().calls, 6u);
}

}  // namespace
