// SPDX-License-Identifier: Apache-2.0
// What an adaptive limit and a throttle refuse, with which reason, and that the message names the field.
// In each case *out is NULL, and an update changes nothing.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

template <typename Options>
struct Row {
  const char* field;
  std::function<void(Options&)> set;
  hf_reason reason = HF_R_OUT_OF_RANGE;
};
#define ROW(field, ...) {#field, [](auto& o) { o.field = __VA_ARGS__; }}

const std::vector<Row<hf_adaptive_options>> kAdaptiveRows = {
    ROW(algorithm, 5),
    ROW(algorithm, -1),
    {"flags", [](auto& o) { o.flags = 2; }, HF_R_UNSUPPORTED_FIELD},
    {"flags", [](auto& o) { o.flags = UINT32_MAX; }, HF_R_UNSUPPORTED_FIELD},
    ROW(min_limit, 1000001),
    ROW(min_limit, UINT32_MAX),
    ROW(max_limit, 1000001),
    {"max_limit", [](auto& o) { o.min_limit = 2, o.max_limit = 1; }},
    ROW(initial_limit, 201),
    {"initial_limit", [](auto& o) { o.min_limit = 5, o.initial_limit = 4; }},
    ROW(min_samples, 1000001),
    ROW(window, -1),
    ROW(window, HF_MS - 1),
    ROW(window, 60 * HF_S + 1),
    ROW(window, HF_INFINITE),
    ROW(min_rtt, -1),
    ROW(min_rtt, HF_S + 1),
    ROW(smoothing, -0.1),
    ROW(smoothing, 1.01),
    ROW(smoothing, kNan),
    ROW(drop_rate, -0.1),
    ROW(drop_rate, 1.0),
    ROW(drop_rate, kNan),
    ROW(backoff, -0.9),
    ROW(backoff, 1.0),
    ROW(backoff, kInf),
    ROW(timeout, -1),
    ROW(timeout, 999),
    ROW(timeout, HF_INFINITE),
    ROW(tolerance, 0.9),
    ROW(tolerance, 11),
    ROW(tolerance, kNan),
    ROW(max_factor, 0.5),
    ROW(max_factor, 1001),
    ROW(max_factor, kInf),
    ROW(queue_size, 1000001),
    ROW(long_window, 1000001),
    ROW(baseline_windows, 1000001),
    ROW(probe_multiplier, 1000001),
    ROW(guard_windows, 9),
    ROW(guard_windows, 65),
    {"reserved0", [](auto& o) { o.reserved0 = 1; }, HF_R_UNSUPPORTED_FIELD},
    {"struct_size", [](auto& o) { --o.struct_size; }, HF_R_STRUCT_SIZE},
    {"struct_size", [](auto& o) { o.struct_size = 0; }, HF_R_STRUCT_SIZE},
    {"abi_level", [](auto& o) { o.abi_level = 0; }, HF_R_ABI_LEVEL},
    {"abi_level", [](auto& o) { o.abi_level = 99; }, HF_R_ABI_LEVEL},
};

const std::vector<Row<hf_throttle_options>> kThrottleRows = {
    ROW(window, -1),
    ROW(window, 10 * HF_MS - 1),
    ROW(window, 3600 * HF_S + 1),
    ROW(window, HF_INFINITE),
    ROW(buckets, 65),
    ROW(buckets, UINT32_MAX),
    ROW(success_rate, 0.009),
    ROW(success_rate, -0.5),
    ROW(success_rate, 1.01),
    ROW(success_rate, kNan),
    ROW(aggression, 0.09),
    ROW(aggression, -1),
    ROW(aggression, 101),
    ROW(aggression, kNan),
    ROW(aggression, kInf),
    ROW(max_rejection, 0.009),
    ROW(max_rejection, 1.0),
    ROW(max_rejection, -0.5),
    ROW(max_rejection, kNan),
    ROW(min_rate, 0.0009),
    ROW(min_rate, -5),
    ROW(min_rate, 2e9),
    ROW(min_rate, kNan),
    ROW(min_rate, kInf),
    {"reserved0", [](auto& o) { o.reserved0 = 1; }, HF_R_UNSUPPORTED_FIELD},
    {"struct_size", [](auto& o) { --o.struct_size; }, HF_R_STRUCT_SIZE},
    {"struct_size", [](auto& o) { o.struct_size = UINT32_MAX; }, HF_R_STRUCT_SIZE},
    {"abi_level", [](auto& o) { o.abi_level = 0; }, HF_R_ABI_LEVEL},
    {"abi_level", [](auto& o) { o.abi_level = 99; }, HF_R_ABI_LEVEL},
};

template <typename Options, typename Handle>
void CheckRows(const std::vector<Row<Options>>& rows,
               hf_code (*create)(const Options*, Handle**, hf_error*), void (*unref)(Handle*),
               hf_code (*update)(Handle*, const Options*, hf_time, hf_error*)) {
  Handle* good = nullptr;
  ASSERT_EQ(create(nullptr, &good, nullptr), HF_OK);
  int number = 0;
  for (const Row<Options>& row : rows) {
    SCOPED_TRACE(std::string(row.field) + " row " + std::to_string(++number));
    Options options = HF_INIT(Options);
    row.set(options);
    hf_error error, update_error;
    std::memset(&error, 0x7f, sizeof error);
    std::memset(&update_error, 0x7f, sizeof update_error);
    Handle* made = reinterpret_cast<Handle*>(uintptr_t{64});
    EXPECT_EQ(create(&options, &made, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(made, nullptr);
    EXPECT_EQ(error.reason, row.reason) << error.text;
    EXPECT_EQ(std::string(error.text).rfind(row.field, 0), 0u) << error.text;
    EXPECT_EQ(create(&options, &made, nullptr), HF_INVALID_ARGUMENT);
    EXPECT_EQ(update(good, &options, HF_S, &update_error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(update_error.reason, row.reason);
    EXPECT_STREQ(update_error.text, error.text);
    EXPECT_EQ(update(good, &options, HF_S, nullptr), HF_INVALID_ARGUMENT);
  }
  // A newer caller's struct: fine while what we do not know is zero.
  struct {
    Options known;
    uint64_t unknown;
  } newer{HF_INIT(Options), 0};
  newer.known.struct_size = sizeof newer;
  Handle* made = nullptr;
  EXPECT_EQ(create(&newer.known, &made, nullptr), HF_OK);
  unref(made);
  newer.unknown = 1;
  hf_error error{};
  EXPECT_EQ(create(&newer.known, &made, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_UNSUPPORTED_FIELD);

  EXPECT_EQ(create(nullptr, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(update(nullptr, nullptr, HF_S, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  unref(good);
  unref(nullptr);
}

TEST(AdaptiveBadInput, OptionsNameTheField) {
  CheckRows(kAdaptiveRows, hf_adaptive_new, hf_adaptive_unref, hf_adaptive_update);
}

TEST(ThrottleBadInput, OptionsNameTheField) {
  CheckRows(kThrottleRows, hf_throttle_new, hf_throttle_unref, hf_throttle_update);
}

TEST(AdaptiveBadInput, ASampleThatCannotBeIsRefusedAndNotCounted) {
  hf_adaptive_options options = HF_INIT(hf_adaptive_options);
  options.min_samples = 1;
  hf_adaptive* adaptive = nullptr;
  ASSERT_EQ(hf_adaptive_new(&options, &adaptive, nullptr), HF_OK);
  uint32_t limit = 7;
  EXPECT_EQ(hf_adaptive_on_sample(nullptr, HF_MS, 1, 0, HF_S, &limit), HF_INVALID_ARGUMENT);
  EXPECT_EQ(limit, 0u);
  EXPECT_EQ(hf_adaptive_on_sample(adaptive, -1, 1, 0, HF_S, &limit), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_adaptive_on_sample(adaptive, INT64_MIN, 1, 1, HF_S, &limit), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_adaptive_on_sample(adaptive, HF_MS, 1, 2, HF_S, &limit), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_adaptive_on_sample(adaptive, HF_MS, 1, 0, HF_S, nullptr), HF_OK);
  EXPECT_EQ(hf_adaptive_on_sample(adaptive, HF_INFINITE, UINT32_MAX, 0, INT64_MAX, &limit), HF_OK);
  EXPECT_EQ(hf_adaptive_on_sample(adaptive, 0, 0, 0, INT64_MIN, &limit), HF_OK);
  EXPECT_EQ(limit, 20u);
  hf_adaptive_snapshot snapshot{};
  EXPECT_EQ(hf_adaptive_read(adaptive, &snapshot), HF_INVALID_ARGUMENT);
  snapshot.struct_size = sizeof snapshot;
  EXPECT_EQ(hf_adaptive_read(adaptive, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_adaptive_read(nullptr, &snapshot), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_adaptive_read(adaptive, &snapshot), HF_OK);
  EXPECT_EQ(snapshot.samples, 2u);
  hf_adaptive_unref(adaptive);
}

TEST(ThrottleBadInput, AStepThatCannotBeIsRefusedAndNotCounted) {
  hf_throttle* throttle = nullptr;
  ASSERT_EQ(hf_throttle_new(nullptr, &throttle, nullptr), HF_OK);
  hf_rejection why{};
  EXPECT_EQ(hf_throttle_admit(nullptr, 1, HF_S, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_throttle_admit(throttle, 0, HF_S, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_ZERO_SEED);
  EXPECT_EQ(hf_throttle_admit(throttle, 0, HF_S, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_throttle_admit(throttle, 1, INT64_MIN, &why), HF_OK);
  EXPECT_EQ(hf_throttle_admit(throttle, UINT64_MAX, INT64_MAX, nullptr), HF_OK);
  for (const hf_verdict verdict : {-1, 0, 5, INT32_MAX}) {
    EXPECT_EQ(hf_throttle_record(throttle, verdict, HF_S), HF_INVALID_ARGUMENT) << verdict;
  }
  EXPECT_EQ(hf_throttle_record(nullptr, HF_VERDICT_SUCCESS, HF_S), HF_INVALID_ARGUMENT);
  hf_throttle_snapshot snapshot{};
  EXPECT_EQ(hf_throttle_read(throttle, HF_S, &snapshot), HF_INVALID_ARGUMENT);
  snapshot.struct_size = sizeof snapshot;
  EXPECT_EQ(hf_throttle_read(throttle, HF_S, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_throttle_read(nullptr, HF_S, &snapshot), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_throttle_read(throttle, INT64_MIN, &snapshot), HF_OK);
  EXPECT_EQ(snapshot.requests, 0u);
  hf_throttle_unref(throttle);
}

}  // namespace
