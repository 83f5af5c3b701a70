// SPDX-License-Identifier: Apache-2.0
// What hedging refuses, with which reason, and that the message names the field.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace {

struct Row {
  const char* field;
  std::function<void(hf_hedge_options&)> set;
  hf_reason reason = HF_R_OUT_OF_RANGE;
};

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
#define ROW(field, ...) {#field, [](auto& o) { o.field = __VA_ARGS__; }}

const std::vector<Row>& BadRows() {
  static const std::vector<Row> rows = {
      ROW(mode, 3),
      ROW(mode, -1),
      ROW(max_attempts, 1),
      ROW(max_attempts, 9),
      ROW(max_attempts, UINT32_MAX),
      ROW(min_samples, 1'000'001),
      ROW(burst, 1001),
      ROW(burst, UINT32_MAX),
      ROW(quantile, 0.49),
      ROW(quantile, 0.9991),
      ROW(quantile, 1.0),
      ROW(quantile, -0.9),
      ROW(quantile, 95.0),
      ROW(quantile, kNan),
      ROW(quantile, kInf),
      ROW(delay, -1),
      ROW(delay, 999),
      ROW(delay, 3601 * HF_S),
      ROW(delay, HF_INFINITE),
      ROW(min_delay, -1),
      ROW(min_delay, 999),
      ROW(min_delay, HF_INFINITE),
      ROW(max_delay, -1),
      ROW(max_delay, HF_MS - 1),
      ROW(max_delay, 3601 * HF_S),
      ROW(max_delay, HF_INFINITE),
      ROW(window, -1),
      ROW(window, 100 * HF_MS - 1),
      ROW(window, 601 * HF_S),
      ROW(window, HF_INFINITE),
      ROW(max_rate, 0.0009),
      ROW(max_rate, 7.1),
      ROW(max_rate, -1.0),
      ROW(max_rate, kNan),
      ROW(max_rate, kInf),
      {"struct_size", [](auto& o) { o.struct_size = 0; }, HF_R_STRUCT_SIZE},
      {"struct_size", [](auto& o) { o.struct_size = 8; }, HF_R_STRUCT_SIZE},
      {"struct_size", [](auto& o) { o.struct_size = sizeof(o) - 8; }, HF_R_STRUCT_SIZE},
      {"abi_level", [](auto& o) { o.abi_level = 0; }, HF_R_ABI_LEVEL},
      {"abi_level", [](auto& o) { o.abi_level = HF_ABI_LEVEL + 1; }, HF_R_ABI_LEVEL},
      {"delay", [](auto& o) { o.mode = HF_HEDGE_FIXED; }, HF_R_BAD_OPTIONS},
  };
  return rows;
}

class HedgeBadInput : public ::testing::Test {
 protected:
  HedgeBadInput() { EXPECT_EQ(hf_hedge_new(nullptr, &hedge, nullptr), HF_OK); }
  ~HedgeBadInput() override { hf_hedge_unref(hedge); }

  hf_hedge_snapshot Read() const {
    hf_hedge_snapshot snapshot{};
    snapshot.struct_size = sizeof snapshot;
    EXPECT_EQ(hf_hedge_read(hedge, 0, &snapshot), HF_OK);
    return snapshot;
  }
  static hf_hedge_call_options Options() {
    hf_hedge_call_options options = HF_INIT(hf_hedge_call_options);
    options.flags = HF_CALL_IDEMPOTENT;
    return options;
  }
  void ExpectStartRefused(const hf_hedge_call_options& options, hf_reason reason, hf_time now = 0) {
    EXPECT_EQ(hf_hedge_call_start(&call, hedge, nullptr, &options, now, &next),
              HF_INVALID_ARGUMENT);
    EXPECT_EQ(next.kind, HF_DO_FINISH);
    EXPECT_EQ(next.code, HF_INVALID_ARGUMENT);
    EXPECT_EQ(next.reason, reason) << hf_reason_name(next.reason);
    EXPECT_EQ(hf_hedge_call_on_time(&call, now, &next), HF_INVALID_ARGUMENT);
    EXPECT_EQ(next.reason, HF_R_BAD_STATE) << "nothing has begun";
  }

  hf_hedge* hedge = nullptr;
  hf_hedge_call call;
  hf_hedge_action next{};
};

TEST_F(HedgeBadInput, EveryOptionIsRefusedByNameAndNothingIsMade) {
  int number = 0;
  for (const Row& row : BadRows()) {
    SCOPED_TRACE(std::string(row.field) + " row " + std::to_string(++number));
    hf_hedge_options options = HF_INIT(hf_hedge_options);
    row.set(options);
    hf_hedge* made = reinterpret_cast<hf_hedge*>(uintptr_t{64});
    hf_error error;
    std::memset(&error, 0x7f, sizeof error);
    EXPECT_EQ(hf_hedge_new(&options, &made, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(made, nullptr);
    EXPECT_EQ(error.reason, row.reason) << error.text;
    EXPECT_EQ(std::string(error.text).rfind(row.field, 0), 0u) << error.text;
    EXPECT_EQ(hf_hedge_new(&options, &made, nullptr), HF_INVALID_ARGUMENT);

    std::memset(&error, 0x7f, sizeof error);
    EXPECT_EQ(hf_hedge_update(hedge, &options, 0, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(error.reason, row.reason) << "an update is checked alike";
  }
  EXPECT_EQ(Read().updates, 0u) << "and a bad one changes nothing";
}

TEST_F(HedgeBadInput, TheEndsOfEveryRangeAreFine) {
  const std::vector<Row> rows = {ROW(max_attempts, 2),
                                 ROW(max_attempts, 8),
                                 ROW(min_samples, 1),
                                 ROW(min_samples, 1'000'000),
                                 ROW(burst, 1),
                                 ROW(burst, 1000),
                                 ROW(quantile, 0.5),
                                 ROW(quantile, 0.999),
                                 ROW(delay, HF_US),
                                 ROW(delay, 3600 * HF_S),
                                 ROW(min_delay, HF_US),
                                 ROW(min_delay, 3600 * HF_S),
                                 ROW(max_delay, HF_MS),
                                 ROW(max_delay, 3600 * HF_S),
                                 ROW(window, 100 * HF_MS),
                                 ROW(window, 600 * HF_S),
                                 ROW(max_rate, 0.001),
                                 ROW(max_rate, 7.0)};
  for (const Row& row : rows) {
    hf_hedge_options options = HF_INIT(hf_hedge_options);
    row.set(options);
    hf_error error{};
    hf_hedge* made = nullptr;
    EXPECT_EQ(hf_hedge_new(&options, &made, &error), HF_OK) << error.text;
    hf_hedge_unref(made);
    EXPECT_EQ(hf_hedge_update(hedge, &options, 0, &error), HF_OK) << error.text;
  }
}

TEST_F(HedgeBadInput, ANewerCallersUnknownTailMustBeZero) {
  struct {
    hf_hedge_options known;
    uint64_t unknown;
  } newer{HF_INIT(hf_hedge_options), 0};
  newer.known.struct_size = sizeof newer;
  hf_hedge* made = nullptr;
  hf_error error{};
  EXPECT_EQ(hf_hedge_new(&newer.known, &made, &error), HF_OK);
  hf_hedge_unref(made);
  newer.unknown = 1;
  EXPECT_EQ(hf_hedge_new(&newer.known, &made, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_UNSUPPORTED_FIELD);
}

TEST_F(HedgeBadInput, NullPointersAndNegativeTimesAreRefused) {
  hf_error error{};
  EXPECT_EQ(hf_hedge_new(nullptr, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_NE(std::strstr(error.text, "out"), nullptr);
  EXPECT_EQ(hf_hedge_update(nullptr, nullptr, 0, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_hedge_update(hedge, nullptr, -1, &error), HF_INVALID_ARGUMENT);
  EXPECT_NE(std::strstr(error.text, "now"), nullptr);
  EXPECT_EQ(hf_hedge_update(hedge, nullptr, 0, nullptr), HF_OK) << "NULL means all defaults";
  hf_hedge_snapshot snapshot{};
  snapshot.struct_size = sizeof snapshot;
  EXPECT_EQ(hf_hedge_read(nullptr, 0, &snapshot), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_hedge_read(hedge, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_hedge_read(hedge, INT64_MIN, &snapshot), HF_OK) << "read as no time passed";
  snapshot.struct_size = 4;
  EXPECT_EQ(hf_hedge_read(hedge, 0, &snapshot), HF_INVALID_ARGUMENT);
  hf_hedge_ref(nullptr);
  hf_hedge_unref(nullptr);
}

TEST_F(HedgeBadInput, EveryFieldOfACallIsRefusedAndNothingBegins) {
  ExpectStartRefused(Options(), HF_R_OUT_OF_RANGE, -1);
  hf_hedge_call_options options = Options();
  options.deadline = -1;
  ExpectStartRefused(options, HF_R_OUT_OF_RANGE);
  options = Options();
  options.flags = 2;
  ExpectStartRefused(options, HF_R_UNSUPPORTED_FIELD);
  options = Options();
  options.reserved0 = 1;
  ExpectStartRefused(options, HF_R_UNSUPPORTED_FIELD);
  options = Options();
  options.struct_size = 8;
  ExpectStartRefused(options, HF_R_STRUCT_SIZE);
  options = Options();
  options.abi_level = 0;
  ExpectStartRefused(options, HF_R_ABI_LEVEL);
  EXPECT_EQ(Read().calls, 0u);
}

TEST_F(HedgeBadInput, NullPointersOfACallAreRefused) {
  const hf_hedge_call_options options = Options();
  EXPECT_EQ(hf_hedge_call_start(nullptr, hedge, nullptr, &options, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_hedge_call_start(&call, nullptr, nullptr, &options, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_hedge_call_start(&call, hedge, nullptr, nullptr, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_hedge_call_start(&call, hedge, nullptr, &options, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_hedge_call_on_time(nullptr, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.reason, HF_R_NULL_ARGUMENT);
  EXPECT_EQ(hf_hedge_call_on_time(&call, 0, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_hedge_call_on_outcome(nullptr, 1, nullptr, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_hedge_call_on_outcome(&call, 1, nullptr, 0, nullptr), HF_INVALID_ARGUMENT);
  hf_hedge_call_abort(nullptr, 0);
}

TEST_F(HedgeBadInput, ABadReportLeavesTheSessionWaiting) {
  const hf_hedge_call_options options = Options();
  ASSERT_EQ(hf_hedge_call_start(&call, hedge, nullptr, &options, 0, &next), HF_OK);
  EXPECT_EQ(hf_hedge_call_on_outcome(&call, 1, nullptr, 0, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(next.kind, HF_DO_WAIT);
  EXPECT_EQ(next.reason, HF_R_NULL_ARGUMENT);
  for (const uint32_t attempt : {0u, 2u, 8u, 9u, 33u, UINT32_MAX}) {
    const hf_outcome fine{};
    EXPECT_EQ(hf_hedge_call_on_outcome(&call, attempt, &fine, 0, &next), HF_INVALID_ARGUMENT);
    EXPECT_EQ(next.reason, HF_R_BAD_STATE) << attempt;
  }
  for (const hf_outcome bad :
       {hf_outcome{17, 0, 0, 0, 0}, hf_outcome{0, 5, 0, 0, 0}, hf_outcome{0, 0, 5, 0, 0},
        hf_outcome{0, 0, -1, 0, 0}, hf_outcome{0, 0, 0, 0, -1}, hf_outcome{-1, 0, 0, 0, 0}}) {
    EXPECT_EQ(hf_hedge_call_on_outcome(&call, 1, &bad, 0, &next), HF_INVALID_ARGUMENT);
    EXPECT_EQ(next.reason, HF_R_OUT_OF_RANGE);
  }
  const hf_outcome fine{};
  EXPECT_EQ(hf_hedge_call_on_outcome(&call, 1, &fine, INT64_MIN, &next), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_FINISH);
}

}  // namespace
